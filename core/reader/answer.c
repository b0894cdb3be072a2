/* answer.c - chooses destinations.
 *
 * One destination by weight comes from the alias table, several from a race (pick.h). `stick` is
 * the same race with a hash of the key and the destination in place of the random number; a
 * destination is known by its addresses and port only, so an order or a weight that changes moves
 * no more keys than it must, and all machines agree.
 */
#include "answer.h"

#include <unistd.h>

#include "hash.h"
#include "identity.h"

static void add(struct answer_choice choice, size_t index, struct resolve_answer *answer)
{
    answer->count += answer_read(choice, index, &answer->destinations[answer->count]);
}

static void add_winners(struct answer_choice choice, const struct pick_race *race, size_t first,
                        struct resolve_answer *answer)
{
    for (size_t i = 0; i < race->count; i++)
        add(choice, first + race->runners[i].index, answer);
}

void answer_draw_many(struct answer_choice choice, size_t most, struct rng *rng,
                      struct resolve_answer *answer)
{
    struct pick_race race = {.most = most};
    uint64_t random = rng_next(rng); /* one number for all, so that a draw can be made again */

    for (size_t i = 0; i < choice.run.count; i++) {
        uint64_t column = snapshot_map_word(choice.map, choice.run.columns_at + i);
        random += RNG_WEYL;
        pick_enter(&race, i, SNAPSHOT_COLUMN_WEIGHT(column), rng_mix(random));
    }
    add_winners(choice, &race, choice.run.first, answer);
}

void answer_list(struct answer_choice choice, size_t most, struct resolve_answer *answer)
{
    size_t count = snapshot_rule_count(choice.rule);

    for (size_t i = 0; i < count && answer->count < most; i++)
        add(choice, i, answer);
}

static uint64_t stick_key(struct answer_choice choice)
{
    struct identity_app spare;

    switch (snapshot_rule_verb(choice.rule)) {
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
        return choice.map->host_key;
    }
}

/* A number for a destination that depends on its addresses and port alone. */
static uint64_t destination_key(struct answer_choice choice, size_t index, uint64_t word)
{
    uint64_t key = rng_mix(word & UINT64_C(0xffffffffffff)); /* without the flags */

    if (SNAPSHOT_ADDRESS_FLAGS(word) & SNAPSHOT_HAS_V6) {
        size_t at = snapshot_rule_v6_at(choice.rule, index);
        key = rng_mix(key ^ snapshot_map_word(choice.map, at));
        key = rng_mix(key + snapshot_map_word(choice.map, at + 1));
    }
    return key;
}

void answer_stick(struct answer_choice choice, size_t most, struct resolve_answer *answer)
{
    struct pick_race race = {.most = most};
    uint64_t key = rng_mix(stick_key(choice) + UINT64_C(0x9e3779b97f4a7c15));
    size_t count = snapshot_rule_count(choice.rule);
    size_t addresses_at = snapshot_rule_addresses_at(choice.rule);

    for (size_t i = 0; i < count; i++) {
        uint64_t word = snapshot_map_word(choice.map, addresses_at + i);
        if (!(SNAPSHOT_ADDRESS_FLAGS(word) & choice.families))
            continue;
        /* A rule of one destination has no columns. */
        uint64_t column = snapshot_map_word(choice.map, choice.rule.columns_at + i);
        uint16_t weight = count == 1 ? 1 : SNAPSHOT_COLUMN_WEIGHT(column);
        pick_enter(&race, i, weight, rng_mix(key ^ destination_key(choice, i, word)));
    }
    add_winners(choice, &race, 0, answer);
}
