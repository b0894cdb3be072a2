/* test_resolve.c - a look-up from end to end: a real file, written by the writer. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "fixture.h"
#include "resolve.h"
#include "snapshot_writer.h"

static char folder[] = "/tmp/test_resolve.XXXXXX", path[64];
static struct snapshot_writer *writer;
static struct snapshot_reader reader;
static uint64_t words[FIXTURE_WORDS];

static void begin(void)
{
    struct snapshot_writer_options options = {.host_key = 77};

    cr_assert(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/snapshot", folder);
    cr_assert_eq(snapshot_writer_open(path, &options, &writer, NULL), 0);
    reader = (struct snapshot_reader)SNAPSHOT_READER(path);
}

static void end(void)
{
    char lock[80];

    snapshot_writer_close(writer);
    (void)snprintf(lock, sizeof(lock), "%s.lock", path);
    (void)unlink(lock);
    (void)unlink(path);
    (void)rmdir(folder);
}

TestSuite(resolve, .init = begin, .fini = end);

static void put(const char *key, const struct fixture_rule *rules, size_t count)
{
    size_t size = fixture_record(key, strlen(key), rules, count, words);

    cr_assert_eq(snapshot_writer_put(writer, words, size, NULL), 1, "%s", key);
}

static void put_v4(const char *key, uint32_t v4)
{
    struct fixture_destination d = {.v4 = v4, .weight = 1};
    struct fixture_rule rule = {.verb = SNAPSHOT_DRAW, .destinations = &d, .count = 1};

    put(key, &rule, 1);
}

static void put_verb(const char *key, enum snapshot_verb verb)
{
    struct fixture_rule rule = {.verb = verb};

    put(key, &rule, 1);
}

static enum resolve_result look(const char *name, int family, enum resolve_caller caller,
                                unsigned most, struct resolve_answer *ret_answer)
{
    static struct rng rng;
    struct resolve_request request = {name, family, caller, most, false, &rng};

    errno = 1234;
    enum resolve_result result = resolve_name(&reader, &request, ret_answer);
    cr_assert_eq(errno, 1234, "errno was touched");
    return result;
}

/* The IPv4 address of the only answer, host order; 0 when not found. */
static uint32_t v4_of(const char *name)
{
    struct resolve_answer answer;

    if (look(name, AF_INET, RESOLVE_SHIM, 1, &answer) != RESOLVE_FOUND)
        return 0;
    cr_assert_eq(answer.count, 1);
    cr_assert(answer.destinations[0].has_v4);
    return ntohl(answer.destinations[0].v4);
}

static enum resolve_result result_of(const char *name)
{
    struct resolve_answer answer;

    return look(name, AF_UNSPEC, RESOLVE_SHIM, 16, &answer);
}

Test(resolve, names_are_found_folded_and_canonical)
{
    struct resolve_answer answer;

    put_v4("checkout.shop.mesh", 0x0a000001);
    put_v4("a", 2);
    cr_expect_eq(v4_of("CHECKOUT.Shop.mesh"), 0x0a000001);
    cr_expect_eq(v4_of("checkout.shop.mesh."), 0x0a000001);
    cr_expect_eq(v4_of("a"), 2);
    cr_expect_eq(v4_of("b"), 0);
    cr_expect_eq(v4_of("heckout.shop.mesh"), 0);
    cr_expect_eq(v4_of("checkout.shop.mesh.."), 0);
    cr_expect_eq(v4_of(""), 0);
    cr_expect_eq(look("Checkout.SHOP.mesh.", AF_UNSPEC, RESOLVE_NSS, 1, &answer), RESOLVE_FOUND);
    cr_expect_str_eq(answer.canonical, "checkout.shop.mesh");
    cr_expect_eq(answer.canonical_length, 18);
    cr_expect(!answer.destinations[0].has_v6);
}

