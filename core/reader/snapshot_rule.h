/* snapshot_rule.h - where the parts of a rule lie in a mapped record.
 * Floor: reader (libc only; no lock, log, allocation or descriptor; errno untouched). Internal.
 *
 * Safe in any thread, in a signal handler, after fork and vfork; any bytes are read, none trusted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot_find.h"

/* A rule is its word and two places; all else is computed from them where it is used. Every *_at is
 * a word number for snapshot_map_word. */
struct snapshot_rule {
    uint64_t word;     /* SNAPSHOT_RULE_*; its counts are in range */
    size_t at;         /* of the word */
    size_t columns_at; /* behind it, or behind its extension */
};

/* What only extended rules have. */
struct snapshot_rule_extension {
    size_t apps, uids, canonical_length;
    size_t apps_at, uids_at, canonical_at;
    size_t columns_at, end; /* behind the extension; behind the rule */
};

/* Reads the extension behind the rule word at a word number. Its counts may be any, and others than
 * at the last reading. */
struct snapshot_rule_extension snapshot_rule_extension(const struct snapshot_map *map, size_t at);

static inline enum snapshot_verb snapshot_rule_verb(struct snapshot_rule rule)
{
    return (enum snapshot_verb)SNAPSHOT_RULE_VERB(rule.word);
}

static inline bool snapshot_rule_is(struct snapshot_rule rule, enum snapshot_rule_flag flag)
{
    return SNAPSHOT_RULE_FLAGS(rule.word) & flag;
}

static inline size_t snapshot_rule_count(struct snapshot_rule rule)
{
    return SNAPSHOT_RULE_COUNT(rule.word);
}

static inline size_t snapshot_rule_v4(struct snapshot_rule rule)
{
    return SNAPSHOT_RULE_V4(rule.word);
}

static inline size_t snapshot_rule_v6(struct snapshot_rule rule)
{
    return SNAPSHOT_RULE_V6(rule.word);
}

/* Whether one table serves all families: each has no destination, or all. */
static inline bool snapshot_rule_has_one_table(struct snapshot_rule rule)
{
    size_t count = snapshot_rule_count(rule);
    size_t v4 = snapshot_rule_v4(rule), v6 = snapshot_rule_v6(rule);

    return (v4 == 0 || v4 == count) && (v6 == 0 || v6 == count);
}

/* The columns of a table. */
static inline size_t snapshot_rule_table(size_t count)
{
    return count < 2 ? 0 : count;
}

/* The columns of all tables. */
static inline size_t snapshot_rule_columns(struct snapshot_rule rule)
{
    enum snapshot_verb verb = snapshot_rule_verb(rule);
    size_t any = snapshot_rule_table(snapshot_rule_count(rule));

    if (verb == SNAPSHOT_DRAW)
        return snapshot_rule_has_one_table(rule)
                   ? any
                   : any + snapshot_rule_table(snapshot_rule_v4(rule)) +
                         snapshot_rule_table(snapshot_rule_v6(rule));
    return verb >= SNAPSHOT_STICK_HOST && verb <= SNAPSHOT_STICK_PROCESS ? any : 0;
}

static inline size_t snapshot_rule_addresses_at(struct snapshot_rule rule)
{
    return rule.columns_at + snapshot_rule_columns(rule);
}

/* The first of the two words of a destination's IPv6 address. Of one that has none: any number. */
static inline size_t snapshot_rule_v6_at(struct snapshot_rule rule, size_t index)
{
    size_t count = snapshot_rule_count(rule);
    size_t first =
        snapshot_rule_is(rule, SNAPSHOT_RULE_LISTED) ? 0 : count - snapshot_rule_v6(rule);

    return snapshot_rule_addresses_at(rule) + count + 2 * (index - first);
}

/* Behind the rule, as its counts say. */
static inline size_t snapshot_rule_end(struct snapshot_rule rule)
{
    return snapshot_rule_v6_at(rule, snapshot_rule_count(rule));
}

/* Reads the rule at a word number. Returns false when its counts contradict each other. */
static inline bool snapshot_rule_read(const struct snapshot_map *map, size_t at,
                                      struct snapshot_rule *ret_rule)
{
    struct snapshot_rule rule = {snapshot_map_word(map, at), at, at + 1};
    size_t count = snapshot_rule_count(rule);

    if (count > SNAPSHOT_DESTINATIONS || snapshot_rule_v4(rule) > count ||
        snapshot_rule_v6(rule) > count)
        return false;
    if (snapshot_rule_is(rule, SNAPSHOT_RULE_EXTENDED)) {
        struct snapshot_rule_extension extension = snapshot_rule_extension(map, at);
        rule.columns_at = extension.columns_at;
        if (extension.apps > SNAPSHOT_APPS_MAX || extension.uids > SNAPSHOT_UIDS_MAX ||
            snapshot_rule_end(rule) > extension.end)
            return false;
    }
    *ret_rule = rule;
    return true;
}

/* Where the rule behind this one begins. */
static inline size_t snapshot_rule_next(const struct snapshot_map *map, struct snapshot_rule rule)
{
    return snapshot_rule_is(rule, SNAPSHOT_RULE_EXTENDED)
               ? snapshot_rule_extension(map, rule.at).end
               : snapshot_rule_end(rule);
}

enum snapshot_rule_found { SNAPSHOT_RULE_NONE, SNAPSHOT_RULE_FOUND, SNAPSHOT_RULE_BROKEN };

struct snapshot_rule_match {
    enum snapshot_rule_found is;
    struct snapshot_rule rule; /* when found */
};

/* Finds the first rule of a record that is for this program and user.
 *
 *   not_for  enum snapshot_rule_flag, or-ed: rules with one of these are passed over
 */
struct snapshot_rule_match snapshot_rule_find(const struct snapshot_map *map,
                                              struct snapshot_record record, unsigned not_for);

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

/* The run for families (SNAPSHOT_HAS_V4, SNAPSHOT_HAS_V6, both or neither) of a rule that is sorted
 * by family; of others the count is right. Both: all destinations. */
static inline struct snapshot_run snapshot_rule_run(struct snapshot_rule rule, unsigned families)
{
    size_t count = snapshot_rule_count(rule);
    size_t v4 = snapshot_rule_v4(rule), v6 = snapshot_rule_v6(rule);
    struct snapshot_run run = {0, families ? count : 0, rule.columns_at};
    bool is_shared = snapshot_rule_has_one_table(rule);

    if (families == SNAPSHOT_HAS_V4) {
        run.count = v4;
        if (!is_shared)
            run.columns_at += snapshot_rule_table(count);
    } else if (families == SNAPSHOT_HAS_V6) {
        run.first = count - v6;
        run.count = v6;
        if (!is_shared)
            run.columns_at += snapshot_rule_table(count) + snapshot_rule_table(v4);
    }
    return run;
}
