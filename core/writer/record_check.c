/* record_check.c - proves the structure of one record, rule by rule. */
#include "record_check.h"

#include <stdbool.h>
#include <string.h>

#include "snapshot_format.h"

/* A walk over words; `at` never passes count. */
struct walk {
    const uint64_t *words;
    size_t count, at;
};

static bool take(struct walk *walk, size_t words)
{
    if (words > walk->count - walk->at)
        return false;
    walk->at += words;
    return true;
}

static size_t words_of(size_t bytes)
{
    return (bytes + 7) / 8;
}

static int cut_short(const char *what, struct error *err)
{
    return error_set(err, ERROR_INVALID, "%s reaches behind the record", what);
}

/* Whether one table of all destinations serves every family. */
static bool is_one_table(unsigned count, unsigned v4, unsigned v6)
{
    return (v4 == 0 || v4 == count) && (v6 == 0 || v6 == count);
}

static bool is_sticky(unsigned verb)
{
    return verb == SNAPSHOT_STICK_HOST || verb == SNAPSHOT_STICK_UID ||
           verb == SNAPSHOT_STICK_APP || verb == SNAPSHOT_STICK_PROCESS;
}

/* Proves a table of `run` columns; none when the run is shorter than 2. */
static int check_table(struct walk *walk, unsigned run, struct error *err)
{
    size_t first = walk->at;

    if (run < 2)
        return 0;
    if (!take(walk, run))
        return cut_short("a table of columns", err);
    for (size_t i = 0; i < run; i++) {
        unsigned alias = SNAPSHOT_COLUMN_ALIAS(walk->words[first + i]);
        if (alias >= run)
            return error_set(err, ERROR_INVALID, "column %zu goes to %u of %u destinations", i,
                             alias, run);
    }
    return 0;
}

static int check_columns(struct walk *walk, uint64_t rule, struct error *err)
{
    unsigned verb = SNAPSHOT_RULE_VERB(rule), count = SNAPSHOT_RULE_COUNT(rule);
    unsigned v4 = SNAPSHOT_RULE_V4(rule), v6 = SNAPSHOT_RULE_V6(rule);

    if (is_sticky(verb)) /* only the weights are used, aliases are not */
        return count > 1 && !take(walk, count) ? cut_short("a table of weights", err) : 0;
    if (verb != SNAPSHOT_DRAW)
        return 0;
    int r = check_table(walk, count, err);
    if (r == 0 && !is_one_table(count, v4, v6))
        r = check_table(walk, v4, err);
    if (r == 0 && !is_one_table(count, v4, v6))
        r = check_table(walk, v6, err);
    return r;
}

/* The addresses, whose flags must agree with the rule's counts. */
static int check_addresses(struct walk *walk, uint64_t rule, struct error *err)
{
    unsigned count = SNAPSHOT_RULE_COUNT(rule), v4 = 0, v6 = 0;
    bool is_listed = SNAPSHOT_RULE_FLAGS(rule) & SNAPSHOT_RULE_LISTED;
    size_t first = walk->at;

    if (!take(walk, count))
        return cut_short("the addresses", err);
    for (size_t i = 0; i < count; i++) {
        unsigned flags = SNAPSHOT_ADDRESS_FLAGS(walk->words[first + i]);
        v4 += (flags & SNAPSHOT_HAS_V4) != 0;
        v6 += (flags & SNAPSHOT_HAS_V6) != 0;
    }
    if (v4 != SNAPSHOT_RULE_V4(rule) || v6 != SNAPSHOT_RULE_V6(rule))
        return error_set(err, ERROR_INVALID,
                         "has %u IPv4 and %u IPv6 addresses, but says %u and %u", v4, v6,
                         SNAPSHOT_RULE_V4(rule), SNAPSHOT_RULE_V6(rule));
    for (size_t i = 0; !is_listed && i < count; i++) {
        unsigned flags = SNAPSHOT_ADDRESS_FLAGS(walk->words[first + i]);
        if (!(flags & SNAPSHOT_HAS_V4) != (i >= v4) ||
            !(flags & SNAPSHOT_HAS_V6) != (i < count - v6))
            return error_set(err, ERROR_INVALID, "destination %zu is out of its family's run", i);
    }
    if (!take(walk, 2 * (is_listed ? (size_t)count : v6)))
        return cut_short("an IPv6 address", err);
    return 0;
}

