/* kinds.h - a snapshot with every kind of record there is, and how to tell a good answer.
 * Floor: tests.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "resolve.h"
#include "snapshot_writer.h"

#define KINDS_LONG    200 /* bytes of the long name, so more than fit into a block */
#define KINDS_NAMES   12
#define KINDS_ADDRESS "\x0a\x01\x02\x03" /* has a name */

/* Names that its records answer for, deny, or leave to others. */
extern const char *const kinds_names[KINDS_NAMES];

/* Publishes the records; ends the program when that fails.
 *
 *   big  destinations of the largest one, 20..600 */
void kinds_put(struct snapshot_writer *writer, size_t big);

/* Whether an answer is one that callers can use, whatever it was made from. */
bool kinds_is_well_formed(const struct resolve_answer *answer, bool has_destinations);
