/* snapshot_map.h - one mapped snapshot file, and the way to the words in it.
 * Floor: reader (libc only; no lock, log, allocation or descriptor kept). Internal to it, and to
 * the tests, which read bytes of their own.
 *
 * The file is not trusted: any bytes give words, never a read outside. All functions but
 * snapshot_map_open, _leave and _close are safe in any thread and leave errno alone.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "snapshot_format.h"

#define SNAPSHOT_MAP_BLOCK_WORDS (SNAPSHOT_BLOCK / 8)

/* For what a hit runs through once. Left to itself gcc calls half of it, and a call, what it saves
 * and what it hands over in memory were 120 of a hit's 840 instructions. */
#define SNAPSHOT_INLINE static inline __attribute__((always_inline))

/* Conditions that are nearly never true: their code is laid aside, for a hit is as fast as its
 * instructions come in, and each jump costs as much as several of them. */
#define SNAPSHOT_RARE(condition) __builtin_expect(!!(condition), 0)

/* Header values that were good when the file was opened; the file's own may change, these don't. */
struct snapshot_map {
    const struct snapshot_header *header; /* what is below file_size of the mapping */
    size_t word_count;
    size_t index; /* the word number of slot 0 */
    size_t mask;  /* slots - 1 */
    size_t heap_start, block_count;
    uint64_t host_key;
    _Atomic bool is_settled; /* the only one that changes; see snapshot_map_settle */
    uint64_t search_hash;    /* of SNAPSHOT_KEY_SEARCH */
    uint64_t secret[SNAPSHOT_SECRET / 8];
    size_t file_bytes; /* mapped; 0 = not by snapshot_map_open */
    dev_t device;
    ino_t inode;
};

/* Checks a file's bytes and fills a map that reads them.
 *
 *   bytes  8-aligned; borrowed for the map's life
 *   size   of the real file, at least
 *
 * Returns false when this is no snapshot of this format, or its header promises more than there is.
 */
bool snapshot_map_fill(struct snapshot_map *map, const void *bytes, size_t size);

/* Opens and maps a file: regular, not writable by the world, a snapshot. Returns NULL if it can't,
 * or if it is the very file that `known` (may be NULL) maps. Sets errno. */
struct snapshot_map *snapshot_map_open(const char *path, const struct snapshot_map *known);

/* What the first name that matches does to a map, once, when is_settled is false: keeps the file
 * out of core dumps and out of what the process has locked in memory. Calls madvise, which a
 * sandbox may kill for: no name matched, no need. Never fails; safe in any thread. */
void snapshot_map_settle(const struct snapshot_map *map);

/* Lets go of a map that other threads may be reading: from now on they read zeros. */
void snapshot_map_leave(struct snapshot_map *map);

/* Unmaps a map of snapshot_map_open that nobody else has seen. NULL does nothing. */
void snapshot_map_close(struct snapshot_map *map);

/* The word number `at`, relaxed; 0 outside the file. The only accessor for records. */
SNAPSHOT_INLINE uint64_t snapshot_map_word(const struct snapshot_map *map, size_t at)
{
    return at < map->word_count ? atomic_load_explicit((const _Atomic uint64_t *)map->header + at,
                                                       memory_order_relaxed)
                                : 0;
}

/* Whether this process has left the file, so that what was read since may be zeros. */
static inline bool snapshot_map_is_left(const struct snapshot_map *map)
{
    atomic_thread_fence(memory_order_acquire); /* magic is read after all else */
    return atomic_load_explicit(&map->header->magic, memory_order_relaxed) != SNAPSHOT_MAGIC;
}
