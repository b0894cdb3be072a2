/* room.h - how large a snapshot file should be.
 * Floor: writer (knows reader, base). Pure. Internal.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What a file holds, or shall hold. */
struct room_use {
    uint64_t names;
    uint64_t units; /* blocks of the heap that records occupy */
};

struct room_size {
    uint64_t slots, blocks; /* of the index; of the heap */
};

/* Why a file is made: how much it should spare. */
enum room_reason {
    ROOM_FILL,   /* for a known number of names: little */
    ROOM_GROW,   /* something had no room: a quarter more, so that it lasts */
    ROOM_HURRY,  /* the same again within one revision: twice as much */
    ROOM_TIGHT,  /* there was no space for that: a sixteenth, so that it lasts a little */
    ROOM_SETTLE, /* it has become too large: little */
};

/* The size of a new file for what is in use.
 *
 *   more      units of the record that had no room, or 0
 *   expected  names that will come, all in all; 0 = not known. While a file is filled, records of
 *             the kind that came until now are reckoned with */
struct room_size room_for(enum room_reason reason, struct room_use use, uint64_t more,
                          uint64_t expected);

/* Whether a file has become so much too large that a new one pays.
 *
 *   is_hurried  it grew in a hurry, so a little too much counts */
bool room_is_waste(struct room_size size, struct room_use use, bool is_hurried);

/* Whether an index with so many slots in use, tombstones too, has none to spare for a new name. */
bool room_is_crowded(uint64_t slots, uint64_t used);
