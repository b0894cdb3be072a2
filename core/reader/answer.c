/* answer.c - chooses destinations.
 *
 * One destination by weight comes from the alias table, several from a race (pick.h). `stick` is
 * the same race with a hash of the key and the destination in place of the random number; a
 * destination is known by its addresses and port only, so an order or a weight that changes moves
 * no more keys than it must, and all machines agree.
 */
#include "answer.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "families.h"
#include "hash.h"
#include "identity.h"
#include "pick.h"

_Static_assert((int)FAMILIES_V4 == (int)SNAPSHOT_HAS_V4, "one set of bits");
_Static_assert((int)FAMILIES_V6 == (int)SNAPSHOT_HAS_V6, "one set of bits");

#define BOTH (SNAPSHOT_HAS_V4 | SNAPSHOT_HAS_V6)

struct choice {
    const struct snapshot_map *map;
    const struct snapshot_rule *rule;
    const struct resolve_request *request;
    unsigned families;
    size_t most;
    struct resolve_answer *answer;
};

/* The families that the answer may have. AI_ADDRCONFIG matters only where there is a choice. As in
 * glibc a machine without any address but loopback's is no reason to leave one out. */
static unsigned families_wanted(const struct snapshot_rule *rule,
                                const struct resolve_request *request)
{
    unsigned wanted = request->family == AF_INET    ? SNAPSHOT_HAS_V4
                      : request->family == AF_INET6 ? SNAPSHOT_HAS_V6
                                                    : BOTH;

    if (request->is_configured_only && rule->v4 > 0 && rule->v6 > 0) {
        unsigned configured = families_configured();
        if (wanted != BOTH || configured != 0)
            wanted &= configured;
    }
    return wanted;
}

static size_t v6_word(const struct snapshot_rule *rule, size_t index)
{
    size_t start = rule->flags & SNAPSHOT_RULE_LISTED ? 0 : rule->count - rule->v6;

    return rule->v6_at + 2 * (index - start); /* a false index is caught by snapshot_map_word */
}

/* Adds a destination, unless it has none of the families asked for. */
static void add(const struct choice *choice, size_t index)
{
    uint64_t word = snapshot_map_word(choice->map, choice->rule->addresses_at + index);
    unsigned has = SNAPSHOT_ADDRESS_FLAGS(word) & choice->families;
    struct resolve_destination *to = &choice->answer->destinations[choice->answer->count];

    if (!has)
        return;
    to->v4 = SNAPSHOT_ADDRESS_V4(word);
    to->port = SNAPSHOT_ADDRESS_PORT(word);
    to->has_v4 = has & SNAPSHOT_HAS_V4;
    to->has_v6 = has & SNAPSHOT_HAS_V6;
    if (to->has_v6) {
        size_t at = v6_word(choice->rule, index);
        uint64_t halves[2] = {snapshot_map_word(choice->map, at),
                              snapshot_map_word(choice->map, at + 1)};
        memcpy(to->v6, halves, sizeof(to->v6));
    }
    choice->answer->count++;
}

static void draw(const struct choice *choice)
{
    struct snapshot_run run = snapshot_rule_run(choice->rule, choice->families);
    struct pick_race race = {.most = choice->most};

    if (run.count == 1) {
        add(choice, run.first);
    } else if (choice->most == 1) {
        uint64_t random = rng_next(choice->request->rng);
        size_t at = run.columns_at + pick_column(run.count, random);
        add(choice, run.first + pick_draw(snapshot_map_word(choice->map, at), run.count, random));
    } else {
        for (size_t i = 0; i < run.count; i++) {
            uint64_t column = snapshot_map_word(choice->map, run.columns_at + i);
            pick_enter(&race, i, SNAPSHOT_COLUMN_WEIGHT(column), rng_next(choice->request->rng));
        }
        for (size_t i = 0; i < race.count; i++)
            add(choice, run.first + race.runners[i].index);
    }
}

static void list(const struct choice *choice)
{
    for (size_t i = 0; i < choice->rule->count && choice->answer->count < choice->most; i++)
        add(choice, i);
}

static uint64_t stick_key(const struct choice *choice)
{
    struct identity_app spare;

    switch (choice->rule->verb) {
    case SNAPSHOT_STICK_UID:
        return geteuid();
    case SNAPSHOT_STICK_PROCESS:
        return rng_process_key();
    case SNAPSHOT_STICK_APP: {
        const struct identity_app *app = identity_app(&spare);
        return hash_text(app->name, app->length);
    }
    case SNAPSHOT_STICK_HOST:
    case SNAPSHOT_DRAW:
    case SNAPSHOT_LIST:
    case SNAPSHOT_DENY:
    case SNAPSHOT_PASS:
    case SNAPSHOT_NAME:
    default:
        return choice->map->host_key;
    }
}

/* A number for a destination that depends on its addresses and port alone. */
static uint64_t destination_key(const struct choice *choice, size_t index, uint64_t word)
{
    uint64_t key = rng_mix(word & UINT64_C(0xffffffffffff)); /* without the flags */

    if (SNAPSHOT_ADDRESS_FLAGS(word) & SNAPSHOT_HAS_V6) {
        size_t at = v6_word(choice->rule, index);
        key = rng_mix(key ^ snapshot_map_word(choice->map, at));
        key = rng_mix(key + snapshot_map_word(choice->map, at + 1));
    }
    return key;
}

static void stick(const struct choice *choice)
{
    const struct snapshot_rule *rule = choice->rule;
    struct pick_race race = {.most = choice->most};
    uint64_t key = rng_mix(stick_key(choice) + UINT64_C(0x9e3779b97f4a7c15));

    for (size_t i = 0; i < rule->count; i++) {
        uint64_t word = snapshot_map_word(choice->map, rule->addresses_at + i);
        if (!(SNAPSHOT_ADDRESS_FLAGS(word) & choice->families))
            continue;
        /* A rule of one destination has no columns. */
        uint64_t column = snapshot_map_word(choice->map, rule->columns_at + i);
        uint16_t weight = rule->count == 1 ? 1 : SNAPSHOT_COLUMN_WEIGHT(column);
        pick_enter(&race, i, weight, rng_mix(key ^ destination_key(choice, i, word)));
    }
    for (size_t i = 0; i < race.count; i++)
        add(choice, race.runners[i].index);
}

enum resolve_result answer_fill(const struct snapshot_map *map, const struct snapshot_rule *rule,
                                const struct resolve_request *request,
                                struct resolve_answer *ret_answer)
{
    struct choice choice = {map, rule, request, families_wanted(rule, request), 1, ret_answer};
    size_t most = request->most < rule->answers ? request->most : rule->answers;
    bool has_any = (choice.families & SNAPSHOT_HAS_V4 && rule->v4 > 0) ||
                   (choice.families & SNAPSHOT_HAS_V6 && rule->v6 > 0);

    if (!has_any)
        return RESOLVE_NO_DATA;
    choice.most = most > SNAPSHOT_ANSWERS_MAX ? SNAPSHOT_ANSWERS_MAX : most < 1 ? 1 : most;
    ret_answer->count = 0;
    if (rule->verb == SNAPSHOT_LIST)
        list(&choice);
    else if (rule->verb == SNAPSHOT_DRAW)
        draw(&choice);
    else
        stick(&choice);
    return ret_answer->count > 0 ? RESOLVE_FOUND : RESOLVE_MISS;
}
