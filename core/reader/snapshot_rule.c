/* snapshot_rule.c - walks a rule as snapshot_format.h lays it out, and matches its `when`. */
#include "snapshot_rule.h"

#include <string.h>
#include <unistd.h>

#include "identity.h"

struct snapshot_rule_extension snapshot_rule_extension(const struct snapshot_map *map, size_t at)
{
    uint64_t word = snapshot_map_word(map, at + 1);
    struct snapshot_rule_extension extension = {
        .apps = SNAPSHOT_EXTENSION_APPS(word),
        .uids = SNAPSHOT_EXTENSION_UIDS(word),
        .canonical_length = SNAPSHOT_EXTENSION_CANONICAL(word),
        .apps_at = at + 2,
        .uids_at = at + 2,
        .end = at + SNAPSHOT_EXTENSION_WORDS(word),
    };

    for (size_t i = 0; i < extension.apps; i++)
        extension.uids_at += 1 + (uint8_t)snapshot_map_word(map, extension.uids_at) / 8;
    extension.canonical_at = extension.uids_at + (extension.uids + 1) / 2;
    extension.columns_at = extension.canonical_at + (extension.canonical_length + 7) / 8;
    return extension;
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

static bool holds_app(const struct snapshot_map *map,
                      const struct snapshot_rule_extension *extension)
{
    struct identity_app spare;
    const struct identity_app *app = identity_app(&spare);
    size_t at = extension->apps_at;

    for (size_t i = 0; i < extension->apps && i < SNAPSHOT_APPS_MAX; i++) {
        char pattern[IDENTITY_MAX + 1];
        size_t length = (uint8_t)snapshot_map_word(map, at);
        snapshot_rule_text(map, at, 1, length, pattern);
        if (is_app(pattern, length, app))
            return true;
        at += 1 + length / 8;
    }
    return false;
}

static bool holds_uid(const struct snapshot_map *map,
                      const struct snapshot_rule_extension *extension)
{
    uid_t uid = geteuid();

    for (size_t i = 0; i < extension->uids && i < SNAPSHOT_UIDS_MAX; i++) {
        uint64_t pair = snapshot_map_word(map, extension->uids_at + i / 2);
        if ((uint32_t)(i % 2 ? pair >> 32 : pair) == uid)
            return true;
    }
    return false;
}

/* Whether the caller's program and user are those that an extended rule is for. */
static bool holds(const struct snapshot_map *map, struct snapshot_rule rule)
{
    if (!snapshot_rule_is(rule, SNAPSHOT_RULE_EXTENDED))
        return true;
    struct snapshot_rule_extension extension = snapshot_rule_extension(map, rule.at);

    return (extension.apps == 0 || holds_app(map, &extension)) &&
           (extension.uids == 0 || holds_uid(map, &extension));
}

struct snapshot_rule_match snapshot_rule_find(const struct snapshot_map *map,
                                              struct snapshot_record record, unsigned not_for)
{
    struct snapshot_rule_match match = {SNAPSHOT_RULE_NONE, {0}};
    unsigned rules = SNAPSHOT_META_RULES(record.meta);
    size_t at = record.body;

    for (unsigned i = 0; i < rules && i < SNAPSHOT_RULES_MAX; i++) {
        if (!snapshot_rule_read(map, at, &match.rule)) {
            match.is = SNAPSHOT_RULE_BROKEN;
            return match;
        }
        if (!(SNAPSHOT_RULE_FLAGS(match.rule.word) & not_for) && holds(map, match.rule)) {
            match.is = SNAPSHOT_RULE_FOUND;
            return match;
        }
        at = snapshot_rule_next(map, match.rule);
    }
    return match;
}
