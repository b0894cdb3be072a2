/* snapshot_check.c - looks at a whole snapshot from outside.
 *
 * A record is copied between two looks at its sequence, as a reader does it (snapshot_format.h),
 * and proved in the copy. What is found wrong counts only when slot and sequence still say the
 * same.
 */
#include "snapshot_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "hash.h"
#include "plain.h"
#include "record_check.h"
#include "slots.h"
#include "snapshot_find.h"

#define TRIES 64 /* looks at what changes under our eyes */

struct snapshot_check {
    struct snapshot_map *map;
    uint64_t *words; /* the copy of a record, from its meta word on */
    size_t room;
};

/* Where a record lies, to find two that share a block. */
struct extent {
    size_t block, units, slot;
};

void snapshot_check_close(struct snapshot_check *check)
{
    if (!check)
        return;
    snapshot_map_close(check->map);
    free(check->words);
    free(check);
}

int snapshot_check_open(const char *path, struct snapshot_check **ret_check, struct error *err)
{
    struct snapshot_check *check = calloc(1, sizeof(*check));

    if (!check)
        return error_set(err, ERROR_INTERNAL, "no memory");
    errno = 0;
    check->map = snapshot_map_open(path, NULL);
    if (check->map) {
        *ret_check = check;
        return 0;
    }
    free(check);
    if (errno != 0 && errno != EINVAL)
        return error_errno(err, path, "cannot open the snapshot");
    error_set(err, ERROR_INVALID,
              "is no snapshot of format 1, or cut short, or writable by others");
    error_where(err, path);
    return ERROR_INVALID;
}

void snapshot_check_header(const struct snapshot_check *check,
                           struct snapshot_check_header *ret_header)
{
    const struct snapshot_header *header = check->map->header;

    *ret_header = (struct snapshot_check_header){
        .revision = atomic_load_explicit(&header->revision, memory_order_relaxed),
        .names = atomic_load_explicit(&header->names, memory_order_relaxed),
        .tombstones = atomic_load_explicit(&header->tombstones, memory_order_relaxed),
        .slots = check->map->mask + 1,
        .file_size = atomic_load_explicit(&header->file_size, memory_order_relaxed),
        .heap_end = atomic_load_explicit(&header->heap_end, memory_order_relaxed),
        .heartbeat_ns = atomic_load_explicit(&header->heartbeat, memory_order_relaxed),
        .host_key = check->map->host_key,
        .depths = atomic_load_explicit(&header->depths, memory_order_relaxed),
        .is_superseded = atomic_load_explicit(&header->superseded, memory_order_relaxed) != 0,
    };
}

/* One word of the file; acquire serves slots and sequences. */
static uint64_t load(const struct snapshot_map *map, size_t at)
{
    return atomic_load_explicit((const _Atomic uint64_t *)map->header + at, memory_order_acquire);
}

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_INTERNAL, "no memory");
}

/* Copies the record in a block. Returns 1 and its units, 0 when it is changing, or an error. */
static int copy_record(struct snapshot_check *check, size_t block, size_t *ret_units,
                       struct error *err)
{
    const struct snapshot_map *map = check->map;
    struct snapshot_record record = {.at = block * SNAPSHOT_MAP_BLOCK_WORDS};

    if (block < map->heap_start || block >= map->block_count)
        return error_set(err, ERROR_INVALID, "its block %zu is outside %zu..%zu", block,
                         map->heap_start, map->block_count);
    record.sequence = load(map, record.at);
    if (record.sequence == 0)
        return error_set(err, ERROR_INVALID, "block %zu was never written", block);
    if (record.sequence & 1)
        return 0;
    size_t units = SNAPSHOT_META_UNITS(snapshot_map_word(map, record.at + 1));
    if (units == 0 || units > map->block_count - block)
        return snapshot_find_is_whole(map, &record)
                   ? error_set(err, ERROR_INVALID, "%zu units from block %zu reach behind the file",
                               units, block)
                   : 0;
    size_t count = units * SNAPSHOT_MAP_BLOCK_WORDS - 1;
    if (count > check->room) {
        uint64_t *more = reallocarray(check->words, count, sizeof(*more));
        if (!more)
            return no_memory(err);
        check->words = more;
        check->room = count;
    }
    for (size_t i = 0; i < count; i++)
        check->words[i] = snapshot_map_word(map, record.at + 1 + i);
    *ret_units = units;
    return snapshot_find_is_whole(map, &record) ? 1 : 0;
}

