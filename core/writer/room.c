/* room.c - how large a snapshot file should be.
 *
 * Spare room is a compromise. Each rebuilding costs as much as the file is large, and a process
 * that mapped the old file and looks nothing up any more keeps it in memory; so rebuildings should
 * be rare. But what is spare is memory too, on every machine. So: an eighth for a file that is
 * filled with a known number of names (10^6 of four IPv4 destinations: 178 bytes each, index
 * included), a quarter for one that grows by and by, and twice its records for one that grows again
 * within one revision, which ends with a settlement.
 *
 * The index begins at most two fifths full: linear probing stays within SNAPSHOT_PROBE_MAX slots up
 * to about half of a million, so that the next growth is far away.
 */
#include "room.h"

#include "snapshot_format.h"

#define NAMES_MIN    512   /* room to spare, so that growth is rare */
#define BLOCKS_MIN   2048  /* 128 KiB */
#define FULL_PERCENT 70    /* of the slots, live ones and tombstones */
#define SAMPLE       16    /* one name of so many tells how large the others will be */
#define EASY         16384 /* blocks, 1 MiB: up to here sparing is not worth its rebuildings */
#define WASTE        16384 /* blocks: less is not worth a rebuilding */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t slots_for(uint64_t names)
{
    uint64_t slots = SNAPSHOT_SLOTS_MIN;

    names = most(names, NAMES_MIN);
    while (2 * slots < 5 * names && slots < SNAPSHOT_SLOTS_MAX)
        slots *= 2;
    return slots;
}

static struct room_size size_of(uint64_t names, uint64_t units, uint64_t spare)
{
    return (struct room_size){slots_for(names), units + spare + BLOCKS_MIN};
}

/* A file that is being filled: first for a sample of the names, then for all. */
static struct room_size size_to_fill(struct room_use use, uint64_t more, uint64_t expected)
{
    uint64_t sample = expected / SAMPLE;

    if (use.names == 0)
        return size_of(sample, 2 * sample, sample / 2 + more);
    if (use.names < sample / 16)
        return size_of(sample, use.units, use.units + 2 * more);
    uint64_t units = use.units * ((expected << 10) / use.names + 1) >> 10;
    return size_of(expected, units, units / 8 + more);
}

struct room_size room_for(enum room_reason reason, struct room_use use, uint64_t more,
                          uint64_t expected)
{
    uint64_t easy = least(use.units, EASY);

    switch (reason) {
    case ROOM_FILL:
        return size_to_fill(use, more, expected);
    case ROOM_HURRY:
        return size_of(use.names + use.names / 2, use.units, use.units + 2 * more);
    case ROOM_GROW:
        return size_of(use.names + use.names / 4, use.units, most(use.units / 4, easy) + 2 * more);
    case ROOM_TIGHT:
        return size_of(use.names + use.names / 16, use.units, use.units / 16 + more);
    case ROOM_SETTLE:
        break;
    }
    return size_of(use.names, use.units, most(use.units / 8, easy));
}

bool room_is_waste(struct room_size size, struct room_use use, bool is_hurried)
{
    struct room_size settled = room_for(ROOM_SETTLE, use, 0, 0);
    uint64_t blocks = size.blocks + size.slots * 8 / SNAPSHOT_BLOCK;
    uint64_t enough = settled.blocks + settled.slots * 8 / SNAPSHOT_BLOCK;

    return blocks > enough + WASTE && blocks > enough + (is_hurried ? enough / 16 : enough);
}

bool room_is_crowded(uint64_t slots, uint64_t used)
{
    return (used + 1) * 100 > slots * FULL_PERCENT;
}
