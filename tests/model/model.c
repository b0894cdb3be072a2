/* model.c - the snapshot that is modelled, and what its writer and its reader do. */
#include "model.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "mapping.h"
#include "resolve.h"
#include "slots.h"

#define HEAP   ((SNAPSHOT_HEADER + MODEL_SLOTS * 8) / SNAPSHOT_BLOCK) /* the first block */
#define SIZE   ((HEAP + MODEL_BLOCKS) * SNAPSHOT_BLOCK)
#define LOOKS  2
#define WORDS  6 /* a record's, from its meta word on */
#define LENGTH 6 /* bytes of each name */

static _Alignas(SNAPSHOT_BLOCK) uint64_t image[SIZE / 8]; /* its atomics are reached by mapping.h */
static struct mapping mapping = {.base = image, .size = SIZE};
static struct snapshot_reader reader = SNAPSHOT_READER("");

static struct entry {
    const char *name;
    uint32_t id;
    struct slots_key key;
    size_t slot;
} a = {.name = "a.mesh", .id = 1}, b = {.name = "b.mesh", .id = 2};

/* One destination with both families; each of its words tells the name and the version. */
static void write_record(const struct entry *entry, size_t block, uint16_t version)
{
    uint64_t words[WORDS] = {SNAPSHOT_META(0, LENGTH, 1)};
    uint8_t v6[16] = {0xfd, [7] = (uint8_t)version, [14] = (uint8_t)entry->id, (uint8_t)version};

    memcpy(&words[1], entry->name, LENGTH);
    words[2] = SNAPSHOT_RULE(SNAPSHOT_DRAW, 1, 0, 1, 1, 1);
    words[3] = SNAPSHOT_ADDRESS(htonl(entry->id << 8 | version), version,
                                SNAPSHOT_HAS_V4 | SNAPSHOT_HAS_V6);
    memcpy(&words[4], v6, sizeof(v6));
    mapping_write(&mapping, HEAP + block, 1, words, WORDS);
}

static void insert(struct entry *entry, size_t block)
{
    size_t found;

    slots_key_fill(&entry->key, &mapping, entry->name, LENGTH);
    write_record(entry, block, 1);
    if (!slots_insert(&mapping, &entry->key, HEAP + block) ||
        !slots_find(&mapping, &entry->key, &entry->slot, &found))
        abort();
}

static void change(const struct entry *entry, size_t block, uint16_t version)
{
    write_record(entry, block, version);
    slots_replace(&mapping, &entry->key, entry->slot, HEAP + block);
}

void model_prepare(void)
{
    struct snapshot_header *header = mapping.base;

    header->file_size = SIZE;
    header->index_offset = SNAPSHOT_HEADER;
    header->index_slots = MODEL_SLOTS;
    header->heap_start = HEAP;
    header->heap_end = HEAP + MODEL_BLOCKS;
    header->magic = SNAPSHOT_MAGIC;
    if (!snapshot_map_fill(&mapping.view, image, SIZE))
        abort();
    insert(&a, 0);
    insert(&b, 1);
    mapping.view.is_settled = true; /* it is no file */
    reader.map = &mapping.view;
}

int model_word(const volatile void *at)
{
    size_t offset = (size_t)((uintptr_t)at - (uintptr_t)&image[SNAPSHOT_HEADER / 8]);

    return offset < MODEL_WORDS * 8 ? (int)(offset / 8) : -1;
}

enum model_kind model_kind(size_t word)
{
    if (word < MODEL_SLOTS)
        return MODEL_SLOT;
    return (word - MODEL_SLOTS) % SNAPSHOT_MAP_BLOCK_WORDS == 0 ? MODEL_SEQUENCE : MODEL_BODY;
}

uint64_t model_start(size_t word)
{
    return image[SNAPSHOT_HEADER / 8 + word];
}

/* Block 2 is free at first, then that which the name before has left. */
void model_write(void)
{
    change(&a, 2, 2);
    change(&b, 0, 2);
    change(&a, 1, 3);
}

static const char *judge(const struct resolve_answer *answer, uint16_t *version)
{
    const struct resolve_destination *d = &answer->destinations[0];
    uint16_t seen = d->port;

    if (answer->count != 1 || !d->has_v4 || !d->has_v6)
        return "torn";
    if (ntohl(d->v4) >> 8 != a.id || d->v6[14] != a.id)
        return "another name's";
    if ((ntohl(d->v4) & 0xff) != seen || d->v6[7] != seen || d->v6[15] != seen)
        return "torn";
    if (seen < *version)
        return "an older version";
    *version = seen;
    return NULL;
}

const char *model_read(void)
{
    const struct resolve_request request = {
        .name = a.name, .family = AF_UNSPEC, .caller = RESOLVE_SHIM, .most = 1};
    struct resolve_answer answer;
    uint16_t version = 1;

    for (int i = 0; i < LOOKS; i++) {
        if (resolve_name(&reader, &request, &answer) != RESOLVE_FOUND)
            return "missed";
        const char *wrong = judge(&answer, &version);
        if (wrong)
            return wrong;
    }
    return NULL;
}
