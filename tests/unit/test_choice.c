/* test_choice.c - calls that belong together come to one destination, others draw anew. */
#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "choice.h"
#include "fixture.h"
#include "trial.h"

#define MANY  64 /* destinations: a pairing by chance is rare */
#define CALLS 500

static void begin(void);

TestSuite(choice, .init = begin, .fini = trial_end);

/* The clock may be put forward. */
static long forward_ms;
int __real_clock_gettime(clockid_t clock, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    int r = __real_clock_gettime(clock, ret_time);

    ret_time->tv_sec += forward_ms / 1000;
    ret_time->tv_nsec += forward_ms % 1000 * 1000000;
    return r;
}

/* both.mesh and other.mesh: destination i has 10.0.0.i and fd00::i, from 1 on, and weight i.
 * mixed.mesh: one of four has IPv4 only, one of four IPv6 only. list.mesh answers with four. */
static void begin(void)
{
    static struct fixture_destination both[MANY], mixed[MANY];
    struct fixture_rule rule = {.verb = SNAPSHOT_DRAW, .destinations = both, .count = MANY};

    trial_begin();
    for (uint32_t i = 0; i < MANY; i++) {
        both[i] = (struct fixture_destination){
            .v4 = 0x0a000001 + i, .v6 = i + 1, .weight = (uint16_t)(i + 1)};
        mixed[i] = both[i];
        if (i % 4 == 0)
            mixed[i].v4 = 0;
        else if (i % 4 == 1)
            mixed[i].v6 = 0;
    }
    trial_put("both.mesh", &rule, 1);
    trial_put("other.mesh", &rule, 1);
    rule.answers = 4;
    trial_put("list.mesh", &rule, 1);
    rule.answers = 0;
    rule.destinations = mixed;
    trial_put("mixed.mesh", &rule, 1);
    forward_ms = 0;
}

/* Asks as a module does. Returns the first destination's number, and those of all in ret_all. */
static unsigned ask_all(const char *name, int family, bool is_given, unsigned ret_all[4])
{
    struct resolve_request request = {
        .name = name, .family = family, .caller = RESOLVE_NSS, .most = SNAPSHOT_ANSWERS_MAX};
    struct resolve_answer answer;
    struct choice choice;

    errno = 77;
    cr_assert_eq(choice_resolve(&reader, &request, &choice, &answer), RESOLVE_FOUND);
    choice_end(&choice, is_given);
    cr_assert_eq(errno, 77);
    cr_assert(answer.count >= 1 && answer.count <= 4);
    memset(ret_all, 0, 4 * sizeof(*ret_all));
    for (size_t i = 0; i < answer.count; i++) {
        const struct resolve_destination *one = &answer.destinations[i];
        unsigned number = ntohl(one->v4) & 0xff;

        cr_assert_eq(one->has_v4, family != AF_INET6, "%s", name);
        cr_assert_eq(one->has_v6, family != AF_INET, "%s", name);
        if (one->has_v4 && one->has_v6)
            cr_assert_eq(number, one->v6[15]);
        ret_all[i] = one->has_v4 ? number : one->v6[15];
    }
    return ret_all[0];
}

static unsigned ask(const char *name, int family, bool is_given)
{
    unsigned all[4];

    return ask_all(name, family, is_given, all);
}

/* How often two ways to ask come to the same destination, of CALLS. By chance it is 1 of 48. */
enum { PAIRED = CALLS, APART = CALLS / 10 };

Test(choice, ipv4_after_ipv6_belongs_to_the_first_draw_whatever_was_asked_before)
{
    size_t same = 0;

    for (size_t i = 0; i < CALLS; i++) {
        unsigned first = ask("both.mesh", AF_INET6, true);

        same += ask("both.mesh", AF_INET, true) == first;
        if (i % 3 == 0)
            (void)ask("both.mesh", AF_INET, true);
        if (i % 5 == 0)
            (void)ask("both.mesh", AF_INET6, true);
        if (i % 7 == 0)
            (void)ask("both.mesh", AF_UNSPEC, true);
    }
    cr_expect_eq(same, (size_t)PAIRED);
}

Test(choice, a_call_after_a_small_buffer_belongs_to_the_first_draw)
{
    size_t same = 0;

    for (size_t i = 0; i < CALLS; i++) {
        unsigned first = ask("both.mesh", AF_INET, false);

        same += ask("both.mesh", AF_INET, false) == first; /* still too small */
        same += ask("both.mesh", AF_INET, true) == first;
        first = ask("both.mesh", AF_INET6, true);
        same += ask("both.mesh", AF_INET, false) == first; /* the pair, and its small buffer */
        same += ask("both.mesh", AF_INET, true) == first;
        first = ask("both.mesh", AF_UNSPEC, false);
        same += ask("both.mesh", AF_UNSPEC, true) == first;
    }
    cr_expect_eq(same, 5 * (size_t)PAIRED);
}

