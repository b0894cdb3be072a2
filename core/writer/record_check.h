/* record_check.h - proves the structure of one record, as snapshot_format.h describes it.
 * Floor: writer (knows reader, base). Pure; safe in any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* Proves a record.
 *
 *   words  from the meta word on; not trusted
 *   count  of words, padding at the end included
 *
 * Returns the number of words that it uses, or ERROR_INVALID with what is wrong. A rule whose verb
 * is of a later meshdns is stepped over. */
int record_check(const uint64_t *words, size_t count, struct error *err);
