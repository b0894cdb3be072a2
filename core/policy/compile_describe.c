/* compile_describe.c - a record as people read it.
 *
 * The words may come from any file, so each step is checked: a cursor over words remembers its
 * first failure. Shares are those of the alias table itself, not of the weights beside it: what is
 * told is what the reader draws.
 */
#include "compile_describe.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "auto.h"
#include "compile.h"
#include "plain.h"
#include "snapshot_format.h"

const char *compile_describe_verb(unsigned verb)
{
    static const char *const names[] = {
        [SNAPSHOT_DRAW] = "draw",
        [SNAPSHOT_LIST] = "list",
        [SNAPSHOT_STICK_HOST] = "stick by host",
        [SNAPSHOT_STICK_UID] = "stick by uid",
        [SNAPSHOT_STICK_APP] = "stick by app",
        [SNAPSHOT_STICK_PROCESS] = "stick by process",
        [SNAPSHOT_DENY] = "deny",
        [SNAPSHOT_PASS] = "pass",
        [SNAPSHOT_NAME] = "name",
    };

    return verb < ARRAY_SIZE(names) && names[verb] ? names[verb] : "unknown";
}

int64_t compile_describe_share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (int64_t)((part * 1000000 + whole / 2) / whole) : 0;
}

void compile_describe_push(struct value *list, const char *format, ...)
{
    char text[512];
    struct value item;
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    plain_make(text);
    if (value_string(&item, text, strlen(text)) == 0)
        (void)value_push(list, &item);
}

void compile_describe_push_address(struct value *list, const void *address, size_t size)
{
    char text[INET6_ADDRSTRLEN];

    if (inet_ntop(size == 4 ? AF_INET : AF_INET6, address, text, sizeof(text)))
        compile_describe_push(list, "%s", text);
}

/* A bounded walk over words. */
struct walk {
    const uint64_t *words;
    size_t count, at;
    bool failed;
};

static const uint64_t *take(struct walk *walk, size_t count)
{
    if (walk->failed || count > walk->count - walk->at) {
        walk->failed = true;
        return NULL;
    }
    walk->at += count;
    return walk->words + walk->at - count;
}

static const uint64_t *take_bytes(struct walk *walk, size_t size)
{
    return take(walk, (size + 7) / 8);
}

static uint64_t take_word(struct walk *walk)
{
    const uint64_t *word = take(walk, 1);

    return word ? *word : 0;
}

/* A rule while it is decoded. */
struct rule {
    uint64_t word;
    unsigned verb, count, v4, v6, flags;
    const uint64_t *columns, *addresses, *wide; /* wide: IPv6, two words each */
    size_t v6_start;
};

static void describe_identity(struct walk *walk, uint64_t extension, struct value *map)
{
    AUTO_VALUE struct value apps = {.type = VALUE_LIST}, uids = {.type = VALUE_LIST};

    for (size_t i = 0; i < SNAPSHOT_EXTENSION_APPS(extension) && !walk->failed; i++) {
        const uint8_t *start = (const uint8_t *)(walk->words + walk->at);
        size_t length = walk->at < walk->count ? start[0] : 0;

        if (take_bytes(walk, 1 + length))
            compile_describe_push(&apps, "%.*s", (int)length, (const char *)start + 1);
    }
    size_t uid_count = SNAPSHOT_EXTENSION_UIDS(extension);
    const uint64_t *words = take_bytes(walk, uid_count * sizeof(uint32_t));
    for (size_t i = 0; words && i < uid_count; i++) {
        struct value uid = value_integer((uint32_t)(words[i / 2] >> (i % 2 * 32)));
        (void)value_push(&uids, &uid);
    }
    size_t length = SNAPSHOT_EXTENSION_CANONICAL(extension);
    const uint64_t *canonical = take_bytes(walk, length);
    if (canonical && length > 0) {
        char text[256];
        (void)snprintf(text, sizeof(text), "%.*s", (int)length, (const char *)canonical);
        plain_make(text);
        value_put_text(map, "canonical", text);
    }
    if (apps.list.count > 0)
        (void)value_put(map, "apps", &apps);
    if (uids.list.count > 0)
        (void)value_put(map, "uids", &uids);
}

