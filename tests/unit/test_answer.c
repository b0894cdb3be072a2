/* test_answer.c - draws, lists and keys that stick, through whole look-ups. */
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "fixture.h"
#include "resolve.h"
#include "snapshot_writer.h"
#include "trial.h"

TestSuite(answer, .init = trial_begin, .fini = trial_end);

static unsigned families_seen(const char *name, int family)
{
    unsigned seen = 0;
    struct resolve_answer answer;

    for (int i = 0; i < 200; i++) {
        if (trial_ask(name, family, RESOLVE_SHIM, 1, &answer) != RESOLVE_FOUND)
            return 0;
        const struct resolve_destination *d = &answer.destinations[0];
        cr_assert(d->has_v4 || d->has_v6);
        if (d->has_v4)
            seen |= 1u << (ntohl(d->v4) & 15);
        if (d->has_v6) {
            cr_assert_eq(d->v6[0], 0xfd);
            seen |= 1u << (16 + (d->v6[15] & 15));
        }
    }
    return seen;
}

/* Bit n: the IPv4 address n was seen; bit 16 + n: the IPv6 address n. */
static const struct {
    struct fixture_destination d[4];
    size_t count;
    unsigned any, v4, v6;
} families[] = {
    {{{.v4 = 1}}, 1, 1 << 1, 1 << 1, 0},
    {{{.v6 = 1}}, 1, 1 << 17, 0, 1 << 17},
    {{{.v4 = 1}, {.v4 = 2}}, 2, 3 << 1, 3 << 1, 0},
    {{{.v4 = 1, .v6 = 1}, {.v4 = 2, .v6 = 2}}, 2, 3 << 1 | 3 << 17, 3 << 1, 3 << 17},
    {{{.v6 = 1}, {.v4 = 1}}, 2, 1 << 1 | 1 << 17, 1 << 1, 1 << 17},
    {{{.v6 = 1}, {.v4 = 1}, {.v4 = 2, .v6 = 2}}, 3, 3 << 1 | 3 << 17, 3 << 1, 3 << 17},
    {{{.v6 = 1}, {.v6 = 2}, {.v4 = 3, .v6 = 3}, {.v4 = 4}}, 4, 3 << 3 | 7 << 17, 3 << 3, 7 << 17},
};

Test(answer, a_call_for_one_family_draws_among_the_destinations_that_have_it)
{
    static const enum snapshot_verb verbs[] = {SNAPSHOT_DRAW, SNAPSHOT_STICK_HOST, SNAPSHOT_LIST};

    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        struct fixture_destination d[4];
        memcpy(d, families[i].d, sizeof(d));
        for (size_t j = 0; j < families[i].count; j++)
            d[j].weight = 1;
        struct fixture_rule rule = {
            .verb = SNAPSHOT_DRAW, .destinations = d, .count = families[i].count};
        trial_put("x", &rule, 1);
        cr_expect_eq(families_seen("x", AF_UNSPEC), families[i].any, "row %zu", i);
        cr_expect_eq(families_seen("x", AF_INET), families[i].v4, "row %zu", i);
        cr_expect_eq(families_seen("x", AF_INET6), families[i].v6, "row %zu", i);
        for (size_t v = 1; v < ARRAY_SIZE(verbs); v++) {
            rule.verb = verbs[v];
            rule.flags = verbs[v] == SNAPSHOT_LIST ? SNAPSHOT_RULE_LISTED : 0;
            trial_put("x", &rule, 1);
            cr_expect_eq(families_seen("x", AF_INET) & ~families[i].v4, 0, "row %zu", i);
            cr_expect_eq(families_seen("x", AF_INET6) & ~families[i].v6, 0, "row %zu", i);
            cr_expect_eq(!families_seen("x", AF_INET), !families[i].v4, "row %zu", i);
            cr_expect_eq(!families_seen("x", AF_INET6), !families[i].v6, "row %zu", i);
        }
        (void)snapshot_writer_delete(writer, "x", 1);
    }
}

Test(answer, a_family_that_no_interface_has_is_left_out_where_there_is_a_choice)
{
    struct fixture_destination both = {.v4 = 1, .v6 = 1, .weight = 1}, v6 = {.v6 = 1, .weight = 1};
    struct fixture_rule rules[] = {
        {.verb = SNAPSHOT_DRAW, .destinations = &both, .count = 1},
        {.verb = SNAPSHOT_DRAW, .destinations = &v6, .count = 1},
    };
    struct resolve_answer answer;
    struct resolve_request request = {
        .name = "both", .family = AF_UNSPEC, .most = 1, .is_configured_only = true};

    if (geteuid() != 0)
        cr_skip("needs a network namespace");
    cr_assert_eq(unshare(CLONE_NEWNET), 0);
    cr_assert_eq(system("ip link set lo up; ip addr add 10.1.0.1/24 dev lo"), 0);
    trial_put("both", rules, 1);
    trial_put("v6", rules + 1, 1);
    cr_expect_eq(resolve_name(&reader, &request, &answer), RESOLVE_FOUND);
    cr_expect(answer.destinations[0].has_v4 && !answer.destinations[0].has_v6);
    request.family = AF_INET6;
    cr_expect_eq(resolve_name(&reader, &request, &answer), RESOLVE_NO_DATA);
    request.name = "v6"; /* there is nothing to choose */
    cr_expect_eq(resolve_name(&reader, &request, &answer), RESOLVE_FOUND);
}

