/* mapping.h - the snapshot file as its writer has it: mapped for writing, its records laid down.
 * Floor: writer (knows reader, base). A mapping belongs to one thread. Internal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "snapshot_map.h"

struct mapping {
    struct snapshot_map view; /* geometry and secret, and how words are read */
    void *base;               /* NULL = closed */
    size_t size;
};

struct mapping_shape {
    uint64_t slots;  /* a power of two */
    uint64_t blocks; /* of the heap */
    uint64_t host_key;
    unsigned free_percent; /* of the file system, to be left free */
};

/* Makes an empty snapshot at `path`, which must not exist: space reserved, mode 0644, a fresh
 * secret, not yet valid. `name` is what errors call it. ERROR_FULL when there is no room. */
int mapping_create(const char *path, const char *name, const struct mapping_shape *shape,
                   struct mapping *ret_mapping, struct error *err);

/* Stores magic: from now on a reader that opens the file takes it. */
void mapping_validate(struct mapping *mapping);

/* Opens what lies at `path`. ERROR_NOT_FOUND when nothing does, ERROR_INVALID when it is no good
 * snapshot, or one that others may write. */
int mapping_open(const char *path, struct mapping *ret_mapping, struct error *err);

void mapping_close(struct mapping *mapping);

/* Tells the readers of the file at `path`, if there are any, that it is about to be replaced. */
void mapping_supersede(const char *path);

static inline struct snapshot_header *mapping_header(const struct mapping *mapping)
{
    return mapping->base;
}

static inline _Atomic uint64_t *mapping_word(const struct mapping *mapping, size_t at)
{
    return (_Atomic uint64_t *)mapping->base + at;
}

static inline uint64_t mapping_get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* All stores into the file are one of the next two. Who wants to count them defines this. */
#ifndef MAPPING_NOTE
#define MAPPING_NOTE(word) ((void)0)
#endif

static inline void mapping_set(_Atomic uint64_t *word, uint64_t value)
{
    MAPPING_NOTE(word);
    atomic_store_explicit(word, value, memory_order_relaxed);
}

/* Release: whatever was stored before is seen by who sees this. */
static inline void mapping_publish(_Atomic uint64_t *word, uint64_t value)
{
    MAPPING_NOTE(word);
    atomic_store_explicit(word, value, memory_order_release);
}

/* Writes a record into a block that no slot names.
 *
 *   units  of the block
 *   words  from the meta word on; its units are replaced
 *   count  at most units * 8 - 1; the rest of the block is zeroed
 */
void mapping_write(const struct mapping *mapping, size_t block, uint32_t units,
                   const uint64_t *words, size_t count);

/* Whether the block holds exactly these words, the units left aside. */
bool mapping_holds(const struct mapping *mapping, size_t block, const uint64_t *words,
                   size_t count);

/* The words of the block's record from the meta word on, without the zeros that fill the block. */
size_t mapping_record_size(const struct mapping *mapping, size_t block);

/* The units of the block's record, as its meta word says. */
static inline uint32_t mapping_units(const struct mapping *mapping, size_t block)
{
    return SNAPSHOT_META_UNITS(
        mapping_get(mapping_word(mapping, block * SNAPSHOT_MAP_BLOCK_WORDS + 1)));
}
