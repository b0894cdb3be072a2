/* sweep.c - walks the heap, then the index, then the heap again.
 *
 * The heap is one block behind the other, each with its units in its meta word, up to heap_end. A
 * block that no slot names is free, whether it was freed, half written or just carved. A slot
 * must name a whole block whose key leads back to that very slot.
 */
#include "sweep.h"

#include <stdlib.h>

#include "auto.h"
#include "slots.h"

enum mark { INSIDE, START, NAMED };

struct sweep {
    const struct mapping *mapping;
    uint8_t *marks; /* enum mark for each block of the heap */
    size_t heap_start, heap_end;
    uint64_t names, tombstones, used_units;
};

static int damaged(struct error *err, const char *what, size_t where)
{
    return error_set(err, ERROR_INVALID, "the snapshot is damaged: %s %zu", what, where);
}

static int mark_blocks(struct sweep *sweep, struct error *err)
{
    for (size_t block = sweep->heap_start; block < sweep->heap_end;) {
        uint32_t units = mapping_units(sweep->mapping, block);
        if (!space_is_class(units) || units > sweep->heap_end - block)
            return damaged(err, "wrong size of block", block);
        sweep->marks[block - sweep->heap_start] = START;
        block += units;
    }
    return 0;
}

static int check_slot(struct sweep *sweep, size_t slot, struct error *err)
{
    const struct mapping *mapping = sweep->mapping;
    size_t block = (uint32_t)slots_word(mapping, slot), found_slot, found_block;
    struct slots_key key;

    if (block < sweep->heap_start || block >= sweep->heap_end ||
        sweep->marks[block - sweep->heap_start] != START)
        return damaged(err, "a wrong block in slot", slot);
    uint64_t sequence = mapping_get(mapping_word(mapping, block * SNAPSHOT_MAP_BLOCK_WORDS));
    if (sequence == 0 || (sequence & 1) || !slots_key_of_block(&key, mapping, block))
        return damaged(err, "no record in block", block);
    if (!slots_find(mapping, &key, &found_slot, &found_block) || found_slot != slot)
        return damaged(err, "another name's record in slot", slot);
    sweep->marks[block - sweep->heap_start] = NAMED;
    sweep->used_units += mapping_units(mapping, block);
    sweep->names++;
    return 0;
}

static int check_slots(struct sweep *sweep, struct error *err)
{
    for (size_t slot = 0; slot <= sweep->mapping->view.mask; slot++) {
        uint64_t word = slots_word(sweep->mapping, slot);
        if (word == SNAPSHOT_TOMBSTONE)
            sweep->tombstones++;
        else if (word != 0) {
            int r = check_slot(sweep, slot, err);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static void give_rest(const struct sweep *sweep, struct space *space)
{
    for (size_t block = sweep->heap_start; block < sweep->heap_end;) {
        uint32_t units = mapping_units(sweep->mapping, block);
        if (sweep->marks[block - sweep->heap_start] == START)
            space_give(space, sweep->mapping, block);
        block += units;
    }
    space->used_units = sweep->used_units;
}

int sweep_file(const struct mapping *mapping, struct space *ret_space, struct error *err)
{
    struct snapshot_header *header = mapping_header(mapping);
    struct sweep sweep = {.mapping = mapping,
                          .heap_start = mapping->view.heap_start,
                          .heap_end = (size_t)mapping_get(&header->heap_end)};

    if (sweep.heap_end < sweep.heap_start || sweep.heap_end > mapping->view.block_count)
        return damaged(err, "wrong end of the heap,", sweep.heap_end);
    AUTO_FREE uint8_t *marks = calloc(sweep.heap_end - sweep.heap_start + 1, 1);
    if (!marks)
        return error_errno(err, "snapshot", "cannot sweep");
    sweep.marks = marks;

    int r = mark_blocks(&sweep, err);
    if (r == 0)
        r = check_slots(&sweep, err);
    if (r < 0)
        return r;
    *ret_space = (struct space){0};
    give_rest(&sweep, ret_space);
    mapping_set(&header->names, sweep.names);
    mapping_set(&header->tombstones, sweep.tombstones);
    return 0;
}
