/* snapshot_rule.c - walks a rule as snapshot_format.h lays it out, and matches its `when`. */
#include "snapshot_rule.h"

#include <string.h>
#include <unistd.h>

#include "identity.h"

size_t snapshot_rule_extension(const struct snapshot_map *map, size_t at,
                               struct snapshot_rule *ret_rule)
{
    uint64_t word = snapshot_map_word(map, at + 1);
    struct snapshot_rule *rule = ret_rule;

    rule->apps = SNAPSHOT_EXTENSION_APPS(word);
    rule->uids = SNAPSHOT_EXTENSION_UIDS(word);
    rule->canonical_length = SNAPSHOT_EXTENSION_CANONICAL(word);
    rule->apps_at = at + 2;
    rule->uids_at = rule->apps_at;
    for (size_t i = 0; i < rule->apps; i++)
        rule->uids_at += 1 + (uint8_t)snapshot_map_word(map, rule->uids_at) / 8;
    rule->canonical_at = rule->uids_at + (rule->uids + 1) / 2;
    rule->columns_at = rule->canonical_at + (rule->canonical_length + 7) / 8;
    return at + SNAPSHOT_EXTENSION_WORDS(word);
}

void snapshot_rule_text(const struct snapshot_map *map, size_t at, size_t skip, size_t length,
                        char *ret_text)
{
    for (size_t i = 0; i < length; i++) {
        size_t byte = skip + i;
        ret_text[i] = (char)(snapshot_map_word(map, at + byte / 8) >> (8 * (byte % 8)));
    }
    ret_text[length] = '\0';
}

/* A pattern that ends in '*' matches any rest. */
static bool is_app(const char *pattern, size_t length, const struct identity_app *app)
{
    if (length > 0 && pattern[length - 1] == '*')
        return length - 1 <= app->length && memcmp(pattern, app->name, length - 1) == 0;
    return length == app->length && memcmp(pattern, app->name, length) == 0;
}

static bool holds_app(const struct snapshot_map *map, const struct snapshot_rule *rule)
{
    struct identity_app spare;
    const struct identity_app *app = identity_app(&spare);
    size_t at = rule->apps_at;

    for (size_t i = 0; i < rule->apps; i++) {
        char pattern[IDENTITY_MAX + 1];
        size_t length = (uint8_t)snapshot_map_word(map, at);
        snapshot_rule_text(map, at, 1, length, pattern);
        if (is_app(pattern, length, app))
            return true;
        at += 1 + length / 8;
    }
    return false;
}

static bool holds_uid(const struct snapshot_map *map, const struct snapshot_rule *rule)
{
    uid_t uid = geteuid();

    for (size_t i = 0; i < rule->uids; i++) {
        uint64_t pair = snapshot_map_word(map, rule->uids_at + i / 2);
        if ((uint32_t)(i % 2 ? pair >> 32 : pair) == uid)
            return true;
    }
    return false;
}

bool snapshot_rule_holds(const struct snapshot_map *map, const struct snapshot_rule *rule)
{
    return (rule->apps == 0 || holds_app(map, rule)) && (rule->uids == 0 || holds_uid(map, rule));
}

struct snapshot_run snapshot_rule_run(const struct snapshot_rule *rule, unsigned families)
{
    struct snapshot_run run = {0, rule->count, rule->columns_at};
    bool is_shared = snapshot_rule_has_one_table(rule);

    if (families == SNAPSHOT_HAS_V4) {
        run.count = rule->v4;
        if (!is_shared)
            run.columns_at += snapshot_rule_table(rule->count);
    } else if (families == SNAPSHOT_HAS_V6) {
        run.first = rule->count - rule->v6;
        run.count = rule->v6;
        if (!is_shared)
            run.columns_at += snapshot_rule_table(rule->count) + snapshot_rule_table(rule->v4);
    }
    return run;
}
