/* bare.c - open addressing over 8-byte slots, records beside it, XXH3 over the folded name.
 *
 * The same hash as the snapshot's, over the name padded to 16 bytes; half the slots stay empty; a
 * record of one destination is one cache line. SSE2 folds the case, and each piece of the name is
 * stored once and whole: copied first, a look-up costs 12 ns more than these 18, because the hash
 * then reads what two stores wrote. No byte beyond the string is read: that would save 1 ns, and
 * valgrind would complain of it in every program. One answer is drawn from an alias table; several
 * one after the other, without replacement, by comparing with the sums of what is left: for four
 * destinations nothing with a loop or a branch is as fast.
 */
#define XXH_INLINE_ALL
#include "bare.h"

#include <emmintrin.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#define SEED UINT64_C(0x9e3779b97f4a7c15)

struct record {
    char name[BARE_NAME_MAX]; /* zero-padded */
    uint32_t length, count;
    struct destination {
        uint32_t v4, keep;
        uint16_t alias, weight;
    } destinations[];
};
_Static_assert(sizeof(struct record) + sizeof(struct destination) <= 64, "one cache line");

struct slot {
    uint32_t tag, number; /* of the record, from 1; 0 = empty */
};

static struct slot *slots;
static char *records;
static size_t mask, stride; /* of the slots; of the records, whole cache lines */
static unsigned most;       /* answers */

struct key {
    _Alignas(16) char name[BARE_NAME_STRIDE];
    size_t length;
    uint64_t hash;
};

static inline __m128i lower(__m128i part)
{
    __m128i is_capital = _mm_and_si128(_mm_cmpgt_epi8(part, _mm_set1_epi8('A' - 1)),
                                       _mm_cmplt_epi8(part, _mm_set1_epi8('Z' + 1)));

    return _mm_or_si128(part, _mm_and_si128(is_capital, _mm_set1_epi8(0x20)));
}

/* The last 1..15 bytes of a name, and zeros. */
static inline __m128i tail(const char *end, size_t length, size_t rest)
{
    uint64_t low = 0, last = 0;

    if (length < 8) {
        memcpy(&last, end - rest, rest);
        return _mm_set_epi64x(0, (int64_t)last);
    }
    memcpy(&last, end - 8, 8);
    if (rest <= 8)
        return _mm_set_epi64x(0, (int64_t)(last >> (64 - 8 * rest)));
    memcpy(&low, end - rest, 8);
    return _mm_set_epi64x((int64_t)(last >> (128 - 8 * rest)), (int64_t)low);
}

static inline bool fold(const char *name, struct key *key)
{
    size_t length = strlen(name), rest = length % 16, at = 0;
    __m128i *parts = (void *)key->name;

    if (length >= BARE_NAME_MAX)
        return false;
    for (; at + 16 <= length; at += 16)
        *parts++ = lower(_mm_loadu_si128((const void *)(name + at)));
    if (rest)
        *parts = lower(tail(name + length, length, rest));
    key->length = length;
    key->hash = XXH3_64bits_withSeed(key->name, (length + 15) & ~(size_t)15, SEED);
    return true;
}

/* Vose's construction, in the plainest form: some column with too little takes from one with too
 * much, until all are even. */
static void fill_columns(struct destination *all, uint32_t count)
{
    double share[BARE_DESTINATIONS], total = 0;

    for (uint32_t i = 0; i < count; i++)
        total += all[i].weight;
    for (uint32_t i = 0; i < count; i++) {
        share[i] = all[i].weight * count / total;
        all[i].keep = UINT32_MAX;
        all[i].alias = (uint16_t)i;
    }
    for (uint32_t done = 0; done < (1U << count) - 1;) {
        uint32_t least = 0, largest = 0;

        for (uint32_t i = 0; i < count; i++) {
            if (!(done >> i & 1) && (done >> least & 1 || share[i] < share[least]))
                least = i;
            if (!(done >> i & 1) && (done >> largest & 1 || share[i] > share[largest]))
                largest = i;
        }
        done |= 1U << least;
        if (least == largest)
            continue;
        all[least].keep = (uint32_t)(share[least] * UINT32_MAX);
        all[least].alias = (uint16_t)largest;
        share[largest] -= 1 - share[least];
    }
}

