/* bare.c - open addressing over 8-byte slots, records beside it, XXH3 over the folded name.
 *
 * The same hash as the snapshot's, over the name padded to 16 bytes; half the slots stay empty; a
 * record of one destination is one cache line. SSE2 folds the case, which is the fastest way that
 * was found (the portable way of the reader costs some 50 instructions more).
 */
#define XXH_INLINE_ALL
#include "bare.h"

#include <emmintrin.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#define SEED UINT64_C(0x9e3779b97f4a7c15)

struct record {
    char name[BARE_NAME_MAX]; /* zero-padded */
    uint32_t length, count;
    struct destination {
        uint32_t v4, keep, alias;
    } destinations[];
};

struct slot {
    uint32_t tag, number; /* of the record, from 1; 0 = empty */
};

static struct slot *slots;
static char *records;
static size_t mask, stride; /* of the slots; of the records, whole cache lines */

struct key {
    _Alignas(16) char name[64];
    size_t length;
    uint64_t hash;
};

static void fold(const char *name, struct key *key)
{
    const __m128i before = _mm_set1_epi8('A' - 1), behind = _mm_set1_epi8('Z' + 1);
    __m128i *part = (void *)key->name;
    size_t padded;

    key->length = strlen(name);
    padded = (key->length + 15) & ~(size_t)15;
    for (size_t i = 0; i < padded / 16; i++)
        part[i] = _mm_setzero_si128();
    memcpy(key->name, name, key->length);
    for (size_t i = 0; i < padded / 16; i++) {
        __m128i is_capital =
            _mm_and_si128(_mm_cmpgt_epi8(part[i], before), _mm_cmplt_epi8(part[i], behind));

        part[i] = _mm_or_si128(part[i], _mm_and_si128(is_capital, _mm_set1_epi8(0x20)));
    }
    key->hash = XXH3_64bits_withSeed(key->name, padded, SEED);
}

int bare_build(const char (*names)[BARE_NAME_MAX], size_t count, unsigned destinations)
{
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

        fold(names[i], &key);
        *record = (struct record){.length = (uint32_t)key.length, .count = destinations};
        memcpy(record->name, names[i], key.length);
        for (uint32_t d = 0; d < destinations; d++) {
            record->destinations[d].v4 = htonl((uint32_t)(0x0a000000 + i * destinations + d));
            record->destinations[d].keep = UINT32_MAX;
            record->destinations[d].alias = d;
        }
        for (at = key.hash & mask; slots[at].number; at = (at + 1) & mask)
            ;
        slots[at] = (struct slot){(uint32_t)(key.hash >> 32), (uint32_t)i + 1};
    }
    return 0;
}

static const struct record *find(const struct key *key)
{
    for (size_t at = key->hash & mask; slots[at].number; at = (at + 1) & mask) {
        const struct record *record = (void *)(records + (slots[at].number - 1) * stride);

        if (slots[at].tag == (uint32_t)(key->hash >> 32) && record->length == key->length &&
            memcmp(record->name, key->name, key->length) == 0)
            return record;
    }
    return NULL;
}

/* Walker's alias method with SplitMix64, as in the reader. */
static uint32_t draw(const struct record *record)
{
    static _Thread_local uint64_t state = SEED;
    uint64_t random;
    uint32_t column;

    if (record->count == 1)
        return record->destinations[0].v4;
    random = state += SEED;
    random = (random ^ random >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    random = (random ^ random >> 27) * UINT64_C(0x94d049bb133111eb);
    random ^= random >> 31;
    column = (uint32_t)((random >> 32) * record->count >> 32);
    if ((uint32_t)random >= record->destinations[column].keep)
        column = record->destinations[column].alias;
    return record->destinations[column].v4;
}

int bare_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo **ret_list)
{
    struct {
        struct addrinfo info;
        struct sockaddr_in address;
    } * found;
    const struct record *record;
    struct key key;

    (void)service;
    fold(node, &key);
    record = find(&key);
    if (!record)
        return EAI_NONAME;
    found = malloc(sizeof(*found));
    if (!found)
        return EAI_MEMORY;
    found->info = (struct addrinfo){
        .ai_flags = hints->ai_flags,
        .ai_family = AF_INET,
        .ai_socktype = SOCK_STREAM,
        .ai_protocol = IPPROTO_TCP,
        .ai_addrlen = sizeof(found->address),
        .ai_addr = (struct sockaddr *)&found->address,
    };
    found->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = draw(record)};
    *ret_list = &found->info;
    return 0;
}
