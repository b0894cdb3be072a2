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

/* What an answer is made from. */
struct choice {
    const struct snapshot_map *map;
    const struct snapshot_rule *rule;
    unsigned families;
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
static inline void add(const struct choice *choice, size_t index, struct resolve_answer *answer)
{
    uint64_t word = snapshot_map_word(choice->map, choice->rule->addresses_at + index);
    unsigned has = SNAPSHOT_ADDRESS_FLAGS(word) & choice->families;
    struct resolve_destination *to = &answer->destinations[answer->count];

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
    answer->count++;
}

static void add_winners(const struct choice *choice, const struct pick_race *race, size_t first,
                        struct resolve_answer *answer)
{
    for (size_t i = 0; i < race->count; i++)
        add(choice, first + race->runners[i].index, answer);
}

/* One by the alias table; a run of one needs neither table nor random number. */
static inline void draw_one(const struct choice *choice, const struct snapshot_run *run,
                            struct rng *rng, struct resolve_answer *answer)
{
    size_t index = 0;

    if (run->count > 1) {
        uint64_t random = rng_next(rng);
        size_t column = pick_column(run->count, random);
        index =
            pick_draw(snapshot_map_word(choice->map, run->columns_at + column), run->count, random);
    }
    add(choice, run->first + index, answer);
}

static void draw_many(const struct choice *choice, const struct snapshot_run *run, size_t most,
                      struct rng *rng, struct resolve_answer *answer)
{
    struct pick_race race = {.most = most};

    for (size_t i = 0; i < run->count; i++) {
        uint64_t column = snapshot_map_word(choice->map, run->columns_at + i);
        pick_enter(&race, i, SNAPSHOT_COLUMN_WEIGHT(column), rng_next(rng));
    }
    add_winners(choice, &race, run->first, answer);
}

static void list(const struct choice *choice, size_t most, struct resolve_answer *answer)
{
    for (size_t i = 0; i < choice->rule->count && answer->count < most; i++)
        add(choice, i, answer);
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

static void stick(const struct choice *choice, size_t most, struct resolve_answer *answer)
{
    const struct snapshot_rule *rule = choice->rule;
    struct pick_race race = {.most = most};
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
    add_winners(choice, &race, 0, answer);
}

enum resolve_result answer_fill(const struct snapshot_map *map, const struct snapshot_rule *rule,
                                const struct resolve_request *request,
                                struct resolve_answer *ret_answer)
{
    unsigned has = (rule->v4 ? SNAPSHOT_HAS_V4 : 0) | (rule->v6 ? SNAPSHOT_HAS_V6 : 0);
    struct choice choice = {map, rule, has & families_wanted(rule, request)};
    size_t most = request->most < rule->answers ? request->most : rule->answers;

    if (!choice.families)
        return RESOLVE_NO_DATA;
    if (most > SNAPSHOT_ANSWERS_MAX)
        most = SNAPSHOT_ANSWERS_MAX;
    ret_answer->count = 0;
    if (rule->verb == SNAPSHOT_DRAW) {
        struct snapshot_run run = {0, rule->count, rule->columns_at};
        if (choice.families != has)
            run = snapshot_rule_run(rule, choice.families);
        if (most <= 1 || run.count == 1)
            draw_one(&choice, &run, request->rng, ret_answer);
        else
            draw_many(&choice, &run, most, request->rng, ret_answer);
    } else if (rule->verb == SNAPSHOT_LIST) {
        list(&choice, most, ret_answer);
    } else {
        stick(&choice, most ? most : 1, ret_answer);
    }
    return ret_answer->count > 0 ? RESOLVE_FOUND : RESOLVE_MISS;
}