int bare_build(const char (*names)[BARE_NAME_STRIDE], size_t count, unsigned destinations,
               unsigned answers)
{
    most = answers;
    for (mask = 64; mask < 2 * count; mask *= 2)
        ;
    slots = aligned_alloc(64, mask * sizeof(*slots));
    stride = (sizeof(struct record) + destinations * sizeof(struct destination) + 63) & ~(size_t)63;
    records = aligned_alloc(64, count * stride);
    if (!slots || !records)
        return -1;
    memset(slots, 0, mask * sizeof(*slots));
    mask--;
    for (size_t i = 0; i < count; i++) {
        struct record *record = (void *)(records + i * stride);
        struct key key;
        size_t at;

        if (!fold(names[i], &key))
            return -1;
        *record = (struct record){.length = (uint32_t)key.length, .count = destinations};
        memcpy(record->name, names[i], key.length);
        for (uint32_t d = 0; d < destinations; d++) {
            record->destinations[d].v4 = htonl((uint32_t)(0x0a000000 + i * destinations + d));
            record->destinations[d].weight = (uint16_t)(10 + d);
        }
        fill_columns(record->destinations, destinations);
        for (at = key.hash & mask; slots[at].number; at = (at + 1) & mask)
            ;
        slots[at] = (struct slot){(uint32_t)(key.hash >> 32), (uint32_t)i + 1};
    }
    return 0;
}

static inline __attribute__((always_inline)) struct record *find(const struct key *key)
{
    for (size_t at = key->hash & mask; slots[at].number; at = (at + 1) & mask) {
        struct record *record = (void *)(records + (slots[at].number - 1) * stride);

        if (slots[at].tag == (uint32_t)(key->hash >> 32) && record->length == key->length &&
            memcmp(record->name, key->name, key->length) == 0)
            return record;
    }
    return NULL;
}

int bare_change(const char *name, unsigned weight)
{
    struct record *record;
    struct key key;

    record = fold(name, &key) ? find(&key) : NULL;
    if (!record)
        return -1;
    record->destinations[0].weight = (uint16_t)weight;
    fill_columns(record->destinations, record->count);
    return 0;
}

/* SplitMix64, as in the reader. */
static uint64_t draw(void)
{
    static _Thread_local uint64_t state = SEED;
    uint64_t random = state += SEED;

    random = (random ^ random >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    random = (random ^ random >> 27) * UINT64_C(0x94d049bb133111eb);
    return random ^ random >> 31;
}

/* Walker's alias method. */
static uint32_t draw_one(const struct record *record)
{
    uint64_t random;
    uint32_t column;

    if (record->count == 1)
        return record->destinations[0].v4;
    random = draw();
    column = (uint32_t)((random >> 32) * record->count >> 32);
    if ((uint32_t)random >= record->destinations[column].keep)
        column = record->destinations[column].alias;
    return record->destinations[column].v4;
}

/* A node that ends the list; NULL when memory ran out. */
static struct addrinfo *new_node(const struct addrinfo *hints, uint32_t v4)
{
    struct {
        struct addrinfo info;
        struct sockaddr_in address;
    } *node = malloc(sizeof(*node));

    if (!node)
        return NULL;
    node->info = (struct addrinfo){
        .ai_flags = hints->ai_flags,
        .ai_family = AF_INET,
        .ai_socktype = SOCK_STREAM,
        .ai_protocol = IPPROTO_TCP,
        .ai_addrlen = sizeof(node->address),
        .ai_addr = (struct sockaddr *)&node->address,
    };
    node->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = v4};
    return &node->info;
}

/* Draws the order of all destinations, and makes a node of each. */
static __attribute__((noinline)) int list(const struct record *record, const struct addrinfo *hints,
                                          struct addrinfo **ret_list)
{
    uint32_t weight[BARE_DESTINATIONS] = {0}, total = 0;
    struct addrinfo *first = NULL, **end = &first;
    uint64_t random = 0;

    for (uint32_t i = 0; i < record->count; i++)
        total += weight[i] = record->destinations[i].weight;
    for (uint32_t i = 0; i < record->count; i++, random >>= 32) {
        if (i % 2 == 0)
            random = draw();
        /* A weight that was drawn is 0, so that its sum is that of the one before it. */
        uint32_t at = (uint32_t)((uint64_t)(uint32_t)random * total >> 32);
        uint32_t sum0 = weight[0], sum1 = sum0 + weight[1], sum2 = sum1 + weight[2];
        unsigned drawn = (unsigned)(at >= sum0) + (unsigned)(at >= sum1) + (unsigned)(at >= sum2);

        total -= weight[drawn];
        weight[drawn] = 0;
        *end = new_node(hints, record->destinations[drawn].v4);
        if (!*end) {
            freeaddrinfo(first);
            return EAI_MEMORY;
        }
        end = &(*end)->ai_next;
    }
    *ret_list = first;
    return 0;
}

int bare_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo **ret_list)
{
    const struct record *record;
    struct key key;

    (void)service;
    record = fold(node, &key) ? find(&key) : NULL;
    if (!record)
        return EAI_NONAME;
    if (most > 1)
        return list(record, hints, ret_list);
    *ret_list = new_node(hints, draw_one(record));
    return *ret_list ? 0 : EAI_MEMORY;
}
