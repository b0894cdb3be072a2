/* space.h - which blocks of the heap are free.
 * Floor: writer (knows reader, base). Belongs to one thread. Internal.
 *
 * Records come in classes of 1, 2, 3, 4, 6, 8, 12, 16, 24, ... blocks. A freed block keeps its
 * place and class; it waits behind the others of its class, oldest first out.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "mapping.h"

#define SPACE_CLASSES 48 /* up to 2^24 blocks, which is 1 GiB, in a record */

struct space_freed {
    uint32_t block;
    uint32_t freed_ms; /* monotonic, low bits */
};

struct space_class {
    struct space_freed *ring; /* room is 0 or a power of two */
    size_t room, first, count;
};

struct space {
    struct space_class classes[SPACE_CLASSES];
    uint64_t used_units, free_blocks;
};

/* The units of the smallest class with room for a record of `count` words (from the meta word on);
 * 0 when none has. */
uint32_t space_units(size_t count);

/* Whether a block may have so many units. */
bool space_is_class(uint32_t units);

/* Takes a block of exactly `units`, a class. Returns its number, or 0 when the heap is full. */
size_t space_take(struct space *space, const struct mapping *mapping, uint32_t units);

/* Says that a block is free. Memory that runs out loses it until the next sweep. */
void space_give(struct space *space, const struct mapping *mapping, size_t block);

void space_done(struct space *space);
