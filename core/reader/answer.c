/* answer.c - chooses destinations.
 *
 * One destination by weight comes from the alias table, several from an urn when there are few,
 * from a race when there are many (pick.h: an urn of four takes half the time of their race).
 * `stick` is the same race with a hash of the key and the destination in place of the random
 * number; a destination is known by its addresses and port only, so an order or a weight that
 * changes moves no more keys than it must, and all machines agree.
 */
#include "answer.h"

#include <unistd.h>

#include "hash.h"
#include "identity.h"

static void add(struct answer_choice choice, size_t index, struct resolve_answer *answer)
{
    answer->count += answer_read(choice, index, &answer->destinations[answer->count]);
}

static uint16_t weight_of(const struct snapshot_map *map, struct snapshot_run run, size_t index)
{
    return SNAPSHOT_COLUMN_WEIGHT(snapshot_map_word(map, run.columns_at + index));
}

static size_t draw_from_urn(const struct snapshot_map *map, struct snapshot_run run, size_t most,
                            struct rng *rng, uint16_t ret_drawn[static SNAPSHOT_ANSWERS_MAX])
{
    struct pick_urn urn;
    uint64_t stream = rng_next(rng), random = 0;
    size_t drawn = 0;

    pick_fill(&urn, run.count);
    for (size_t i = 0; i < run.count; i++)
        pick_put(&urn, i, weight_of(map, run, i));
    for (; drawn < most && urn.total > 0; drawn++, random >>= 32) {
        if (drawn % 2 == 0)
            random = rng_mix(stream += RNG_WEYL); /* enough for two */
        ret_drawn[drawn] = (uint16_t)pick_take(&urn, (uint32_t)random);
    }
    return drawn;
}

static size_t draw_by_race(const struct snapshot_map *map, struct snapshot_run run, size_t most,
                           struct rng *rng, uint16_t ret_drawn[static SNAPSHOT_ANSWERS_MAX])
{
    struct pick_race race;
    uint64_t stream = rng_next(rng);

    pick_start(&race, most);
    for (size_t i = 0; i < run.count; i++)
        pick_enter(&race, i, weight_of(map, run, i), rng_mix(stream += RNG_WEYL));
    for (size_t i = 0; i < race.count; i++)
        ret_drawn[i] = race.runners[i].index;
    return race.count;
}

/* Draws up to `most` of a run's destinations. Returns how many. One number of the thread's is the
 * beginning of all, so that a draw can be made again (choice.h). */
static size_t draw_many(const struct snapshot_map *map, struct snapshot_run run, size_t most,
                        struct rng *rng, uint16_t ret_drawn[static SNAPSHOT_ANSWERS_MAX])
{
    return run.count <= SNAPSHOT_ANSWERS_MAX ? draw_from_urn(map, run, most, rng, ret_drawn)
                                             : draw_by_race(map, run, most, rng, ret_drawn);
}

void answer_draw_many(struct answer_choice choice, size_t most, struct rng *rng,
                      struct resolve_answer *answer)
{
    uint16_t drawn[SNAPSHOT_ANSWERS_MAX];
    size_t count = draw_many(choice.map, choice.run, most, rng, drawn);

    for (size_t i = 0; i < count; i++)
        add(choice, choice.run.first + drawn[i], answer);
}

bool answer_straight_many(const struct snapshot_map *map, struct snapshot_run run, size_t most,
                          struct rng *rng, struct resolve_answer *ret_answer)
{
    uint16_t drawn[SNAPSHOT_ANSWERS_MAX];
    size_t count = draw_many(map, run, most, rng, drawn);

    for (size_t i = 0; i < count; i++) {
        uint64_t word = snapshot_map_word(map, run.columns_at + run.count + drawn[i]);
        if (!answer_straight_read(word, &ret_answer->destinations[i]))
            return false;
    }
    ret_answer->count = count;
    return count > 0;
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
    struct pick_race race;
    uint64_t key = rng_mix(stick_key(choice) + UINT64_C(0x9e3779b97f4a7c15));
    size_t count = snapshot_rule_count(choice.rule);
    size_t addresses_at = snapshot_rule_addresses_at(choice.rule);

    pick_start(&race, most);
    for (size_t i = 0; i < count; i++) {
        uint64_t word = snapshot_map_word(choice.map, addresses_at + i);
        if (!(SNAPSHOT_ADDRESS_FLAGS(word) & choice.families))
            continue;
        /* A rule of one destination has no columns. */
        uint64_t column = snapshot_map_word(choice.map, choice.rule.columns_at + i);
        uint16_t weight = count == 1 ? 1 : SNAPSHOT_COLUMN_WEIGHT(column);
        pick_enter(&race, i, weight, rng_mix(key ^ destination_key(choice, i, word)));
    }
    for (size_t i = 0; i < race.count; i++)
        add(choice, race.runners[i].index, answer);
}
