/* duration.h - lengths of time as people write them.
 * Floor: base. Pure; safe in any thread.
 */
#pragma once

#include <stdint.h>

#include "error.h"

/* Reads a whole number and its unit: "500ms", "5s", "2m", "24h". At most ten years; 0 is a
 * duration. Returns 0 or ERROR_INVALID, which says what was found and what is allowed. */
int duration_read(const char *text, uint64_t *ret_ms, struct error *err);

/* The same between two bounds, which are named when the duration is outside them. */
int duration_read_within(const char *text, uint64_t least_ms, uint64_t most_ms, uint64_t *ret_ms,
                         struct error *err);
