/* test_pick.c - the logarithm, the alias draw, the race. Seeded: the same numbers at each run. */
#include <math.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "fixture.h"
#include "pick.h"
#include "rng.h"

/* MESHDNS_LONG=1: the numbers that the acceptance asks for. */
static size_t draws(void)
{
#ifdef CRITERION_EMULATED
    return 20000;
#else
    return getenv("MESHDNS_LONG") ? 1000000 : 100000;
#endif
}

static uint64_t seeded(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return rng_mix(*state);
}

static double draw_many(const uint16_t *weights, size_t count, double skew)
{
    uint64_t columns[SNAPSHOT_DESTINATIONS], state = count * 77 + weights[0];
    size_t seen[SNAPSHOT_DESTINATIONS] = {0};
    double expected[SNAPSHOT_DESTINATIONS] = {0}, total = 0;

    fixture_columns(weights, count, columns);
    for (size_t i = 0; i < draws(); i++) {
        uint64_t random = seeded(&state);
        size_t column = pick_column(count, random);
        cr_assert_lt(column, count);
        size_t drawn = pick_draw(columns[column], count, random);
        cr_assert_lt(drawn, count);
        seen[drawn]++;
    }
    for (size_t i = 0; i < count; i++)
        total += weights[i];
    for (size_t i = 0; i < count; i++)
        expected[i] = weights[i] / total * (double)draws();
    expected[0] *= 1 + skew;
    if (count > 1)
        expected[1] -= skew * weights[0] / total * (double)draws();
    return fixture_deviation(seen, expected, count);
}

static const struct {
    uint16_t weights[4];
    size_t count;
} shares[] = {
    {{90, 10}, 2}, {{1, 2, 3, 4}, 4}, {{65535, 1}, 2}, {{5, 0}, 2}, {{0, 5}, 2}, {{7}, 1},
};

Test(pick, draws_have_the_shares_of_their_weights)
{
    for (size_t i = 0; i < ARRAY_SIZE(shares); i++)
        cr_expect_lt(draw_many(shares[i].weights, shares[i].count, 0), 3.09, "row %zu", i);

    uint16_t equal[200];
    for (size_t count = 1; count <= 200; count++) {
        for (size_t i = 0; i < count; i++)
            equal[i] = 3;
        cr_expect_lt(draw_many(equal, count, 0), 3.09, "%zu equal destinations", count);
    }
}

Test(pick, the_test_itself_refuses_shares_that_are_3_percent_off)
{
    cr_expect_gt(draw_many((const uint16_t[]){90, 10}, 2, 0.03), 3.09);
    cr_expect_gt(draw_many((const uint16_t[]){90, 10}, 2, -0.03), 3.09);
}

Test(pick, any_column_gives_an_index_below_the_count)
{
    uint64_t state = 5;

    for (size_t i = 0; i < 1000000; i++) {
        uint64_t random = seeded(&state);
        size_t count = 1 + seeded(&state) % PICK_MAX;
        cr_assert_lt(pick_draw(seeded(&state), count, random), count);
    }
}

Test(pick, the_logarithm_agrees_with_libm)
{
    uint64_t state = 9;

    for (size_t i = 0; i < 2000000; i++) {
        /* All magnitudes, and many next to 1, where the winners are. */
        uint64_t random = seeded(&state) >> (i % 64);
        random = i % 3 == 0 ? ~random : random;
        double exact = (double)-log2l((long double)(random | 2) / 18446744073709551616.0L);
        double ours = (double)pick_log(random) / 4398046511104.0;
        cr_assert_lt(fabs(ours - exact), exact * 1e-6 + 1e-12, "%zx: %.17g, exact %.17g",
                     (size_t)random, ours, exact);
    }
    cr_expect_lt(pick_log(0), UINT64_C(64) << 42);
    cr_expect_leq(pick_log(UINT64_MAX), 2);
}

#define RUNNERS 5