/* The key that the copied record of so many units holds, zero-padded as snapshot_find wants. */
static int copy_key(const struct snapshot_check *check, size_t block, size_t units,
                    uint8_t ret_key[static 288], size_t *ret_length, struct error *err)
{
    size_t length = SNAPSHOT_META_NAME_LENGTH(check->words[0]);

    if (length == 0)
        return error_set(err, ERROR_INVALID, "block %zu has no name", block);
    if (length > units * SNAPSHOT_BLOCK - 16) /* sequence and meta */
        return error_set(err, ERROR_INVALID, "block %zu has a name that reaches behind it", block);
    memset(ret_key, 0, 288);
    memcpy(ret_key, check->words + 1, length);
    *ret_length = length;
    return 0;
}

int snapshot_check_get(struct snapshot_check *check, const void *key, size_t length,
                       const uint64_t **ret_words, size_t *ret_count, struct error *err)
{
    uint8_t padded[288] = {0};

    if (length == 0 || length > SNAPSHOT_KEY_MAX)
        return 0;
    memcpy(padded, key, length);
    uint64_t hash = hash_key(padded, length, check->map->secret);
    for (int i = 0; i < TRIES; i++) {
        struct snapshot_found found = snapshot_find(check->map, padded, length, hash);
        size_t units;

        if (found.is == SNAPSHOT_ABSENT)
            return 0;
        if (found.is == SNAPSHOT_AGAIN)
            continue;
        int r = copy_record(check, found.record.at / SNAPSHOT_MAP_BLOCK_WORDS, &units, err);
        if (r < 0)
            return r;
        if (r == 0)
            continue;
        int used = record_check(check->words, units * SNAPSHOT_MAP_BLOCK_WORDS - 1, err);
        if (used < 0)
            return used;
        *ret_words = check->words;
        *ret_count = (size_t)used;
        return 1;
    }
    return error_set(err, ERROR_AGAIN, "changes faster than it can be read");
}

/* Proves that the key of the copied record is found in this slot. */
static int check_place(const struct snapshot_check *check, size_t slot, uint64_t word,
                       const uint8_t *key, size_t length, struct error *err)
{
    const struct snapshot_map *map = check->map;
    uint64_t hash = hash_key(key, length, map->secret);
    size_t steps = (slot - (size_t)hash) & map->mask;
    uint64_t depths = atomic_load_explicit(&map->header->depths, memory_order_relaxed);

    if (slots_depths(depths, key, length) != depths)
        return error_set(err, ERROR_INVALID,
                         "readers do not ask for it: the header's depths are "
                         "%#" PRIx64,
                         depths);
    if (word >> 32 != hash >> 32)
        return error_set(err, ERROR_INVALID, "slot %zu has another name's tag", slot);
    if (steps >= SNAPSHOT_PROBE_MAX)
        return error_set(err, ERROR_INVALID, "lies %zu slots behind its first one; %d at most",
                         steps, SNAPSHOT_PROBE_MAX - 1);
    for (size_t i = 0; i < steps; i++) {
        uint64_t before = snapshot_find_slot(map, hash, i);

        if (before == 0)
            return error_set(err, ERROR_INVALID, "an empty slot lies before slot %zu", slot);
        if (before >> 32 != hash >> 32 || before == SNAPSHOT_TOMBSTONE)
            continue;
        struct snapshot_found found = snapshot_find(map, key, length, hash);
        if (found.is == SNAPSHOT_FOUND &&
            found.record.at / SNAPSHOT_MAP_BLOCK_WORDS != (uint32_t)word)
            return error_set(err, ERROR_INVALID, "is there twice");
    }
    return 0;
}

