/* process.h - what all interposed functions of one process share.
 * Floor: preload (knows reader; no lock, allocation or descriptor kept; errno untouched).
 *
 * What this process may be at the moment of a call is unknown: starting, many-threaded, in a signal
 * handler, forked, sandboxed. So there is no lock, no descriptor, and no system call before the
 * first name.
 */
#pragma once

#include <stdatomic.h>

#include "rng.h"
#include "snapshot_reader.h"

#define PROCESS_EXPORT __attribute__((visibility("default"))) /* also in preload.map */

/* This process's view of the snapshot, at SNAPSHOT_PATH or MESHDNS_SNAPSHOT. It survives fork.
 *
 * Returns NULL when libc must answer alone: under another C library than it was built for, and
 * while another caller is reading the environment, before this library's constructor has run. */
struct snapshot_reader *process_snapshot(void);

/* The calling thread's generator. */
struct rng *process_generator(void);

/* The function that would have been called without us, found at the first call.
 *
 *   symbol  its name
 *   known   static, NULL at first; where the answer is kept
 *
 * Returns NULL, with errno ENOSYS, where there is none. May allocate, at the first call. */
void *process_next(const char *symbol, _Atomic(void *) *known);
