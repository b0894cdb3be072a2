/* sweep.h - takes over a file that another writer left, perhaps in the middle of something.
 * Floor: writer (knows reader, base). Internal.
 */
#pragma once

#include "mapping.h"
#include "space.h"

/* Checks every slot and every block, finds the free ones, and mends the counters.
 *
 *   ret_space  filled on success
 *
 * Returns 0, or ERROR_INVALID when the file is damaged in a way that no killed writer leaves. */
int sweep_file(const struct mapping *mapping, struct space *ret_space, struct error *err);