static int check_apps(struct walk *walk, unsigned apps, struct error *err)
{
    for (unsigned i = 0; i < apps; i++) {
        if (walk->at == walk->count)
            return cut_short("a program's name", err);
        uint8_t length = *(const uint8_t *)(walk->words + walk->at);
        if (!take(walk, words_of((size_t)length + 1)))
            return cut_short("a program's name", err);
    }
    return 0;
}

/* Everything of a rule but its rule word. Returns 0, and leaves the walk behind the rule. */
static int check_rule(struct walk *walk, uint64_t rule, size_t start, struct error *err)
{
    unsigned verb = SNAPSHOT_RULE_VERB(rule);
    bool is_extended = SNAPSHOT_RULE_FLAGS(rule) & SNAPSHOT_RULE_EXTENDED;
    uint64_t extension = 0;

    if (verb == 0)
        return error_set(err, ERROR_INVALID, "has a rule without a verb");
    if (is_extended && !take(walk, 1))
        return cut_short("an extension", err);
    if (is_extended)
        extension = walk->words[walk->at - 1];
    int r = check_apps(walk, SNAPSHOT_EXTENSION_APPS(extension), err);
    if (r == 0 && !take(walk, words_of((size_t)SNAPSHOT_EXTENSION_UIDS(extension) * 4)))
        r = cut_short("a list of users", err);
    if (r == 0 && !take(walk, words_of(SNAPSHOT_EXTENSION_CANONICAL(extension))))
        r = cut_short("a canonical name", err);
    if (verb > SNAPSHOT_NAME) { /* of a later meshdns: only its size can be known */
        size_t size = SNAPSHOT_EXTENSION_WORDS(extension);
        bool fits = is_extended && size > 0 && size <= walk->count - start;
        walk->at = fits ? start + size : walk->at;
        return r < 0 || fits ? r : cut_short("a rule", err);
    }
    if (r == 0)
        r = check_columns(walk, rule, err);
    if (r == 0)
        r = check_addresses(walk, rule, err);
    if (r == 0 && is_extended && SNAPSHOT_EXTENSION_WORDS(extension) != walk->at - start)
        r = error_set(err, ERROR_INVALID, "has a rule of %zu words that says %u", walk->at - start,
                      SNAPSHOT_EXTENSION_WORDS(extension));
    return r;
}

/* The search list behind its name. */
static int check_search(struct walk *walk, struct error *err)
{
    const uint8_t *bytes = (const uint8_t *)(walk->words + walk->at);
    size_t size = (walk->count - walk->at) * 8, at = 2;

    for (unsigned i = 0; size >= 2 && i < bytes[1] && at < size; i++)
        at += (size_t)bytes[at] + 1;
    if (size < 2 || at > size || bytes[1] > SNAPSHOT_SEARCH_MAX)
        return cut_short("the search list", err);
    (void)take(walk, words_of(at));
    return 0;
}

int record_check(const uint64_t *words, size_t count, struct error *err)
{
    struct walk walk = {.words = words, .count = count};
    static const char search[] = SNAPSHOT_KEY_SEARCH;

    if (!take(&walk, 1))
        return cut_short("its first word", err);
    size_t length = SNAPSHOT_META_NAME_LENGTH(words[0]), rules = SNAPSHOT_META_RULES(words[0]);
    if (!take(&walk, words_of(length)))
        return cut_short("its name", err);
    if (rules > SNAPSHOT_RULES_MAX)
        return error_set(err, ERROR_INVALID, "has %zu rules; %d at most", rules,
                         SNAPSHOT_RULES_MAX);
    int r = 0;
    if (rules == 0 && length == strlen(search) && memcmp(words + 1, search, length) == 0)
        r = check_search(&walk, err);
    for (size_t i = 0; r == 0 && i < rules; i++) {
        size_t start = walk.at;
        if (!take(&walk, 1))
            r = cut_short("a rule", err);
        else
            r = check_rule(&walk, words[start], start, err);
    }
    return r < 0 ? r : (int)walk.at;
}