/* How many columns a rule has (snapshot_format.h, COLUMNS). */
static size_t count_columns(const struct rule *rule)
{
    size_t columns = rule->count > 1 ? rule->count : 0;
    bool is_whole =
        (rule->v4 == 0 || rule->v4 == rule->count) && (rule->v6 == 0 || rule->v6 == rule->count);

    if (rule->verb != SNAPSHOT_DRAW)
        return rule->verb >= SNAPSHOT_STICK_HOST && rule->verb <= SNAPSHOT_STICK_PROCESS ? columns
                                                                                         : 0;
    if (!is_whole)
        columns += (rule->v4 > 1 ? rule->v4 : 0) + (rule->v6 > 1 ? rule->v6 : 0);
    return columns;
}

static bool take_destinations(struct walk *walk, struct rule *rule)
{
    bool is_listed = rule->flags & SNAPSHOT_RULE_LISTED;

    if (rule->v4 > rule->count || rule->v6 > rule->count || rule->count > SNAPSHOT_DESTINATIONS)
        return false;
    rule->v6_start = is_listed ? 0 : rule->count - rule->v6;
    rule->columns = take(walk, count_columns(rule));
    rule->addresses = take(walk, rule->count);
    rule->wide = take(walk, 2 * (rule->count - rule->v6_start));
    return !walk->failed;
}

/* The probability of each destination, in units of 2^-32 of a column. */
static bool add_columns(const struct rule *rule, uint64_t *ret_parts)
{
    for (size_t i = 0; i < rule->count; i++) {
        uint64_t column = rule->columns[i], keep = SNAPSHOT_COLUMN_KEEP(column);
        size_t alias = SNAPSHOT_COLUMN_ALIAS(column);

        if (alias >= rule->count)
            return false;
        ret_parts[i] += keep;
        ret_parts[alias] += (UINT64_C(1) << 32) - keep;
    }
    return true;
}

/* The share of each destination's first answers, whatever the family asked for. */
static bool find_parts(const struct rule *rule, uint64_t *ret_parts, uint64_t *ret_whole)
{
    *ret_whole = 0;
    memset(ret_parts, 0, rule->count * sizeof(*ret_parts));
    if (rule->count == 0)
        return true;
    if (rule->verb == SNAPSHOT_LIST || rule->count == 1) {
        ret_parts[0] = *ret_whole = 1;
        return true;
    }
    if (rule->verb == SNAPSHOT_DRAW) {
        *ret_whole = (uint64_t)rule->count << 32;
        return add_columns(rule, ret_parts);
    }
    for (size_t i = 0; i < rule->count; i++) {
        ret_parts[i] = SNAPSHOT_COLUMN_WEIGHT(rule->columns[i]);
        *ret_whole += ret_parts[i];
    }
    return true;
}

static void describe_destination(const struct rule *rule, size_t i, int64_t share,
                                 struct value *list)
{
    AUTO_VALUE struct value map = {.type = VALUE_MAP}, addresses = {.type = VALUE_LIST};
    uint64_t word = rule->addresses[i];
    uint32_t v4 = SNAPSHOT_ADDRESS_V4(word);

    if (SNAPSHOT_ADDRESS_FLAGS(word) & SNAPSHOT_HAS_V4)
        compile_describe_push_address(&addresses, &v4, sizeof(v4));
    if (SNAPSHOT_ADDRESS_FLAGS(word) & SNAPSHOT_HAS_V6 && i >= rule->v6_start)
        compile_describe_push_address(&addresses, rule->wide + 2 * (i - rule->v6_start), 16);
    (void)value_put(&map, "address", &addresses);
    if (SNAPSHOT_ADDRESS_PORT(word))
        value_put_integer(&map, "port", SNAPSHOT_ADDRESS_PORT(word));
    if (rule->columns && rule->count > 1 && count_columns(rule) > 0)
        value_put_integer(&map, "weight", SNAPSHOT_COLUMN_WEIGHT(rule->columns[i]));
    value_put_integer(&map, "effective", share);
    (void)value_push(list, &map);
}

static bool describe_destinations(const struct rule *rule, struct value *map)
{
    AUTO_VALUE struct value list = {.type = VALUE_LIST};
    uint64_t parts[SNAPSHOT_DESTINATIONS], whole;

    if (!find_parts(rule, parts, &whole))
        return false;
    for (size_t i = 0; i < rule->count; i++) {
        /* (2^32 * 2 * 4096) * 10^6 does not fit: a part of 2^-12 less is close enough. */
        unsigned shift = whole >> 32 ? 12 : 0;
        describe_destination(rule, i, compile_describe_share(parts[i] >> shift, whole >> shift),
                             &list);
    }
    if (rule->verb <= SNAPSHOT_STICK_PROCESS) /* others have none */
        (void)value_put(map, "destinations", &list);
    return true;
}