Test(resolve, the_exact_name_comes_first_then_the_longest_wildcard)
{
    put_v4(".mesh", 1);
    put_v4(".shop.mesh", 2);
    put_v4("x.shop.mesh", 3);
    cr_expect_eq(v4_of("x.shop.mesh"), 3);
    cr_expect_eq(v4_of("y.shop.mesh"), 2);
    cr_expect_eq(v4_of("z.y.x.shop.mesh"), 2);
    cr_expect_eq(v4_of("shop.mesh"), 1);
    cr_expect_eq(v4_of("mesh"), 0);
    cr_expect_eq(v4_of(".mesh"), 0, "a wildcard's key is no name");
    cr_expect_eq(v4_of("a b.mesh"), 0);
    cr_expect_eq(v4_of("a..mesh"), 0);
    cr_expect_eq(v4_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.mesh"), 0);
    cr_expect_eq(v4_of("y.shop.mesh."), 2);
}

Test(resolve, a_record_without_a_rule_for_the_caller_leaves_the_name_to_the_next_wildcard)
{
    struct fixture_destination d = {.v4 = 9, .weight = 1};
    struct fixture_rule other = {
        .verb = SNAPSHOT_DRAW, .apps = {"nobody"}, .destinations = &d, .count = 1};

    put("x.shop.mesh", &other, 1);
    put(".shop.mesh", &other, 1);
    cr_expect_eq(v4_of("x.shop.mesh"), 0);
    put_v4(".mesh", 1);
    cr_expect_eq(v4_of("x.shop.mesh"), 1);
}

Test(resolve, the_first_rule_that_holds_decides)
{
    const char *program = strrchr((const char *)getauxval(AT_EXECFN), '/') + 1;
    char start[32];
    struct fixture_destination d[] = {{.v4 = 1, .weight = 1}, {.v4 = 2, .weight = 1}};
    struct fixture_rule rules[] = {
        {.verb = SNAPSHOT_DRAW, .apps = {"no", program}, .destinations = d, .count = 1},
        {.verb = SNAPSHOT_DRAW, .destinations = d + 1, .count = 1},
    };

    put("app", rules, 2);
    cr_expect_eq(v4_of("app"), 1);
    rules[0].apps[1] = "other";
    put("app", rules, 2);
    cr_expect_eq(v4_of("app"), 2);
    (void)snprintf(start, sizeof(start), "%.3s*", program);
    rules[0].apps[1] = start;
    put("app", rules, 2);
    cr_expect_eq(v4_of("app"), 1);

    rules[0] =
        (struct fixture_rule){.verb = SNAPSHOT_DENY, .uids = {5, 6, geteuid()}, .uid_count = 3};
    put("app", rules, 2);
    cr_expect_eq(result_of("app"), RESOLVE_DENIED);
    rules[0].uids[2]++;
    put("app", rules, 2);
    cr_expect_eq(v4_of("app"), 2);
    rules[0].flags = SNAPSHOT_RULE_NSS_ONLY;
    rules[0].uid_count = 0;
    put("app", rules, 2);
    cr_expect_eq(v4_of("app"), 2);

    struct resolve_answer answer;
    cr_expect_eq(look("app", AF_UNSPEC, RESOLVE_NSS, 1, &answer), RESOLVE_DENIED);
    rules[0].flags = SNAPSHOT_RULE_SHIM_ONLY;
    put("app", rules, 2);
    cr_expect_eq(look("app", AF_UNSPEC, RESOLVE_NSS, 1, &answer), RESOLVE_FOUND);
    cr_expect_eq(result_of("app"), RESOLVE_DENIED);
}

Test(resolve, verbs_deny_pass_and_unknown_ones)
{
    put_verb("denied.mesh", SNAPSHOT_DENY);
    put_verb("protected.mesh", SNAPSHOT_PASS);
    put_verb("newer.mesh", (enum snapshot_verb)15);
    put_verb("empty.mesh", SNAPSHOT_DRAW);
    put_v4(".mesh", 1);
    cr_expect_eq(result_of("denied.mesh"), RESOLVE_DENIED);
    cr_expect_eq(result_of("protected.mesh"), RESOLVE_MISS, "not the wildcard's");
    cr_expect_eq(result_of("newer.mesh"), RESOLVE_MISS);
    cr_expect_eq(result_of("empty.mesh"), RESOLVE_NO_DATA);
    cr_expect_eq(result_of("other.mesh"), RESOLVE_FOUND);
}

Test(resolve, the_search_list_is_asked_for_names_with_few_dots)
{
    static const char *const domains[] = {"corp.example", "shop.mesh"};

    cr_assert_eq(snapshot_writer_put(writer, words, fixture_search(2, domains, 2, words), NULL), 1);
    put_v4("web.shop.mesh", 1);
    put_v4(".corp.example", 2);
    put_v4("a.b.shop.mesh", 3);
    put_v4("127.shop.mesh", 4);
    put_v4("a.b.c.shop.mesh", 5);
    cr_expect_eq(v4_of("a.b"), 3, "no wildcard for a name with a dot");
    cr_expect_eq(v4_of("web"), 2, "a wildcard for a single label");
    cr_expect_eq(v4_of("web."), 0, "a trailing dot is the root");
    cr_expect_eq(v4_of("a.b.c"), 0, "not below ndots");
    cr_expect_eq(v4_of("127"), 0, "inet_aton reads it as a number");
    cr_expect_eq(v4_of("127.shop.mesh"), 4);

    struct resolve_answer answer;
    cr_expect_eq(look("A.b", AF_INET, RESOLVE_SHIM, 1, &answer), RESOLVE_FOUND);
    cr_expect_str_eq(answer.canonical, "a.b.shop.mesh");

    put_verb("web.corp.example", SNAPSHOT_PASS);
    cr_expect_eq(v4_of("web"), 0, "a protected name is final in the search list too");
    cr_assert_eq(snapshot_writer_delete(writer, ":search", 7), 1);
    cr_expect_eq(v4_of("a.b"), 0);
    put_v4("a.b", 8);
    cr_expect_eq(v4_of("a.b"), 8);
}

static unsigned families_seen(const char *name, int family)
{
    unsigned seen = 0;
    struct resolve_answer answer;

    for (int i = 0; i < 200; i++) {
        if (look(name, family, RESOLVE_SHIM, 1, &answer) != RESOLVE_FOUND)
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

Test(resolve, a_call_for_one_family_draws_among_the_destinations_that_have_it)
{
    static const enum snapshot_verb verbs[] = {SNAPSHOT_DRAW, SNAPSHOT_STICK_HOST, SNAPSHOT_LIST};

    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        struct fixture_destination d[4];
        memcpy(d, families[i].d, sizeof(d));
        for (size_t j = 0; j < families[i].count; j++)
            d[j].weight = 1;
        struct fixture_rule rule = {
            .verb = SNAPSHOT_DRAW, .destinations = d, .count = families[i].count};
        put("x", &rule, 1);
        cr_expect_eq(families_seen("x", AF_UNSPEC), families[i].any, "row %zu", i);
        cr_expect_eq(families_seen("x", AF_INET), families[i].v4, "row %zu", i);
        cr_expect_eq(families_seen("x", AF_INET6), families[i].v6, "row %zu", i);
        for (size_t v = 1; v < ARRAY_SIZE(verbs); v++) {
            rule.verb = verbs[v];
            rule.flags = verbs[v] == SNAPSHOT_LIST ? SNAPSHOT_RULE_LISTED : 0;
            put("x", &rule, 1);
            cr_expect_eq(families_seen("x", AF_INET) & ~families[i].v4, 0, "row %zu", i);
            cr_expect_eq(families_seen("x", AF_INET6) & ~families[i].v6, 0, "row %zu", i);
            cr_expect_eq(!families_seen("x", AF_INET), !families[i].v4, "row %zu", i);
            cr_expect_eq(!families_seen("x", AF_INET6), !families[i].v6, "row %zu", i);
        }
        (void)snapshot_writer_delete(writer, "x", 1);
    }
}

Test(resolve, a_family_that_no_interface_has_is_left_out_where_there_is_a_choice)
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
    put("both", rules, 1);
    put("v6", rules + 1, 1);
    cr_expect_eq(resolve_name(&reader, &request, &answer), RESOLVE_FOUND);
    cr_expect(answer.destinations[0].has_v4 && !answer.destinations[0].has_v6);
    request.family = AF_INET6;
    cr_expect_eq(resolve_name(&reader, &request, &answer), RESOLVE_NO_DATA);
    request.name = "v6"; /* there is nothing to choose */
    cr_expect_eq(resolve_name(&reader, &request, &answer), RESOLVE_FOUND);
}

/* Each family has a table of its own when not all destinations have both. */
Test(resolve, each_family_has_the_shares_of_its_own_destinations)
{
    static const int families_asked[] = {AF_UNSPEC, AF_INET, AF_INET6};
    static const double shares[][6] = {{1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 0, 0}, {0, 0, 3, 4, 5, 6}};
    struct fixture_destination d[6];
    struct fixture_rule rule = {.verb = SNAPSHOT_DRAW, .destinations = d, .count = 6};

    for (size_t i = 0; i < 6; i++)
        d[i] = (struct fixture_destination){.v4 = i < 4 ? (uint32_t)i + 1 : 0,
                                            .v6 = i > 1 ? i + 1 : 0,
                                            .weight = (uint16_t)(i + 1)};
    put("mixed", &rule, 1);
    for (size_t row = 0; row < 3; row++) {
        size_t seen[6] = {0}, draws = 20000;
        double expected[6], total = 0;
        for (size_t i = 0; i < draws; i++) {
            struct resolve_answer answer;
            cr_assert_eq(look("mixed", families_asked[row], RESOLVE_SHIM, 1, &answer),
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

Test(resolve, lists_keep_their_order_and_draws_of_several_are_all_different)
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
    put("list", &rule, 1);
    cr_assert_eq(look("list", AF_INET, RESOLVE_SHIM, 16, &answer), RESOLVE_FOUND);
    cr_expect_eq(answer.count, 16);
    for (size_t i = 0; i < answer.count; i++) {
        cr_expect_eq(ntohl(answer.destinations[i].v4), i + 1);
        cr_expect_eq(answer.destinations[i].port, 80);
    }
    cr_assert_eq(look("list", AF_INET6, RESOLVE_SHIM, 16, &answer), RESOLVE_FOUND);
    cr_expect_eq(answer.count, 7);
    for (size_t i = 0; i < answer.count; i++)
        cr_expect_eq(answer.destinations[i].v6[15], i * 3 + 1);
    cr_assert_eq(look("list", AF_INET, RESOLVE_SHIM, 3, &answer), RESOLVE_FOUND);
    cr_expect_eq(answer.count, 3);

    rule.verb = SNAPSHOT_DRAW;
    rule.flags = 0;
    rule.answers = 5;
    put("draw", &rule, 1);
    for (int round = 0; round < 100; round++) {
        unsigned seen = 0;
        cr_assert_eq(look("draw", AF_INET, RESOLVE_SHIM, 16, &answer), RESOLVE_FOUND);
        cr_assert_eq(answer.count, 5);
        for (size_t i = 0; i < 5; i++)
            seen |= 1u << ntohl(answer.destinations[i].v4);
        cr_expect_eq(__builtin_popcount(seen), 5);
    }
}

static uint64_t stuck_to(const char *name)
{
    struct resolve_answer answer;

    cr_assert_eq(look(name, AF_INET, RESOLVE_SHIM, 1, &answer), RESOLVE_FOUND);
    return ntohl(answer.destinations[0].v4);
}

/* 2,000 names stand for 2,000 keys: only the destinations matter, and those differ by name. */
Test(resolve, a_key_sticks_and_only_a_leaving_destinations_keys_move)
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
        put("s", &rule, 1);
        uint64_t before = stuck_to("s");
        cr_assert_eq(before, stuck_to("s"));
        heavy += before == i * 16 + 1;

        size_t gone = i % 10; /* the last destination takes the place of one that leaves */
        uint64_t gone_v4 = d[gone].v4;
        d[gone] = d[9];
        rule.count = 9;
        put("s", &rule, 1);
        if (before == gone_v4)
            cr_assert_neq(stuck_to("s"), gone_v4);
        else
            cr_assert_eq(stuck_to("s"), before, "another destination's key moved");
        (void)snapshot_writer_delete(writer, "s", 1);
    }
    /* Weight 9 of 18: half, give or take 5 standard deviations of 22. */
    cr_expect(heavy > 890 && heavy < 1110, "%zu of 2000", heavy);
}

Test(resolve, an_alias_tells_its_target_and_an_address_its_name)
{
    struct fixture_destination d = {.v4 = 1, .weight = 1};
    struct fixture_rule alias = {
        .verb = SNAPSHOT_DRAW, .canonical = "target.mesh", .destinations = &d, .count = 1};
    struct fixture_rule reverse = {.verb = SNAPSHOT_NAME, .canonical = "host.mesh"};
    struct resolve_answer answer;
    uint8_t v6[17] = {'@', 0xfd, [16] = 1};

    put("alias.mesh", &alias, 1);
    cr_expect_eq(look("alias.mesh", AF_INET, RESOLVE_NSS, 1, &answer), RESOLVE_FOUND);
    cr_expect_str_eq(answer.canonical, "target.mesh");
    cr_expect_eq(answer.canonical_length, 11);

    put("@\x0a\x01\x02\x03", &reverse, 1);
    size_t size = fixture_record(v6, sizeof(v6), &reverse, 1, words);
    cr_assert_eq(snapshot_writer_put(writer, words, size, NULL), 1);
    cr_expect_eq(resolve_address(&reader, "\x0a\x01\x02\x03", 4, &answer), RESOLVE_FOUND);
    cr_expect_str_eq(answer.canonical, "host.mesh");
    cr_expect_eq(resolve_address(&reader, v6 + 1, 16, &answer), RESOLVE_FOUND);
    cr_expect_eq(resolve_address(&reader, v6 + 1, 4, &answer), RESOLVE_MISS);
    cr_expect_eq(resolve_address(&reader, v6 + 1, 8, &answer), RESOLVE_MISS);
    reverse.verb = SNAPSHOT_PASS;
    put("@\x0a\x01\x02\x03", &reverse, 1);
    cr_expect_eq(resolve_address(&reader, "\x0a\x01\x02\x03", 4, &answer), RESOLVE_MISS);
}

Test(resolve, a_long_lived_reader_follows_growth_and_outlives_a_missing_file)
{
    char name[32];

    put_v4("stays", 1);
    cr_assert_eq(v4_of("stays"), 1);
    const struct snapshot_map *before = snapshot_reader_map(&reader);
    for (unsigned i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof(name), "name-%u", i);
        put_v4(name, i + 1);
        cr_assert_eq(v4_of("stays"), 1, "after %u", i);
    }
    cr_expect_neq(snapshot_reader_map(&reader), before, "the file has grown");
    (void)unlink(path);
    cr_expect_eq(v4_of("name-2999"), 3000);
}

/* The record of the only name, as its writer would leave it in the middle of something. */
Test(resolve, a_record_that_is_being_written_is_no_answer)
{
    uint64_t heap, sequence;
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);

    put_v4("x", 1);
    cr_assert_eq(pread(fd, &heap, 8, offsetof(struct snapshot_header, heap_start)), 8);
    off_t at = (off_t)(heap * SNAPSHOT_BLOCK);
    cr_assert_eq(pread(fd, &sequence, 8, at), 8);
    cr_assert_eq(v4_of("x"), 1);
    const uint64_t unfit[] = {sequence + 1, 0};
    for (size_t i = 0; i < ARRAY_SIZE(unfit); i++) {
        cr_assert_eq(pwrite(fd, &unfit[i], 8, at), 8);
        cr_expect_eq(v4_of("x"), 0, "sequence %zu", (size_t)unfit[i]);
    }
    cr_assert_eq(pwrite(fd, &sequence, 8, at), 8);
    cr_expect_eq(v4_of("x"), 1);
}

