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

/* Finds apps, uids and canonical name of an extended rule. Returns the word number of its end. */
size_t snapshot_rule_extension(const struct snapshot_map *map, size_t at,
                               struct snapshot_rule *ret_rule);

/* Whether the caller's program and user are those that an extended rule is for. */
bool snapshot_rule_holds(const struct snapshot_map *map, const struct snapshot_rule *rule);

/* Whether one table serves all families. */
static inline bool snapshot_rule_has_one_table(const struct snapshot_rule *rule)
{
    return (rule->v4 == 0 || rule->v4 == rule->count) && (rule->v6 == 0 || rule->v6 == rule->count);
}

/* The columns of a table. */
static inline size_t snapshot_rule_table(size_t count)
{
    return count < 2 ? 0 : count;
}

static inline size_t snapshot_rule_columns(const struct snapshot_rule *rule)
{
    if (rule->verb == SNAPSHOT_DRAW) {
        size_t any = snapshot_rule_table(rule->count);
        if (snapshot_rule_has_one_table(rule))
            return any;
        return any + snapshot_rule_table(rule->v4) + snapshot_rule_table(rule->v6);
    }
    if (rule->verb >= SNAPSHOT_STICK_HOST && rule->verb <= SNAPSHOT_STICK_PROCESS)
        return snapshot_rule_table(rule->count);
    return 0;
}

/* Reads the rule at a word number. Returns false when its counts contradict each other. Inline, as
 * is the function below: calls and what they save are 60 of a hit's 700 instructions. */
static inline bool snapshot_rule_read(const struct snapshot_map *map, size_t at,
                                      struct snapshot_rule *ret_rule)
{
    uint64_t word = snapshot_map_word(map, at);
    struct snapshot_rule *rule = ret_rule;
    size_t end = SIZE_MAX;

    rule->verb = (enum snapshot_verb)SNAPSHOT_RULE_VERB(word);
    rule->answers = SNAPSHOT_RULE_ANSWERS(word);
    rule->flags = SNAPSHOT_RULE_FLAGS(word);
    rule->count = SNAPSHOT_RULE_COUNT(word);
    rule->v4 = SNAPSHOT_RULE_V4(word);
    rule->v6 = SNAPSHOT_RULE_V6(word);
    if (rule->v4 > rule->count || rule->v6 > rule->count || rule->count > SNAPSHOT_DESTINATIONS)
        return false;
    rule->apps = rule->uids = rule->canonical_length = 0;
    rule->columns_at = at + 1;
    if (rule->flags & SNAPSHOT_RULE_EXTENDED) {
        end = snapshot_rule_extension(map, at, rule);
        if (rule->apps > SNAPSHOT_APPS_MAX || rule->uids > SNAPSHOT_UIDS_MAX)
            return false;
    }
    rule->addresses_at = rule->columns_at + snapshot_rule_columns(rule);
    rule->v6_at = rule->addresses_at + rule->count;
    rule->next = rule->v6_at + 2 * (rule->flags & SNAPSHOT_RULE_LISTED ? rule->count : rule->v6);
    if (rule->flags & SNAPSHOT_RULE_EXTENDED) {
        if (rule->next > end)
            return false;
        rule->next = end;
    }
    return true;
}

enum snapshot_rule_found { SNAPSHOT_RULE_NONE, SNAPSHOT_RULE_FOUND, SNAPSHOT_RULE_BROKEN };

/* Finds the first rule of a record that is for this program and user.
 *
 *   not_for  enum snapshot_rule_flag, or-ed: rules with one of these are passed over
 */
static inline enum snapshot_rule_found snapshot_rule_find(const struct snapshot_map *map,
                                                          const struct snapshot_record *record,
                                                          unsigned not_for,
                                                          struct snapshot_rule *ret_rule)
{
    unsigned rules = SNAPSHOT_META_RULES(record->meta);
    size_t at = record->body;

    for (unsigned i = 0; i < rules && i < SNAPSHOT_RULES_MAX; i++) {
        if (!snapshot_rule_read(map, at, ret_rule))
            return SNAPSHOT_RULE_BROKEN;
        if (!(ret_rule->flags & not_for) &&
            (!(ret_rule->flags & SNAPSHOT_RULE_EXTENDED) || snapshot_rule_holds(map, ret_rule)))
            return SNAPSHOT_RULE_FOUND;
        at = ret_rule->next;
    }
    return SNAPSHOT_RULE_NONE;
}

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