/* Each family has a table of its own when not all destinations have both. */
Test(answer, each_family_has_the_shares_of_its_own_destinations)
{
    static const int families_asked[] = {AF_UNSPEC, AF_INET, AF_INET6};
    static const double shares[][6] = {{1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 0, 0}, {0, 0, 3, 4, 5, 6}};
    struct fixture_destination d[6];
    struct fixture_rule rule = {.verb = SNAPSHOT_DRAW, .destinations = d, .count = 6};

    for (size_t i = 0; i < 6; i++)
        d[i] = (struct fixture_destination){.v4 = i < 4 ? (uint32_t)i + 1 : 0,
                                            .v6 = i > 1 ? i + 1 : 0,
                                            .weight = (uint16_t)(i + 1)};
    trial_put("mixed", &rule, 1);
    for (size_t row = 0; row < 3; row++) {
        size_t seen[6] = {0}, draws = 20000;
        double expected[6], total = 0;
        for (size_t i = 0; i < draws; i++) {
            struct resolve_answer answer;
            cr_assert_eq(trial_ask("mixed", families_asked[row], RESOLVE_SHIM, 1, &answer),
                         RESOLVE_FOUND);
            const struct resolve_destination *one = &answer.destinations[0];
            seen[(one->has_v4 ? ntohl(one->v4) : one->v6[15]) - 1]++;
        }
        for (size_t i = 0; i < 6; i++)
            total += shares[row][i];
        for (size_t i = 0; i < 6; i++)
            expected[i] = shares[row][i] / total * (double)draws;
        cr_expect_lt(fixture_deviation(seen, expected, 6), 4.75, "row %zu", row);
    }
}

Test(answer, lists_keep_their_order_and_draws_of_several_are_all_different)
{
    struct fixture_destination d[20];
    struct resolve_answer answer;
    struct fixture_rule rule = {.verb = SNAPSHOT_LIST,
                                .answers = 16,
                                .flags = SNAPSHOT_RULE_LISTED,
                                .destinations = d,
                                .count = ARRAY_SIZE(d)};

    for (size_t i = 0; i < ARRAY_SIZE(d); i++)
        d[i] = (struct fixture_destination){
            .v4 = (uint32_t)i + 1, .v6 = i % 3 ? 0 : i + 1, .port = 80, .weight = 5};
    trial_put("list", &rule, 1);
    cr_assert_eq(trial_ask("list", AF_INET, RESOLVE_SHIM, 16, &answer), RESOLVE_FOUND);
    cr_expect_eq(answer.count, 16);
    for (size_t i = 0; i < answer.count; i++) {
        cr_expect_eq(ntohl(answer.destinations[i].v4), i + 1);
        cr_expect_eq(answer.destinations[i].port, 80);
    }
    cr_assert_eq(trial_ask("list", AF_INET6, RESOLVE_SHIM, 16, &answer), RESOLVE_FOUND);
    cr_expect_eq(answer.count, 7);
    for (size_t i = 0; i < answer.count; i++)
        cr_expect_eq(answer.destinations[i].v6[15], i * 3 + 1);
    cr_assert_eq(trial_ask("list", AF_INET, RESOLVE_SHIM, 3, &answer), RESOLVE_FOUND);
    cr_expect_eq(answer.count, 3);

    rule.verb = SNAPSHOT_DRAW;
    rule.flags = 0;
    rule.answers = 5;
    trial_put("draw", &rule, 1);
    for (int round = 0; round < 100; round++) {
        unsigned seen = 0;
        cr_assert_eq(trial_ask("draw", AF_INET, RESOLVE_SHIM, 16, &answer), RESOLVE_FOUND);
        cr_assert_eq(answer.count, 5);
        for (size_t i = 0; i < 5; i++)
            seen |= 1u << ntohl(answer.destinations[i].v4);
        cr_expect_eq(__builtin_popcount(seen), 5);
    }
}

static uint64_t stuck_to(const char *name)
{
    struct resolve_answer answer;

    cr_assert_eq(trial_ask(name, AF_INET, RESOLVE_SHIM, 1, &answer), RESOLVE_FOUND);
    return ntohl(answer.destinations[0].v4);
}

