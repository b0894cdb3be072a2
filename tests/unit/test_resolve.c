/* test_resolve.c - a look-up from end to end: a real file, written by the writer. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "fixture.h"
#include "resolve.h"
#include "snapshot_writer.h"
#include "trial.h"

TestSuite(resolve, .init = trial_begin, .fini = trial_end);

static enum resolve_result result_of(const char *name)
{
    struct resolve_answer answer;

    return trial_ask(name, AF_UNSPEC, RESOLVE_SHIM, 16, &answer);
}

Test(resolve, names_are_found_folded_and_canonical)
{
    struct resolve_answer answer;

    trial_put_v4("checkout.shop.mesh", 0x0a000001);
    trial_put_v4("a", 2);
    cr_expect_eq(trial_v4_of("CHECKOUT.Shop.mesh"), 0x0a000001);
    cr_expect_eq(trial_v4_of("checkout.shop.mesh."), 0x0a000001);
    cr_expect_eq(trial_v4_of("a"), 2);
    cr_expect_eq(trial_v4_of("b"), 0);
    cr_expect_eq(trial_v4_of("heckout.shop.mesh"), 0);
    cr_expect_eq(trial_v4_of("checkout.shop.mesh.."), 0);
    cr_expect_eq(trial_v4_of(""), 0);
    cr_expect_eq(trial_ask("Checkout.SHOP.mesh.", AF_UNSPEC, RESOLVE_NSS, 1, &answer),
                 RESOLVE_FOUND);
    cr_expect_str_eq(answer.canonical, "checkout.shop.mesh");
    cr_expect_eq(answer.canonical_length, 18);
    cr_expect(!answer.destinations[0].has_v6);
}

Test(resolve, the_exact_name_comes_first_then_the_longest_wildcard)
{
    trial_put_v4(".mesh", 1);
    trial_put_v4(".shop.mesh", 2);
    trial_put_v4("x.shop.mesh", 3);
    cr_expect_eq(trial_v4_of("x.shop.mesh"), 3);
    cr_expect_eq(trial_v4_of("y.shop.mesh"), 2);
    cr_expect_eq(trial_v4_of("z.y.x.shop.mesh"), 2);
    cr_expect_eq(trial_v4_of("shop.mesh"), 1);
    cr_expect_eq(trial_v4_of("mesh"), 0);
    cr_expect_eq(trial_v4_of(".mesh"), 0, "a wildcard's key is no name");
    cr_expect_eq(trial_v4_of("a b.mesh"), 0);
    cr_expect_eq(trial_v4_of("a..mesh"), 0);
    cr_expect_eq(
        trial_v4_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.mesh"), 0);
    cr_expect_eq(trial_v4_of("y.shop.mesh."), 2);
}

Test(resolve, a_record_without_a_rule_for_the_caller_leaves_the_name_to_the_next_wildcard)
{
    struct fixture_destination d = {.v4 = 9, .weight = 1};
    struct fixture_rule other = {
        .verb = SNAPSHOT_DRAW, .apps = {"nobody"}, .destinations = &d, .count = 1};

    trial_put("x.shop.mesh", &other, 1);
    trial_put(".shop.mesh", &other, 1);
    cr_expect_eq(trial_v4_of("x.shop.mesh"), 0);
    trial_put_v4(".mesh", 1);
    cr_expect_eq(trial_v4_of("x.shop.mesh"), 1);
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

    trial_put("app", rules, 2);
    cr_expect_eq(trial_v4_of("app"), 1);
    rules[0].apps[1] = "other";
    trial_put("app", rules, 2);
    cr_expect_eq(trial_v4_of("app"), 2);
    (void)snprintf(start, sizeof(start), "%.3s*", program);
    rules[0].apps[1] = start;
    trial_put("app", rules, 2);
    cr_expect_eq(trial_v4_of("app"), 1);

    rules[0] =
        (struct fixture_rule){.verb = SNAPSHOT_DENY, .uids = {5, 6, geteuid()}, .uid_count = 3};
    trial_put("app", rules, 2);
    cr_expect_eq(result_of("app"), RESOLVE_DENIED);
    rules[0].uids[2]++;
    trial_put("app", rules, 2);
    cr_expect_eq(trial_v4_of("app"), 2);
    rules[0].flags = SNAPSHOT_RULE_NSS_ONLY;
    rules[0].uid_count = 0;
    trial_put("app", rules, 2);
    cr_expect_eq(trial_v4_of("app"), 2);

    struct resolve_answer answer;
    cr_expect_eq(trial_ask("app", AF_UNSPEC, RESOLVE_NSS, 1, &answer), RESOLVE_DENIED);
    rules[0].flags = SNAPSHOT_RULE_SHIM_ONLY;
    trial_put("app", rules, 2);
    cr_expect_eq(trial_ask("app", AF_UNSPEC, RESOLVE_NSS, 1, &answer), RESOLVE_FOUND);
    cr_expect_eq(result_of("app"), RESOLVE_DENIED);
}

Test(resolve, verbs_deny_pass_and_unknown_ones)
{
    trial_put_verb("denied.mesh", SNAPSHOT_DENY);
    trial_put_verb("protected.mesh", SNAPSHOT_PASS);
    trial_put_verb("newer.mesh", (enum snapshot_verb)15);
    trial_put_verb("empty.mesh", SNAPSHOT_DRAW);
    trial_put_v4(".mesh", 1);
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
    trial_put_v4("web.shop.mesh", 1);
    trial_put_v4(".corp.example", 2);
    trial_put_v4("a.b.shop.mesh", 3);
    trial_put_v4("127.shop.mesh", 4);
    trial_put_v4("a.b.c.shop.mesh", 5);
    cr_expect_eq(trial_v4_of("a.b"), 3, "no wildcard for a name with a dot");
    cr_expect_eq(trial_v4_of("web"), 2, "a wildcard for a single label");
    cr_expect_eq(trial_v4_of("web."), 0, "a trailing dot is the root");
    cr_expect_eq(trial_v4_of("a.b.c"), 0, "not below ndots");
    cr_expect_eq(trial_v4_of("127"), 0, "inet_aton reads it as a number");
    cr_expect_eq(trial_v4_of("127.shop.mesh"), 4);

    struct resolve_answer answer;
    cr_expect_eq(trial_ask("A.b", AF_INET, RESOLVE_SHIM, 1, &answer), RESOLVE_FOUND);
    cr_expect_str_eq(answer.canonical, "a.b.shop.mesh");

    trial_put_verb("web.corp.example", SNAPSHOT_PASS);
    cr_expect_eq(trial_v4_of("web"), 0, "a protected name is final in the search list too");
    cr_assert_eq(snapshot_writer_delete(writer, ":search", 7), 1);
    cr_expect_eq(trial_v4_of("a.b"), 0);
    trial_put_v4("a.b", 8);
    cr_expect_eq(trial_v4_of("a.b"), 8);
}

Test(resolve, an_alias_tells_its_target_and_an_address_its_name)
{
    struct fixture_destination d = {.v4 = 1, .weight = 1};
    struct fixture_rule alias = {
        .verb = SNAPSHOT_DRAW, .canonical = "target.mesh", .destinations = &d, .count = 1};
    struct fixture_rule reverse = {.verb = SNAPSHOT_NAME, .canonical = "host.mesh"};
    struct resolve_answer answer;
    uint8_t v6[17] = {'@', 0xfd, [16] = 1};

    trial_put("alias.mesh", &alias, 1);
    cr_expect_eq(trial_ask("alias.mesh", AF_INET, RESOLVE_NSS, 1, &answer), RESOLVE_FOUND);
    cr_expect_str_eq(answer.canonical, "target.mesh");
    cr_expect_eq(answer.canonical_length, 11);

    trial_put("@\x0a\x01\x02\x03", &reverse, 1);
    size_t size = fixture_record(v6, sizeof(v6), &reverse, 1, words);
    cr_assert_eq(snapshot_writer_put(writer, words, size, NULL), 1);
    cr_expect_eq(resolve_address(&reader, "\x0a\x01\x02\x03", 4, &answer), RESOLVE_FOUND);
    cr_expect_str_eq(answer.canonical, "host.mesh");
    cr_expect_eq(resolve_address(&reader, v6 + 1, 16, &answer), RESOLVE_FOUND);
    cr_expect_eq(resolve_address(&reader, v6 + 1, 4, &answer), RESOLVE_MISS);
    cr_expect_eq(resolve_address(&reader, v6 + 1, 8, &answer), RESOLVE_MISS);
    reverse.verb = SNAPSHOT_PASS;
    trial_put("@\x0a\x01\x02\x03", &reverse, 1);
    cr_expect_eq(resolve_address(&reader, "\x0a\x01\x02\x03", 4, &answer), RESOLVE_MISS);
}

#define FIRST_THREADS 32

static pthread_barrier_t together;

static void *look_first(void *unused)
{
    (void)unused;
    (void)pthread_barrier_wait(&together);
    return trial_v4_of("first") == 7 ? NULL : &together;
}

static size_t mappings_of_snapshot(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    size_t count = 0;

    cr_assert_not_null(maps);
    while (fgets(line, sizeof(line), maps))
        count += strstr(line, path) && strstr(line, "r--s");
    (void)fclose(maps);
    return count;
}

Test(resolve, threads_that_look_first_together_all_find_it_and_one_mapping_remains)
{
    pthread_t threads[FIRST_THREADS];

    trial_put_v4("first", 7);
    cr_assert_eq(pthread_barrier_init(&together, NULL, FIRST_THREADS), 0);
    for (size_t round = 1; round <= 50; round++) {
        reader = (struct snapshot_reader)SNAPSHOT_READER(path);
        for (size_t i = 0; i < FIRST_THREADS; i++)
            cr_assert_eq(pthread_create(&threads[i], NULL, look_first, NULL), 0);
        for (size_t i = 0; i < FIRST_THREADS; i++) {
            void *missed;
            cr_assert_eq(pthread_join(threads[i], &missed), 0);
            cr_expect_null(missed, "round %zu", round);
        }
        cr_assert_eq(mappings_of_snapshot(), round);
    }
}

Test(resolve, a_long_lived_reader_follows_growth_and_outlives_a_missing_file)
{
    char name[32];

    trial_put_v4("stays", 1);
    cr_assert_eq(trial_v4_of("stays"), 1);
    const struct snapshot_map *before = snapshot_reader_map(&reader);
    for (unsigned i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof(name), "name-%u", i);
        trial_put_v4(name, i + 1);
        cr_assert_eq(trial_v4_of("stays"), 1, "after %u", i);
    }
    cr_expect_neq(snapshot_reader_map(&reader), before, "the file has grown");
    (void)unlink(path);
    cr_expect_eq(trial_v4_of("name-2999"), 3000);
}

/* The record of the only name, as its writer would leave it in the middle of something. */
Test(resolve, a_record_that_is_being_written_is_no_answer)
{
    uint64_t heap, sequence;
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);

    trial_put_v4("x", 1);
    cr_assert_eq(pread(fd, &heap, 8, offsetof(struct snapshot_header, heap_start)), 8);
    off_t at = (off_t)(heap * SNAPSHOT_BLOCK);
    cr_assert_eq(pread(fd, &sequence, 8, at), 8);
    cr_assert_eq(trial_v4_of("x"), 1);
    const uint64_t unfit[] = {sequence + 1, 0};
    for (size_t i = 0; i < ARRAY_SIZE(unfit); i++) {
        cr_assert_eq(pwrite(fd, &unfit[i], 8, at), 8);
        cr_expect_eq(trial_v4_of("x"), 0, "sequence %zu", (size_t)unfit[i]);
    }
    cr_assert_eq(pwrite(fd, &sequence, 8, at), 8);
    cr_expect_eq(trial_v4_of("x"), 1);
}

Test(resolve, a_file_that_is_no_good_is_a_miss)
{
    struct snapshot_reader none = SNAPSHOT_READER("/nonexistent/snapshot");
    struct resolve_request request = {"x", AF_UNSPEC, RESOLVE_NSS, 1, false, NULL};
    struct resolve_answer answer;

    trial_put_v4("x", 1);
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
