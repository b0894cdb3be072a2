/* snapshot_rule.h - where the parts of a rule lie in a mapped record.
 * Floor: reader (libc only; no lock, log, allocation or descriptor; errno untouched). Internal.
 *
 * Safe in any thread, in a signal handler, after fork and vfork; any bytes are read, none trusted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot_map.h"

/* Every *_at is a word number for snapshot_map_word. */
struct snapshot_rule {
    enum snapshot_verb verb;
    unsigned answers, flags;
    size_t count, v4, v6;
    size_t apps, uids, canonical_length;
    size_t apps_at, uids_at, canonical_at, columns_at, addresses_at, v6_at;
    size_t next; /* where the next rule begins */
};

/* Reads the rule at a word number. Returns false when its counts contradict each other. */
bool snapshot_rule_read(const struct snapshot_map *map, size_t at, struct snapshot_rule *ret_rule);

/* Whether the caller's program and user are those that the rule is for. */
bool snapshot_rule_holds(const struct snapshot_map *map, const struct snapshot_rule *rule);

/* Copies bytes that lie zero-padded in words.
 *
 *   at        the first word's number
 *   skip      bytes to leave out at the front, 0..7
 *   length    bytes
 *   ret_text  room for length rounded up to 8, and a NUL behind
 */
void snapshot_rule_text(const struct snapshot_map *map, size_t at, size_t skip, size_t length,
                        char *ret_text);

/* A run of destinations: those that have a family. */
struct snapshot_run {
    size_t first, count;
    size_t columns_at; /* for DRAW: its table; meaningless when count < 2 */
};

/* The run for families (SNAPSHOT_HAS_V4, SNAPSHOT_HAS_V6 or both) of a rule that is sorted by
 * family. Both: all destinations. */
struct snapshot_run snapshot_rule_run(const struct snapshot_rule *rule, unsigned families);
