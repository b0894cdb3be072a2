/* snapshot_find.h - finds a key in a mapped snapshot while a writer changes it.
 * Floor: reader (libc only; no lock, log, allocation or descriptor; errno untouched). Internal.
 *
 * The reader's half of what snapshot_format.h says under WRITING and READING; the writer's is in
 * core/writer.
 * Safe in any thread, in a signal handler, after fork and vfork; any bytes are read, none trusted.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "snapshot_map.h"

/* A record that a look-up reads: nothing read from it counts before snapshot_find_is_whole. */
struct snapshot_record {
    size_t at;   /* the word number of its sequence; one block at least lies inside the file */
    size_t body; /* the word number behind its name */
    uint64_t sequence, meta;
};

enum snapshot_find { SNAPSHOT_ABSENT, SNAPSHOT_FOUND, SNAPSHOT_AGAIN };

struct snapshot_found {
    enum snapshot_find is;
    struct snapshot_record record; /* when found */
};

/* A word that is known to lie inside the file. */
SNAPSHOT_INLINE uint64_t snapshot_find_word(const struct snapshot_map *map, size_t at,
                                            memory_order order)
{
    return atomic_load_explicit((const _Atomic uint64_t *)map->header + at, order);
}

/* Whether all that was read from the record belongs together. */
SNAPSHOT_INLINE bool snapshot_find_is_whole(const struct snapshot_map *map,
                                            const struct snapshot_record *record)
{
    /* Orders the loads of the body before the second load of the sequence; the writer's release
     * fence behind the odd sequence is the other half. */
    atomic_thread_fence(memory_order_acquire);
    return snapshot_find_word(map, record->at, memory_order_relaxed) == record->sequence;
}

/* Whether the record is the key's. */
SNAPSHOT_INLINE bool snapshot_find_is_key(const struct snapshot_map *map,
                                          struct snapshot_record record, const uint8_t *key,
                                          size_t length)
{
    if (SNAPSHOT_RARE(SNAPSHOT_META_NAME_LENGTH(record.meta) != length ||
                      record.body > map->word_count))
        return false;
    for (size_t at = record.at + 2; at < record.body; at++, key += 8) {
        uint64_t word;
        memcpy(&word, key, 8); /* zeros behind the key, as in the record */
        if (SNAPSHOT_RARE(snapshot_find_word(map, at, memory_order_relaxed) != word))
            return false;
    }
    return true;
}

enum snapshot_look { SNAPSHOT_IS_IT, SNAPSHOT_IS_ANOTHER, SNAPSHOT_IS_CHANGING };

/* Looks at the record of a slot whose tag is the key's. */
SNAPSHOT_INLINE enum snapshot_look snapshot_find_look(const struct snapshot_map *map, size_t block,
                                                      const uint8_t *key, size_t length,
                                                      struct snapshot_record *ret_record)
{
    struct snapshot_record record = {.at = block * SNAPSHOT_MAP_BLOCK_WORDS};

    if (SNAPSHOT_RARE(block < map->heap_start || block >= map->block_count))
        return SNAPSHOT_IS_ANOTHER; /* a broken file */
    /* Acquire, and the body after it: pairs with the writer's release of the even sequence. */
    record.sequence = snapshot_find_word(map, record.at, memory_order_acquire);
    if (SNAPSHOT_RARE(record.sequence == 0 || (record.sequence & 1)))
        return SNAPSHOT_IS_CHANGING;
    record.meta = snapshot_find_word(map, record.at + 1, memory_order_relaxed);
    record.body = record.at + 2 + (length + 7) / 8;
    *ret_record = record;
    if (snapshot_find_is_key(map, record, key, length))
        return SNAPSHOT_IS_IT;
    return snapshot_find_is_whole(map, &record) ? SNAPSHOT_IS_ANOTHER : SNAPSHOT_IS_CHANGING;
}

/* The key's slot number i. Acquire: pairs with the writer's release of the slot, behind the record.
 */
SNAPSHOT_INLINE uint64_t snapshot_find_slot(const struct snapshot_map *map, uint64_t hash, size_t i)
{
    return snapshot_find_word(map, map->index + (((size_t)hash + i) & map->mask),
                              memory_order_acquire);
}

/* Whether a key may be there. No is SNAPSHOT_ABSENT, and counts as that does of snapshot_find. */
SNAPSHOT_INLINE bool snapshot_find_may(const struct snapshot_map *map, uint64_t hash)
{
    for (size_t i = 0; i < SNAPSHOT_PROBE_MAX; i++) {
        uint64_t slot = snapshot_find_slot(map, hash, i);
        if (slot == 0)
            return false;
        if (slot >> 32 == hash >> 32)
            return true;
    }
    return false;
}

/* snapshot_find from slot number i on, for when what lies there is not what it seemed. */
struct snapshot_found snapshot_find_from(const struct snapshot_map *map, const uint8_t *key,
                                         size_t length, uint64_t hash, size_t i);

/* Looks a key up.
 *
 *   key   zero bytes follow it up to a multiple of 16 bytes
 *   hash  hash_key of it
 *
 * SNAPSHOT_ABSENT counts only if snapshot_map_is_left then says no. SNAPSHOT_AGAIN: the file
 * changes faster than it can be read, or is broken; start over, a bounded number of times. */
SNAPSHOT_INLINE struct snapshot_found
snapshot_find(const struct snapshot_map *map, const uint8_t *key, size_t length, uint64_t hash)
{
    struct snapshot_found found = {SNAPSHOT_ABSENT, {0}};

    for (size_t i = 0; i < SNAPSHOT_PROBE_MAX; i++) {
        uint64_t slot = snapshot_find_slot(map, hash, i);
        if (slot == 0)
            return found;
        if (SNAPSHOT_RARE(slot >> 32 != hash >> 32))
            continue;
        if (SNAPSHOT_RARE(snapshot_find_look(map, (uint32_t)slot, key, length, &found.record) !=
                          SNAPSHOT_IS_IT))
            return snapshot_find_from(map, key, length, hash, i);
        found.is = SNAPSHOT_FOUND;
        return found;
    }
    return found;
}