Test(resolve, a_file_that_is_no_good_is_a_miss)
{
    struct snapshot_reader none = SNAPSHOT_READER("/nonexistent/snapshot");
    struct resolve_request request = {"x", AF_UNSPEC, RESOLVE_NSS, 1, false, NULL};
    struct resolve_answer answer;

    put_v4("x", 1);
    errno = 1234;
    cr_expect_eq(resolve_name(&none, &request, &answer), RESOLVE_MISS);
    cr_expect_eq(errno, 1234);
    cr_assert_eq(chmod(path, 0646), 0);
    cr_expect_eq(resolve_name(&reader, &request, &answer), RESOLVE_MISS, "others may write it");
    cr_assert_eq(chmod(path, 0644), 0);
    cr_expect_eq(resolve_name(&reader, &request, &answer), RESOLVE_MISS, "at most once a second");
    reader.next_try_ns = 1;
    cr_expect_eq(resolve_name(&reader, &request, &answer), RESOLVE_FOUND);

    static const char *const strange[] = {"/dev/null", "/tmp", "/dev/tty"};
    for (size_t i = 0; i < ARRAY_SIZE(strange); i++) {
        struct snapshot_reader odd = SNAPSHOT_READER(strange[i]);
        cr_expect_eq(resolve_name(&odd, &request, &answer), RESOLVE_MISS, "%s", strange[i]);
    }
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

Test(resolve, weights_1_2_3_4_come_out_of_forked_workers_and_of_threads)
{
    struct fixture_destination d[KINDS];
    struct fixture_rule rule = {.verb = SNAPSHOT_DRAW, .destinations = d, .count = KINDS};
    size_t all = getenv("MESHDNS_LONG") ? 1000000 : 100000;
    struct worker *workers = mmap(NULL, 32 * sizeof(*workers), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_t threads[32];

    for (size_t i = 0; i < KINDS; i++)
        d[i] = (struct fixture_destination){.v4 = (uint32_t)i + 1, .weight = (uint16_t)(i + 1)};
    put("shares", &rule, 1);
    cr_assert_neq(workers, MAP_FAILED);
    (void)v4_of("shares"); /* the parent drew before it forked */
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
