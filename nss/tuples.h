/* tuples.h - lays an answer out as gethostbyname4_r returns it.
 * Floor: nss (knows reader; no lock, log, allocation or descriptor; errno untouched).
 */
#pragma once

#include <nss.h>
#include <stdbool.h>
#include <stddef.h>

#include "resolve.h"

/* Lays out the first destination of an answer, IPv6 before IPv4 when it has both. All lies in the
 * buffer. The room for two is needed always: that tells nothing of what was drawn (packing.h).
 *
 *   answer  its first destination has an address, its canonical name is filled
 *   tuples  as gethostbyname4_r is given it: *tuples is NULL, or room for the first tuple
 *   buffer  `size` bytes of the caller, any alignment
 *
 * Returns false, and leaves *tuples alone, when the buffer is too small. */
bool tuples_pack(const struct resolve_answer *answer, char *buffer, size_t size,
                 struct gaih_addrtuple **tuples);
