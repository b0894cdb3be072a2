/* slots.h - the index, from the writer's side.
 * Floor: writer (knows reader, base). Belongs to one thread. Internal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mapping.h"

/* A key with its hash in one file. */
struct slots_key {
    uint8_t bytes[SNAPSHOT_KEY_MAX + 1]; /* zero-padded */
    size_t length;
    uint64_t hash;
};

/* Takes a key from bytes, or from a record's words (from the meta word on). */
void slots_key_fill(struct slots_key *key, const struct mapping *mapping, const void *bytes,
                    size_t length);

/* Takes the key of the record in a block. False when it has none. */
bool slots_key_of_block(struct slots_key *key, const struct mapping *mapping, size_t block);

/* What the header's `depths` becomes when a key is added. */
uint64_t slots_depths(uint64_t depths, const uint8_t *key, size_t length);

/* Finds the slot of a key. Returns true and the slot's number and block. */
bool slots_find(const struct mapping *mapping, const struct slots_key *key, size_t *ret_slot,
                size_t *ret_block);

/* Puts a key that is not there into the index. Returns false when no slot within
 * SNAPSHOT_PROBE_MAX is free: the file must be re-keyed. */
bool slots_insert(const struct mapping *mapping, const struct slots_key *key, size_t block);

/* Lets a key's slot name another block. */
void slots_replace(const struct mapping *mapping, const struct slots_key *key, size_t slot,
                   size_t block);

/* Takes a slot out. */
void slots_remove(const struct mapping *mapping, size_t slot);

/* The content of slot number `slot`. */
static inline uint64_t slots_word(const struct mapping *mapping, size_t slot)
{
    return mapping_get(mapping_word(mapping, mapping->view.index + slot));
}

/* Fetches the line of a key's first slot into the processor's cache. Nothing needs it. */
static inline void slots_fetch(const struct mapping *mapping, const struct slots_key *key)
{
    __builtin_prefetch(
        mapping_word(mapping, mapping->view.index + ((size_t)key->hash & mapping->view.mask)), 1);
}
