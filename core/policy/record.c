/* record.c - encodes a record, word by word as snapshot_format.h says.
 *
 * A rule that draws or sticks has its destinations sorted by family, stably, so that each family is
 * a run; a list keeps its order.
 */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "weights.h"

static int push(struct compile_record *record, uint64_t word)
{
    if (record->count == record->room) {
        size_t room = record->room ? record->room * 2 : 16;
        uint64_t *larger = reallocarray(record->words, room, sizeof(*larger));
        if (!larger)
            return ERROR_INTERNAL;
        record->words = larger;
        record->room = room;
    }
    record->words[record->count++] = word;
    return 0;
}

int record_bytes(struct compile_record *record, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;

    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t word = 0;
        size_t left = size - at;

        memcpy(&word, from + at, left < sizeof(word) ? left : sizeof(word));
        if (push(record, word) < 0)
            return ERROR_INTERNAL;
    }
    return 0;
}

int record_begin(struct compile_record *record, const void *key, size_t length)
{
    record->count = 0;
    if (push(record, SNAPSHOT_META(0, length, 0)) < 0)
        return ERROR_INTERNAL;
    return record_bytes(record, key, length);
}

void record_end(struct compile_record *record, size_t rules)
{
    record->words[0] = SNAPSHOT_META(0, SNAPSHOT_META_NAME_LENGTH(record->words[0]), rules);
}

/* 0: IPv4 only, 1: both, 2: IPv6 only. */
static unsigned family_of(const struct record_destination *destination)
{
    return !destination->has_v6 ? 0 : destination->has_v4 ? 1 : 2;
}

static bool has_order(enum snapshot_verb verb)
{
    return verb == SNAPSHOT_LIST;
}

static bool is_by_family(const struct record_rule *rule)
{
    for (size_t i = 1; i < rule->count; i++) {
        if (family_of(&rule->destinations[i - 1]) > family_of(&rule->destinations[i]))
            return false;
    }
    return true;
}

/* Puts pointers to the destinations into the record's order. */
static void arrange(const struct record_rule *rule, const struct record_destination **ret_sorted)
{
    size_t at = 0;

    for (unsigned family = 0; family < 3 && !has_order(rule->verb); family++) {
        for (size_t i = 0; i < rule->count; i++) {
            if (family_of(&rule->destinations[i]) == family)
                ret_sorted[at++] = &rule->destinations[i];
        }
    }
    for (size_t i = 0; i < rule->count && has_order(rule->verb); i++)
        ret_sorted[i] = &rule->destinations[i];
}

/* One table over a run; runs shorter than 2 need none. */
static int push_table(struct compile_record *record, const struct record_destination **run,
                      size_t count)
{
    uint16_t weights[SNAPSHOT_DESTINATIONS];
    uint64_t columns[SNAPSHOT_DESTINATIONS];

    if (count < 2)
        return 0;
    for (size_t i = 0; i < count; i++)
        weights[i] = run[i]->weight;
    weights_table(weights, count, columns);
    for (size_t i = 0; i < count; i++) {
        if (push(record, columns[i]) < 0)
            return ERROR_INTERNAL;
    }
    return 0;
}

static int push_columns(struct compile_record *record, const struct record_rule *rule,
                        const struct record_destination **sorted, size_t v4, size_t v6)
{
    size_t count = rule->count;
    bool is_whole = (v4 == 0 || v4 == count) && (v6 == 0 || v6 == count);
    bool draws = rule->verb == SNAPSHOT_DRAW;

    if (has_order(rule->verb))
        return 0;
    if (push_table(record, sorted, count) < 0)
        return ERROR_INTERNAL;
    if (is_whole || !draws)
        return 0;
    if (push_table(record, sorted, v4) < 0 || push_table(record, sorted + count - v6, v6) < 0)
        return ERROR_INTERNAL;
    return 0;
}

static int push_addresses(struct compile_record *record, const struct record_rule *rule,
                          const struct record_destination **sorted, size_t v6_start)
{
    for (size_t i = 0; i < rule->count; i++) {
        const struct record_destination *destination = sorted[i];
        unsigned flags = (destination->has_v4 ? SNAPSHOT_HAS_V4 : 0) |
                         (destination->has_v6 ? SNAPSHOT_HAS_V6 : 0);
        uint32_t v4 = destination->has_v4 ? destination->v4 : 0;

        if (push(record, SNAPSHOT_ADDRESS(v4, destination->port, flags)) < 0)
            return ERROR_INTERNAL;
    }
    for (size_t i = v6_start; i < rule->count; i++) {
        static const uint8_t none[16];
        if (record_bytes(record, sorted[i]->has_v6 ? sorted[i]->v6 : none, 16) < 0)
            return ERROR_INTERNAL;
    }
    return 0;
}

static int push_identity(struct compile_record *record, const struct record_rule *rule)
{
    for (size_t i = 0; i < rule->app_count; i++) {
        uint8_t app[256];
        size_t length = strlen(rule->apps[i]);

        app[0] = (uint8_t)length;
        memcpy(app + 1, rule->apps[i], length);
        if (record_bytes(record, app, 1 + length) < 0)
            return ERROR_INTERNAL;
    }
    if (record_bytes(record, rule->uids, rule->uid_count * sizeof(*rule->uids)) < 0)
        return ERROR_INTERNAL;
    return record_bytes(record, rule->canonical ? rule->canonical : "",
                        rule->canonical ? strlen(rule->canonical) : 0);
}

static int push_rule(struct compile_record *record, const struct record_rule *rule, bool is_alone,
                     const struct record_destination **sorted)
{
    size_t v4 = 0, v6 = 0, start = record->count;
    bool is_extended = !is_alone || rule->app_count || rule->uid_count || rule->canonical;
    bool is_listed = has_order(rule->verb) && !is_by_family(rule);
    unsigned flags = rule->flags | (is_extended ? SNAPSHOT_RULE_EXTENDED : 0) |
                     (is_listed ? SNAPSHOT_RULE_LISTED : 0);

    for (size_t i = 0; i < rule->count; i++) {
        v4 += rule->destinations[i].has_v4;
        v6 += rule->destinations[i].has_v6;
    }
    if (push(record, SNAPSHOT_RULE(rule->verb, rule->answers, flags, rule->count, v4, v6)) < 0)
        return ERROR_INTERNAL;
    if (is_extended && push(record, 0) < 0)
        return ERROR_INTERNAL;
    if (push_identity(record, rule) < 0 || push_columns(record, rule, sorted, v4, v6) < 0 ||
        push_addresses(record, rule, sorted, is_listed ? 0 : rule->count - v6) < 0)
        return ERROR_INTERNAL;
    if (is_extended)
        record->words[start + 1] =
            SNAPSHOT_EXTENSION(record->count - start, rule->app_count,
                               rule->canonical ? strlen(rule->canonical) : 0, rule->uid_count);
    return 0;
}

int record_rule(struct compile_record *record, const struct record_rule *rule, bool is_alone)
{
    AUTO_FREE const struct record_destination **sorted = calloc(rule->count + 1, sizeof(*sorted));

    if (!sorted)
        return ERROR_INTERNAL;
    arrange(rule, sorted);
    return push_rule(record, rule, is_alone, sorted);
}
