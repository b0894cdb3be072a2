/* snapshot_reader.h - finds the mapped snapshot and a name's record in it.
 * Floor: reader (libc only; no lock, log, allocation or descriptor kept; errno untouched).
 *
 * A struct snapshot_reader is one path's state in one process: static in the modules, so that it
 * survives fork; any number of threads share it. Nothing is opened before the first look-up.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct snapshot_map; /* one mapping: immutable, never freed; see snapshot_reader.c */

struct snapshot_reader {
    const char *path; /* outlives the reader; not changed after the first look-up */
    _Atomic(struct snapshot_map *) map; /* NULL until a snapshot was found */
    _Atomic int64_t next_try_ns;        /* monotonic: no open before; limiter and election in one */
};

#define SNAPSHOT_READER(where)                                                                     \
    {                                                                                              \
        .path = (where)                                                                            \
    }

/* The mapping to read from; NULL when there is no good snapshot. Opens it at the first call, looks
 * for a missing one at most once a second, and follows growth. */
const struct snapshot_map *snapshot_reader_map(struct snapshot_reader *reader);
