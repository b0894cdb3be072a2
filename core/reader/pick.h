/* pick.h - choose among n destinations by weight: one in constant time, several out of an urn or by
 * a race.
 * Floor: reader (libc only; no lock, log, allocation or descriptor; errno untouched).
 *
 * A column is a word of the snapshot (COLUMNS in snapshot_format.h). Columns come as values that
 * the caller loaded; nothing here touches the mapping. Safe in any thread, in a signal handler,
 * after fork and vfork.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "snapshot_format.h"

#define PICK_MAX SNAPSHOT_DESTINATIONS /* destinations in one table */

/* Which column a draw looks at.
 *
 *   count   1..PICK_MAX
 *   random  64 uniform bits, the same for pick_draw
 *
 * Returns an index below count. O(1). */
static inline size_t pick_column(size_t count, uint64_t random)
{
    return (size_t)((random >> 32) * count >> 32);
}

/* Draws one destination by Walker's method.
 *
 *   column  the word of column pick_column(count, random); not trusted
 *   count   1..PICK_MAX
 *   random  64 uniform bits
 *
 * Returns an index below count, whatever bytes the column holds. O(1). */
static inline size_t pick_draw(uint64_t column, size_t count, uint64_t random)
{
    size_t alias = SNAPSHOT_COLUMN_ALIAS(column);

    if ((uint32_t)random < SNAPSHOT_COLUMN_KEEP(column) || alias >= count)
        return pick_column(count, random);
    return alias;
}

/* An urn: few destinations, drawn one after the other without replacement, by weight. */
struct pick_urn {
    size_t count;                           /* 1..SNAPSHOT_ANSWERS_MAX */
    uint32_t total;                         /* of all weights */
    uint32_t weights[SNAPSHOT_ANSWERS_MAX]; /* 0 = is not, or no longer, in it */
};

/* Begins to fill an urn; pick_put follows for each of count destinations. */
static inline void pick_fill(struct pick_urn *urn, size_t count)
{
    *urn = (struct pick_urn){.count = count};
}

static inline void pick_put(struct pick_urn *urn, size_t index, uint16_t weight)
{
    urn->weights[index] = weight;
    urn->total += weight;
}

/* Takes a destination out of an urn whose total is not 0.
 *
 *   random  32 uniform bits: its share is right to total / 2^32, which is 0.03 % at the most
 *
 * Returns its index, below count, and takes its weight away. O(count). */
static inline size_t pick_take(struct pick_urn *urn, uint32_t random)
{
    uint32_t at = (uint32_t)((uint64_t)random * urn->total >> 32), sum = 0;
    size_t index = 0;

    /* Without a jump that could be guessed wrong. `at` is below total, so index stays below count,
     * and is that of a weight above 0. */
    for (size_t i = 0; i < urn->count; i++) {
        sum += urn->weights[i];
        index += at >= sum;
    }
    urn->total -= urn->weights[index];
    urn->weights[index] = 0;
    return index;
}

/* -log2((random | 2) / 2^64) in units of 2^-42: 0 up to, not including, 64. The same on every
 * machine; relative error below 10^-6. */
uint64_t pick_log(uint64_t random);

/* A race: each destination runs for -log2(u) / weight, and the first ones home win. With u random
 * this is a draw without replacement by weight; with u a hash of a key and the destination it is
 * weighted rendezvous hashing, where a destination that leaves moves only its own keys. */
struct pick_race {
    size_t most;  /* how many may win */
    size_t count; /* how many have won so far */
    struct pick_runner {
        uint64_t log;
        uint16_t weight;
        uint16_t index;
    } runners[SNAPSHOT_ANSWERS_MAX]; /* the first one home leads */
};

/* Begins a race that `most`, 1..SNAPSHOT_ANSWERS_MAX, may win. */
static inline void pick_start(struct pick_race *race, size_t most)
{
    race->most = most;
    race->count = 0;
}

/* Lets a destination run.
 *
 *   index   of the destination, below PICK_MAX
 *   weight  0 does not run
 *   random  its 64 bits
 *
 * Of two that are equally fast the earlier one wins. O(most). */
void pick_enter(struct pick_race *race, size_t index, uint16_t weight, uint64_t random);