Test(choice, a_list_is_repeated_whole_and_in_its_order)
{
    for (size_t i = 0; i < CALLS; i++) {
        unsigned first[4], again[4], other[4];

        ask_all("list.mesh", AF_INET6, false, first);
        ask_all("list.mesh", AF_INET6, true, again);
        ask_all("list.mesh", AF_INET, true, other);
        cr_assert_arr_eq(first, again, sizeof(first));
        cr_assert_arr_eq(first, other, sizeof(first));
        cr_assert(first[3] != 0);
    }
}

Test(choice, all_others_draw_anew)
{
    size_t same = 0, rows = 0;

    for (size_t i = 0; i < CALLS; i++) {
        same += ask("both.mesh", AF_INET, true) == ask("both.mesh", AF_INET, true); /* a loop */
        same += ask("both.mesh", AF_INET, true) == ask("both.mesh", AF_INET6, true);
        same += ask("both.mesh", AF_INET6, true) == ask("other.mesh", AF_INET, true);
        unsigned first = ask("both.mesh", AF_INET6, true);
        same += ask("both.mesh", AF_UNSPEC, true) == first;
        first = ask("both.mesh", AF_INET6, true);
        (void)ask("both.mesh", AF_INET, true);
        same += ask("both.mesh", AF_INET, true) == first; /* a pair is over */
        rows = 5;
    }
    cr_expect_lt(same, rows * APART);
}

Test(choice, after_two_seconds_a_choice_is_over)
{
    size_t same = 0, soon = 0;

    for (size_t i = 0; i < CALLS; i++) {
        unsigned first = ask("both.mesh", AF_INET6, true);

        forward_ms += 500;
        soon += ask("both.mesh", AF_INET, true) == first;
        first = ask("both.mesh", AF_INET6, true);
        forward_ms += 2000;
        same += ask("both.mesh", AF_INET, true) == first;
    }
    cr_expect_eq(soon, (size_t)PAIRED);
    cr_expect_lt(same, (size_t)APART);
}

static void *ask_apart(void *first)
{
    return (void *)(uintptr_t)(ask("both.mesh", AF_INET, true) == *(unsigned *)first);
}

Test(choice, threads_and_children_do_not_follow_each_others_draws)
{
    size_t same = 0;

    for (size_t i = 0; i < 30; i++) {
        unsigned first = ask("both.mesh", AF_INET6, true);
        pthread_t thread;
        void *is_same;
        int status;

        cr_assert_eq(pthread_create(&thread, NULL, ask_apart, &first), 0);
        pthread_join(thread, &is_same);
        same += (uintptr_t)is_same;
        pid_t child = fork();
        if (child == 0)
            _exit(ask("both.mesh", AF_INET, true) == first);
        cr_assert_eq(waitpid(child, &status, 0), child);
        same += (size_t)WEXITSTATUS(status);
    }
    cr_expect_lt(same, (size_t)60 / 5);
}

Test(choice, where_the_destination_has_no_such_address_it_is_drawn)
{
    size_t pairs = 0;

    for (size_t i = 0; i < CALLS; i++) {
        unsigned first = ask("mixed.mesh", AF_INET6, true);
        unsigned second = ask("mixed.mesh", AF_INET, true);

        cr_assert(second % 4 != 1, "an address that destination %u does not have", second);
        if (first % 4 != 1)
            cr_assert_eq(first, second);
        pairs += first % 4 != 1;
    }
    cr_expect(pairs > CALLS / 2 && pairs < CALLS * 9 / 10);
}

Test(choice, pairs_have_the_shares_that_the_weights_ask_for)
{
    size_t seen[MANY + 1] = {0}, total = 50000;
    double expected[MANY + 1] = {0};

    for (size_t i = 0; i < total; i++) {
        if (i % 2)
            (void)ask("both.mesh", AF_INET6, i % 4 == 1);
        seen[ask("both.mesh", AF_INET, true)]++;
    }
    for (size_t i = 1; i <= MANY; i++)
        expected[i] = (double)total * (double)i / (MANY * (MANY + 1) / 2);
    cr_expect(fixture_deviation(seen + 1, expected + 1, MANY) < 4.75);
}