typedef void (*draw_two)(const uint16_t weights[static RUNNERS], uint64_t *state,
                         size_t ret_drawn[static 2]);

static void race(const uint16_t weights[static RUNNERS], uint64_t *state,
                 size_t ret_drawn[static 2])
{
    struct pick_race race;

    pick_start(&race, 2);
    for (size_t i = 0; i < RUNNERS; i++)
        pick_enter(&race, i, weights[i], seeded(state));
    cr_assert_eq(race.count, 2);
    for (size_t i = 0; i < 2; i++)
        ret_drawn[i] = race.runners[i].index;
}

static void take(const uint16_t weights[static RUNNERS], uint64_t *state,
                 size_t ret_drawn[static 2])
{
    struct pick_urn urn;

    pick_fill(&urn, RUNNERS);
    for (size_t i = 0; i < RUNNERS; i++)
        pick_put(&urn, i, weights[i]);
    for (size_t i = 0; i < 2; i++)
        ret_drawn[i] = pick_take(&urn, (uint32_t)seeded(state));
}

static double draw_twice(draw_two draw, const uint16_t weights[static RUNNERS], double *ret_pairs)
{
    size_t first[RUNNERS] = {0}, pairs[RUNNERS * RUNNERS] = {0};
    double expected[RUNNERS], expected_pairs[RUNNERS * RUNNERS] = {0}, total = 0;
    uint64_t state = weights[0];

    for (size_t i = 0; i < RUNNERS; i++)
        total += weights[i];
    for (size_t i = 0; i < draws(); i++) {
        size_t drawn[2];
        draw(weights, &state, drawn);
        cr_assert_neq(drawn[0], drawn[1]);
        first[drawn[0]]++;
        pairs[drawn[0] * RUNNERS + drawn[1]]++;
    }
    for (size_t i = 0; i < RUNNERS; i++) {
        expected[i] = weights[i] / total * (double)draws();
        for (size_t j = 0; j < RUNNERS; j++)
            if (i != j)
                expected_pairs[i * RUNNERS + j] = expected[i] * weights[j] / (total - weights[i]);
    }
    *ret_pairs = fixture_deviation(pairs, expected_pairs, RUNNERS * RUNNERS);
    return fixture_deviation(first, expected, RUNNERS);
}

Test(pick, a_race_and_an_urn_draw_without_replacement_by_weight)
{
    static const draw_two ways[] = {race, take};
    static const uint16_t rows[][RUNNERS] = {
        {1, 2, 3, 4, 5}, {10, 10, 10, 10, 10}, {60000, 1000, 1000, 30, 1}, {9, 1, 0, 1, 1}};

    for (size_t i = 0; i < ARRAY_SIZE(rows) * 2; i++) {
        double pairs, first = draw_twice(ways[i % 2], rows[i / 2], &pairs);
        cr_expect_lt(first, 3.09, "row %zu, way %zu", i / 2, i % 2);
        cr_expect_lt(pairs, 3.09, "row %zu, way %zu", i / 2, i % 2);
    }
}

Test(pick, a_race_keeps_the_fastest_in_order_whatever_the_order_of_arrival)
{
    uint64_t state = 4;

    for (size_t n = 1; n <= 40; n++) {
        for (size_t most = 1; most <= SNAPSHOT_ANSWERS_MAX; most++) {
            struct pick_race race;
            double keys[40];

            pick_start(&race, most);
            for (size_t i = 0; i < n; i++) {
                uint64_t random = seeded(&state);
                uint16_t weight = (uint16_t)(1 + seeded(&state) % 1000);
                keys[i] = (double)pick_log(random) / weight;
                pick_enter(&race, i, weight, random);
            }
            cr_assert_eq(race.count, n < most ? n : most);
            for (size_t place = 0; place < race.count; place++) {
                size_t faster = 0;
                for (size_t i = 0; i < n; i++)
                    faster += keys[i] < keys[race.runners[place].index];
                cr_assert_eq(faster, place);
            }
        }
    }
}