/* One slot: copies and proves its record. Returns the number of words, 0 when there is none. */
static int check_slot(struct snapshot_check *check, size_t slot, uint8_t ret_key[static 288],
                      size_t *ret_length, struct extent *ret_extent, struct error *err)
{
    for (int i = 0; i < TRIES; i++) {
        uint64_t word = load(check->map, check->map->index + slot);
        size_t block = (uint32_t)word, units = 0;

        if (word == 0 || word == SNAPSHOT_TOMBSTONE)
            return 0;
        int r = copy_record(check, block, &units, err);
        if (r > 0) {
            r = copy_key(check, block, units, ret_key, ret_length, err);
            if (r == 0)
                r = check_place(check, slot, word, ret_key, *ret_length, err);
        } else if (r == 0) {
            r = ERROR_AGAIN;
        }
        if (r == 0)
            r = record_check(check->words, units * SNAPSHOT_MAP_BLOCK_WORDS - 1, err);
        /* Whatever was found wrong, it may be that the writer was just there. */
        if (r < 0 && (r == ERROR_AGAIN || load(check->map, check->map->index + slot) != word))
            continue;
        *ret_extent = (struct extent){block, units, slot};
        return r;
    }
    return error_set(err, ERROR_INVALID, "slot %zu never comes to rest", slot);
}

static int by_block(const void *a, const void *b)
{
    const struct extent *x = a, *y = b;

    return x->block < y->block ? -1 : x->block > y->block;
}

/* Two records in one block: both slots must still name them. */
static int check_extents(const struct snapshot_check *check, struct extent *extents, size_t count,
                         struct error *err)
{
    const struct snapshot_map *map = check->map;

    qsort(extents, count, sizeof(*extents), by_block);
    for (size_t i = 1; i < count; i++) {
        const struct extent *one = &extents[i - 1], *two = &extents[i];

        if (one->block + one->units > two->block &&
            (uint32_t)load(map, map->index + one->slot) == one->block &&
            (uint32_t)load(map, map->index + two->slot) == two->block)
            return error_set(err, ERROR_INVALID, "the records of slots %zu and %zu overlap",
                             one->slot, two->slot);
    }
    return 0;
}

int snapshot_check_each(struct snapshot_check *check,
                        int (*visit)(void *context, const uint8_t *key, size_t length,
                                     const uint64_t *words, size_t count),
                        void *context, struct error *err)
{
    AUTO_FREE struct extent *extents = NULL;
    uint8_t key[288];
    size_t count = 0, room = 0, length = 0;

    for (size_t slot = 0; slot <= check->map->mask; slot++) {
        struct extent extent;
        int used = check_slot(check, slot, key, &length, &extent, err);

        if (used < 0) {
            char text[320];
            if (length > 0) {
                snapshot_check_print_key(key, length, text);
                error_key(err, "%s", text);
            }
            return used;
        }
        if (used == 0)
            continue;
        if (count == room) {
            room = room ? room * 2 : 64;
            struct extent *more = reallocarray(extents, room, sizeof(*extents));
            if (!more)
                return no_memory(err);
            extents = more;
        }
        extents[count++] = extent;
        int r = visit ? visit(context, key, length, check->words, (size_t)used) : 0;
        if (r != 0)
            return r;
    }
    int r = count ? check_extents(check, extents, count, err) : 0;
    return r < 0 ? r : (int)count;
}

void snapshot_check_print_key(const uint8_t *key, size_t length, char ret_text[static 320])
{
    if (key[0] == '@' && (length == 5 || length == 17))
        (void)inet_ntop(length == 5 ? AF_INET : AF_INET6, key + 1, ret_text, 320);
    else if (length == strlen(SNAPSHOT_KEY_SEARCH) && memcmp(key, SNAPSHOT_KEY_SEARCH, length) == 0)
        (void)snprintf(ret_text, 320, "search list");
    else
        (void)snprintf(ret_text, 320, "%s%.*s", key[0] == '.' ? "*" : "", (int)length,
                       (const char *)key);
    plain_make(ret_text); /* a damaged or hostile file may say anything */
}