/* 2,000 names stand for 2,000 keys: only the destinations matter, and those differ by name. */
Test(answer, a_key_sticks_and_only_a_leaving_destinations_keys_move)
{
    static const enum snapshot_verb verbs[] = {SNAPSHOT_STICK_HOST, SNAPSHOT_STICK_UID,
                                               SNAPSHOT_STICK_APP, SNAPSHOT_STICK_PROCESS};
    struct fixture_destination d[10];
    size_t heavy = 0;

    for (size_t i = 0; i < 2000; i++) {
        struct fixture_rule rule = {
            .verb = verbs[i % 4], .destinations = d, .count = ARRAY_SIZE(d)};
        for (size_t j = 0; j < ARRAY_SIZE(d); j++)
            d[j] = (struct fixture_destination){.v4 = (uint32_t)(i * 16 + j + 1),
                                                .weight = j == 0 ? 9 : 1};
        trial_put("s", &rule, 1);
        uint64_t before = stuck_to("s");
        cr_assert_eq(before, stuck_to("s"));
        heavy += before == i * 16 + 1;

        size_t gone = i % 10; /* the last destination takes the place of one that leaves */
        uint64_t gone_v4 = d[gone].v4;
        d[gone] = d[9];
        rule.count = 9;
        trial_put("s", &rule, 1);
        if (before == gone_v4)
            cr_assert_neq(stuck_to("s"), gone_v4);
        else
            cr_assert_eq(stuck_to("s"), before, "another destination's key moved");
        (void)snapshot_writer_delete(writer, "s", 1);
    }
    /* Weight 9 of 18: half, give or take 5 standard deviations of 22. */
    cr_expect(heavy > 890 && heavy < 1110, "%zu of 2000", heavy);
}

#define KINDS    4
#define SEQUENCE 64 /* first draws of each worker */

struct worker {
    size_t draws, seen[KINDS];
    uint8_t first[SEQUENCE];
};

static void *draw_shares(void *context)
{
    struct worker *worker = context;
    struct rng rng = {0};
    struct resolve_answer answer;

    for (size_t i = 0; i < worker->draws; i++) {
        struct resolve_request request = {
            .name = "shares", .family = AF_INET, .most = 1, .rng = i % 2 ? &rng : NULL};
        if (resolve_name(&reader, &request, &answer) != RESOLVE_FOUND)
            return NULL;
        uint32_t drawn = ntohl(answer.destinations[0].v4) - 1;
        worker->seen[drawn % KINDS]++;
        if (i < SEQUENCE)
            worker->first[i] = (uint8_t)drawn;
    }
    return context;
}

/* The shares of all, p >= 10^-6 since these draws cannot be seeded; and no sequence comes twice. */
static void expect_shares(const struct worker *workers, size_t count)
{
    size_t seen[KINDS] = {0}, total = 0;
    double expected[KINDS];

    for (size_t i = 0; i < count; i++) {
        for (size_t kind = 0; kind < KINDS; kind++)
            seen[kind] += workers[i].seen[kind];
        for (size_t j = 0; j < i; j++)
            cr_expect_neq(memcmp(workers[i].first, workers[j].first, SEQUENCE), 0,
                          "%zu and %zu drew the same", i, j);
    }
    for (size_t kind = 0; kind < KINDS; kind++)
        total += seen[kind];
    for (size_t kind = 0; kind < KINDS; kind++)
        expected[kind] = (double)(total * (kind + 1)) / 10;
    cr_expect_eq(total, count * workers[0].draws);
    cr_expect_lt(fixture_deviation(seen, expected, KINDS), 4.75, "%zu %zu %zu %zu of %zu", seen[0],
                 seen[1], seen[2], seen[3], total);
}

Test(answer, weights_1_2_3_4_come_out_of_forked_workers_and_of_threads)
{
    struct fixture_destination d[KINDS];
    struct fixture_rule rule = {.verb = SNAPSHOT_DRAW, .destinations = d, .count = KINDS};
    size_t all = getenv("MESHDNS_LONG") ? 1000000 : 100000;
    struct worker *workers = mmap(NULL, 32 * sizeof(*workers), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_t threads[32];

    for (size_t i = 0; i < KINDS; i++)
        d[i] = (struct fixture_destination){.v4 = (uint32_t)i + 1, .weight = (uint16_t)(i + 1)};
    trial_put("shares", &rule, 1);
    cr_assert_neq(workers, MAP_FAILED);
    (void)trial_v4_of("shares"); /* the parent drew before it forked */
    for (size_t i = 0; i < 8; i++) {
        workers[i].draws = all / 8;
        pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0)
            _exit(draw_shares(&workers[i]) ? 0 : 1);
    }
    for (size_t i = 0; i < 8; i++)
        cr_assert_gt(wait(NULL), 0);
    expect_shares(workers, 8);

    memset(workers, 0, 32 * sizeof(*workers));
    for (size_t i = 0; i < 32; i++) {
        workers[i].draws = all / 32;
        cr_assert_eq(pthread_create(&threads[i], NULL, draw_shares, &workers[i]), 0);
    }
    for (size_t i = 0; i < 32; i++)
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    expect_shares(workers, 32);
}
