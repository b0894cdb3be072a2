/* kinds.c - see kinds.h. */
#include "kinds.h"

#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#define BIG_MOST 600

/* Four labels of at most 63 bytes. */
#define N8        "nnnnnnnn"
#define N63       N8 N8 N8 N8 N8 N8 N8 "nnnnnnn"
#define LONG_NAME N63 "." N63 "." N63 "." N8

_Static_assert(sizeof(LONG_NAME) - 1 == KINDS_LONG, "as kinds.h says");

const char *const kinds_names[KINDS_NAMES] = {
    "rules", "stick",  "alias", "web", "a.b", "x.pass.example",
    "127",   "denied", "gone",  "six", "big", LONG_NAME};

static void put(struct snapshot_writer *writer, const void *key, size_t length,
                const struct fixture_rule *rules, size_t count)
{
    static uint64_t words[FIXTURE_WORDS];
    struct error err = {0};

    size_t size = fixture_record(key, length, rules, count, words);
    if (snapshot_writer_put(writer, words, size, &err) < 0)
        abort();
}

void kinds_put(struct snapshot_writer *writer, size_t big)
{
    static struct fixture_destination d[BIG_MOST];
    static const char *const domains[] = {"corp.example", "pass.example", "mesh"};
    static uint64_t words[FIXTURE_WORDS];
    struct fixture_rule rules[] = {
        {.verb = SNAPSHOT_DENY, .apps = {"nginx", "php*", "x"}, .uids = {33}, .uid_count = 1},
        {.verb = SNAPSHOT_DRAW, .flags = SNAPSHOT_RULE_SHIM_ONLY, .destinations = d, .count = 5},
        {.verb = SNAPSHOT_STICK_UID, .answers = 3, .destinations = d, .count = 7},
        {.verb = SNAPSHOT_LIST,
         .answers = 16,
         .flags = SNAPSHOT_RULE_LISTED,
         .destinations = d,
         .count = 20},
    };
    struct fixture_rule reverse = {.verb = SNAPSHOT_NAME, .canonical = "host.mesh"};
    struct fixture_rule alias = {
        .verb = SNAPSHOT_DRAW, .canonical = "target.mesh", .destinations = d, .count = 3};
    struct fixture_rule large = {
        .verb = SNAPSHOT_DRAW, .answers = 16, .destinations = d, .count = big};

    for (size_t i = 0; i < BIG_MOST; i++)
        d[i] = (struct fixture_destination){.v4 = i % 3 ? (uint32_t)i + 1 : 0,
                                            .v6 = i % 3 != 1 ? i + 1 : 0,
                                            .weight = (uint16_t)(i + 1)};
    put(writer, "rules", 5, rules, 4);
    put(writer, "stick", 5, rules + 2, 1);
    put(writer, "alias", 5, &alias, 1);
    put(writer, "big", 3, &large, 1);
    put(writer, "denied", 6, rules, 1);
    put(writer, "gone", 4, &(struct fixture_rule){.verb = SNAPSHOT_DENY}, 1);
    put(writer, "six", 3,
        &(struct fixture_rule){.verb = SNAPSHOT_DRAW, .destinations = d, .count = 1}, 1);
    put(writer, ".pass.example", 13, &(struct fixture_rule){.verb = SNAPSHOT_PASS}, 1);
    put(writer, "web.corp.example", 16, &alias, 1);
    put(writer, LONG_NAME, KINDS_LONG, &alias, 1);
    put(writer, "@" KINDS_ADDRESS, 5, &reverse, 1);
    if (snapshot_writer_put(writer, words, fixture_search(2, domains, 3, words), NULL) < 0)
        abort();
}

bool kinds_is_well_formed(const struct resolve_answer *answer, bool has_destinations)
{
    if (answer->canonical[answer->canonical_length] != '\0')
        return false;
    for (size_t i = 0; has_destinations && i < answer->count; i++)
        if (!answer->destinations[i].has_v4 && !answer->destinations[i].has_v6)
            return false;
    return !has_destinations || (answer->count >= 1 && answer->count <= SNAPSHOT_ANSWERS_MAX);
}
