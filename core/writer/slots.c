/* slots.c - open addressing, tombstones, never a moved slot.
 *
 * A name stays in its slot as long as it lives, and no slot between its first one and it becomes
 * empty meanwhile, so a reader that walks the probe sequence at any speed passes it. Each change is
 * one 8-byte store.
 *
 * A slot that is given up becomes empty if no name behind it passed it, else a tombstone; and a
 * tombstone becomes empty as soon as the last name that passed it goes. So a miss walks as far
 * after years of coming and going as in a new file. Tombstones that went only with an empty slot
 * behind them made a miss twice as long after 16 changes of every name.
 */
#include "slots.h"

#include <string.h>

#include "hash.h"

static _Atomic uint64_t *slot_at(const struct mapping *mapping, size_t slot)
{
    return mapping_word(mapping, mapping->view.index + (slot & mapping->view.mask));
}

static void count(_Atomic uint64_t *word, int64_t more)
{
    mapping_set(word, mapping_get(word) + (uint64_t)more);
}

static uint64_t slot_word(uint64_t hash, size_t block)
{
    return hash >> 32 << 32 | (uint64_t)block;
}

void slots_key_fill(struct slots_key *key, const struct mapping *mapping, const void *bytes,
                    size_t length)
{
    key->length = length;
    memset(key->bytes, 0, sizeof(key->bytes));
    memcpy(key->bytes, bytes, length);
    key->hash = hash_key(key->bytes, length, mapping->view.secret);
}

bool slots_key_of_block(struct slots_key *key, const struct mapping *mapping, size_t block)
{
    size_t at = block * SNAPSHOT_MAP_BLOCK_WORDS + 1;
    size_t length = SNAPSHOT_META_NAME_LENGTH(snapshot_map_word(&mapping->view, at));
    uint64_t words[(SNAPSHOT_KEY_MAX + 1) / 8];

    if (length == 0 || 1 + (length + 7) / 8 > (size_t)mapping_units(mapping, block) * 8 - 1)
        return false;
    for (size_t i = 0; i < (length + 7) / 8; i++)
        words[i] = snapshot_map_word(&mapping->view, at + 1 + i);
    slots_key_fill(key, mapping, words, length);
    return true;
}

uint64_t slots_depths(uint64_t depths, const uint8_t *key, size_t length)
{
    size_t depth = 0;

    if (length == strlen(SNAPSHOT_KEY_SEARCH) && memcmp(key, SNAPSHOT_KEY_SEARCH, length) == 0)
        return depths & ~SNAPSHOT_NO_SEARCH;
    if (key[0] != '.')
        return depths;
    for (size_t i = 0; i < length; i++)
        depth += key[i] == '.';
    return depths | UINT64_C(1) << (depth < 63 ? depth : 63);
}

static bool is_key(const struct mapping *mapping, const struct slots_key *key, size_t block)
{
    struct slots_key other;

    if (block < mapping->view.heap_start || block >= mapping->view.block_count)
        return false;
    return slots_key_of_block(&other, mapping, block) && other.length == key->length &&
           memcmp(other.bytes, key->bytes, key->length) == 0;
}

bool slots_find(const struct mapping *mapping, const struct slots_key *key, size_t *ret_slot,
                size_t *ret_block)
{
    for (size_t i = 0; i < SNAPSHOT_PROBE_MAX; i++) {
        size_t slot = ((size_t)key->hash + i) & mapping->view.mask;
        uint64_t word = slots_word(mapping, slot);
        if (word == 0)
            return false;
        if (word >> 32 == key->hash >> 32 && is_key(mapping, key, (uint32_t)word)) {
            *ret_slot = slot;
            *ret_block = (uint32_t)word;
            return true;
        }
    }
    return false;
}

bool slots_insert(const struct mapping *mapping, const struct slots_key *key, size_t block)
{
    struct snapshot_header *header = mapping_header(mapping);

    for (size_t i = 0; i < SNAPSHOT_PROBE_MAX; i++) {
        size_t slot = ((size_t)key->hash + i) & mapping->view.mask;
        uint64_t word = slots_word(mapping, slot);
        if (word != 0 && word != SNAPSHOT_TOMBSTONE)
            continue;
        slots_replace(mapping, key, slot, block);
        count(&header->names, 1);
        if (word == SNAPSHOT_TOMBSTONE)
            count(&header->tombstones, -1);
        return true;
    }
    return false;
}

void slots_replace(const struct mapping *mapping, const struct slots_key *key, size_t slot,
                   size_t block)
{
    /* Release: the record before the slot that leads to it. */
    mapping_publish(slot_at(mapping, slot), slot_word(key->hash, block));
}

/* Whether a slot holds a name; then how far behind its first slot it lies. */
static bool is_name(const struct mapping *mapping, size_t slot, size_t *ret_steps)
{
    uint64_t word = mapping_get(slot_at(mapping, slot));
    struct slots_key key;

    if (word == 0 || word == SNAPSHOT_TOMBSTONE ||
        !slots_key_of_block(&key, mapping, (uint32_t)word))
        return false;
    *ret_steps = (slot - (size_t)key.hash) & mapping->view.mask;
    return true;
}

/* How many slots from `slot` backwards, itself included, names behind it have passed on their way:
 * 0 = nobody needs it. */
static size_t passed_by(const struct mapping *mapping, size_t slot)
{
    size_t most = 0, steps;

    for (size_t i = 1; i < SNAPSHOT_PROBE_MAX && mapping_get(slot_at(mapping, slot + i)) != 0; i++)
        if (is_name(mapping, slot + i, &steps) && steps >= i && steps - i + 1 > most)
            most = steps - i + 1;
    return most;
}

void slots_remove(const struct mapping *mapping, size_t slot)
{
    struct snapshot_header *header = mapping_header(mapping);
    size_t own = 0, steps, needed = passed_by(mapping, slot);

    (void)is_name(mapping, slot, &own);
    mapping_publish(slot_at(mapping, slot), needed ? SNAPSHOT_TOMBSTONE : 0);
    count(&header->names, -1);
    count(&header->tombstones, needed > 0);
    /* Only the tombstones that this very name passed can have become superfluous. */
    for (size_t i = 1; i <= own; i++) {
        if (is_name(mapping, slot - i, &steps)) {
            needed = needed > i + steps + 1 ? needed : i + steps + 1;
        } else if (needed <= i) {
            mapping_publish(slot_at(mapping, slot - i), 0);
            count(&header->tombstones, -1);
        }
    }
}
