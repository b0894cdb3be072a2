/* writer_lock.h - one writer for a snapshot.
 * Floor: writer (knows reader, base). Internal.
 */
#pragma once

#include "error.h"

/* Takes the lock of the snapshot at `path`, which is a file beside it, PATH.lock.
 *
 *   ret_lock  closing it gives the lock back
 *
 * Returns 0; ERROR_AGAIN when another writer lives; or what the system says. */
int writer_lock_take(const char *path, int *ret_lock, struct error *err);