static bool describe_rule(struct walk *walk, struct value *rules)
{
    AUTO_VALUE struct value map = {.type = VALUE_MAP};
    size_t start = walk->at;
    uint64_t word = take_word(walk), extension = 0;
    struct rule rule = {
        .word = word,
        .verb = SNAPSHOT_RULE_VERB(word),
        .count = SNAPSHOT_RULE_COUNT(word),
        .v4 = SNAPSHOT_RULE_V4(word),
        .v6 = SNAPSHOT_RULE_V6(word),
        .flags = SNAPSHOT_RULE_FLAGS(word),
    };

    value_put_text(&map, "verb", compile_describe_verb(rule.verb));
    value_put_integer(&map, "answers", SNAPSHOT_RULE_ANSWERS(word));
    if (rule.flags & (SNAPSHOT_RULE_SHIM_ONLY | SNAPSHOT_RULE_NSS_ONLY))
        value_put_text(&map, "caller", rule.flags & SNAPSHOT_RULE_SHIM_ONLY ? "shim" : "nss");
    if (rule.flags & SNAPSHOT_RULE_EXTENDED) {
        extension = take_word(walk);
        describe_identity(walk, extension, &map);
    }
    if (!take_destinations(walk, &rule) || !describe_destinations(&rule, &map))
        return false;
    if (extension && SNAPSHOT_EXTENSION_WORDS(extension) != walk->at - start)
        return false;
    return value_push(rules, &map) == 0;
}

static void describe_key(const uint8_t *key, size_t length, struct value *map)
{
    char text[SNAPSHOT_KEY_MAX + 2];
    AUTO_VALUE struct value addresses = {.type = VALUE_LIST};

    if (length > 0 && key[0] == '@' && (length == 5 || length == 17)) {
        compile_describe_push_address(&addresses, key + 1, length - 1);
        value_put_text(map, "address",
                       addresses.list.count ? addresses.list.items[0].string.text : "");
        return;
    }
    (void)snprintf(text, sizeof(text), "%s%.*s", length > 0 && key[0] == '.' ? "*" : "",
                   (int)length, (const char *)key);
    plain_make(text);
    value_put_text(map, "domain", text);
}

static bool describe_search(struct walk *walk, struct value *map)
{
    AUTO_VALUE struct value list = {.type = VALUE_LIST};
    const uint8_t *bytes = (const uint8_t *)(walk->words + walk->at);
    size_t size = (walk->count - walk->at) * 8, at = 2;

    for (size_t i = 0; size >= 2 && i < bytes[1]; i++) {
        if (at >= size || bytes[at] > size - at - 1)
            return false;
        compile_describe_push(&list, "%.*s", bytes[at], (const char *)bytes + at + 1);
        at += 1U + bytes[at];
    }
    if (size < 2)
        return false;
    value_put_integer(map, "ndots", bytes[0]);
    return value_put(map, "search", &list) == 0;
}

int compile_describe(const uint64_t *words, size_t count, struct value *ret_description,
                     struct error *err)
{
    AUTO_VALUE struct value map = {.type = VALUE_MAP}, rules = {.type = VALUE_LIST};
    struct walk walk = {.words = words, .count = count};
    uint64_t meta = take_word(&walk);
    size_t length = SNAPSHOT_META_NAME_LENGTH(meta), search = strlen(SNAPSHOT_KEY_SEARCH);
    const uint8_t *key = (const uint8_t *)take_bytes(&walk, length);
    bool is_good = key != NULL;

    if (is_good)
        describe_key(key, length, &map);
    for (size_t i = 0; is_good && i < SNAPSHOT_META_RULES(meta); i++)
        is_good = describe_rule(&walk, &rules);
    if (is_good && length == search && memcmp(key, SNAPSHOT_KEY_SEARCH, search) == 0)
        is_good = describe_search(&walk, &map);
    if (!is_good || walk.failed)
        return error_set(err, ERROR_INVALID, "a record that does not add up");
    (void)value_put(&map, "rules", &rules);
    *ret_description = map;
    map = (struct value){.type = VALUE_NULL};
    return 1;
}
