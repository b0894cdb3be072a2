/* test_record.c - what policies say, read back by the reader that runs in every process.
 *
 * Policies are compiled, published by the writer into a real file and looked up, so that encoder
 * and decoder prove each other.
 */
#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "compile.h"
#include "resolve.h"
#include "snapshot_writer.h"
#include "yaml.h"

static char folder[] = "/tmp/test_record.XXXXXX", path[64];
static struct snapshot_writer *writer;
static struct snapshot_reader reader;
static struct compile_record record;
static const char *app; /* this program's name, as `when: app` knows it */

static void begin(void)
{
    struct snapshot_writer_options options = {.host_key = 77};
    const char *self = (const char *)getauxval(AT_EXECFN);

    app = strrchr(self, '/') ? strrchr(self, '/') + 1 : self;
    cr_assert(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/snapshot", folder);
    cr_assert_eq(snapshot_writer_open(path, &options, &writer, NULL), 0);
    reader = (struct snapshot_reader)SNAPSHOT_READER(path);
}

static void end(void)
{
    char lock[80];

    compile_record_done(&record);
    snapshot_writer_close(writer);
    (void)snprintf(lock, sizeof(lock), "%s.lock", path);
    (void)unlink(lock);
    (void)unlink(path);
    (void)rmdir(folder);
}

TestSuite(record, .init = begin, .fini = end);

static int uid_of(void *context, const char *user, uint32_t *ret_uid)
{
    (void)context;
    *ret_uid = (uint32_t)geteuid();
    return strcmp(user, "me") == 0;
}

static const struct compile_node node = {.name = "n1", .zone = "eu-1", .uid_of = uid_of};

static int publish_key(void *context, const char *key, size_t length)
{
    struct error err = {0};
    int r = compile_key(context, &node, key, length, &record, &err);

    cr_assert_geq(r, 0, "%s", error_line(&err));
    if (r > 0)
        r = snapshot_writer_put(writer, record.words, record.count, &err);
    else
        (void)snapshot_writer_delete(writer, key, length);
    cr_assert_geq(r, 0, "%s", error_line(&err));
    return 0;
}

static int delete_key(void *context, const uint8_t *key, size_t length)
{
    struct compile_record *first = context;

    first->count = length;
    memcpy(first->words, key, length);
    return 1;
}

/* Publishes these policies and no others; "APP" in the text is this program's name. */
static void publish(const char *text)
{
    AUTO_BUFFER struct buffer whole = {0};
    AUTO_VALUE struct value documents = {0};
    struct policy_set *set = policy_set_new();
    struct error err = {0};
    uint64_t key[32];
    struct compile_record first = {.words = key};

    while (snapshot_writer_each(writer, delete_key, &first) == 1)
        (void)snapshot_writer_delete(writer, key, first.count);
    for (const char *at; (at = strstr(text, "APP")); text = at + 3)
        buffer_print(&whole, "%.*s%s", (int)(at - text), text, app);
    buffer_print(&whole, "%s", text);
    cr_assert_eq(yaml_read((char *)whole.bytes, whole.size, "x", &documents, &err), 0, "%s\n%s",
                 error_line(&err), (char *)whole.bytes);
    for (size_t i = 0; i < documents.list.count; i++) {
        struct policy *policy = NULL;

        cr_assert_eq(policy_parse(&documents.list.items[i], "x", &policy, &err), 0, "%s",
                     error_line(&err));
        cr_assert_eq(policy_set_put(set, policy, &err), 0);
    }
    cr_assert_eq(policy_set_check(set, NULL, &err), 0, "%s", error_line(&err));
    (void)policy_set_keys(set, publish_key, set);
    policy_set_free(set);
}

/* An answer in words: destinations with | between, then = and the canonical name if another. */
static void tell(const struct resolve_answer *answer, const char *name, bool has_ports,
                 struct buffer *ret)
{
    for (size_t i = 0; i < answer->count; i++) {
        const struct resolve_destination *to = &answer->destinations[i];
        char text[INET6_ADDRSTRLEN];

        buffer_print(ret, "%s", i > 0 ? "|" : "");
        if (to->has_v4)
            buffer_print(ret, "%s", inet_ntop(AF_INET, &to->v4, text, sizeof(text)));
        if (to->has_v6)
            buffer_print(ret, "%s%s", to->has_v4 ? "+" : "",
                         inet_ntop(AF_INET6, to->v6, text, sizeof(text)));
        if (to->port && has_ports)
            buffer_print(ret, ":%u", to->port);
    }
    if (strcmp(answer->canonical, name) != 0)
        buffer_print(ret, "=%s", answer->canonical);
}

static void resolve(const char *name, int family, enum resolve_caller caller, struct buffer *ret)
{
    static const char *const words[] = {"miss", "", "denied", "no data"};
    struct resolve_request request = {
        .name = name, .family = family, .caller = caller, .most = SNAPSHOT_ANSWERS_MAX};
    struct resolve_answer answer = {0};
    enum resolve_result result = resolve_name(&reader, &request, &answer);

    buffer_print(ret, "%s", words[result]);
    if (result == RESOLVE_FOUND)
        tell(&answer, name, caller == RESOLVE_SHIM, ret);
}

#define A   "policy: a\ndomains: [x.m]\n"
#define B   "---\npolicy: b\ndomains: [x.m]\n"
#define ONE "destinations: [{address: 10.0.0.1}]\n"
#define TWO "destinations: [{address: 10.0.0.2}]\n"
#define MIXED                                                                                      \
    "select: ordered\nanswers: 3\ndestinations: [{address: 'fd00::1'}, {address: 10.0.0.2}, "      \
    "{address: [10.0.0.3, 'fd00::3']}, {address: 10.0.0.4}]"

static const struct {
    const char *policies, *name;
    int family;
    enum resolve_caller caller;
    const char *says;
} rows[] = {
    {A ONE, "x.m", AF_UNSPEC, RESOLVE_SHIM, "10.0.0.1"},
    {A ONE, "X.M.", AF_INET, RESOLVE_NSS, "10.0.0.1=x.m"},
    {A ONE, "y.m", AF_INET, RESOLVE_NSS, "miss"},
    {A ONE, "a.x.m", AF_INET, RESOLVE_NSS, "miss"},
    {A ONE, "x.m", AF_INET6, RESOLVE_SHIM, "no data"},
    {A "destinations: [{address: [10.0.0.1, 'fd00::1']}]", "x.m", AF_UNSPEC, RESOLVE_SHIM,
     "10.0.0.1+fd00::1"},
    {A "destinations: [{address: 'fd00::1'}, {address: 10.0.0.1}]", "x.m", AF_INET6, RESOLVE_SHIM,
     "fd00::1"},
    {A "destinations: [{address: 'fd00::1'}, {address: 10.0.0.1}]", "x.m", AF_INET, RESOLVE_SHIM,
     "10.0.0.1"},
    {A MIXED, "x.m", AF_UNSPEC, RESOLVE_SHIM, "fd00::1|10.0.0.2|10.0.0.3+fd00::3"},
    {A MIXED, "x.m", AF_INET6, RESOLVE_SHIM, "fd00::1|fd00::3"},
    {A MIXED, "x.m", AF_INET, RESOLVE_SHIM, "10.0.0.2|10.0.0.3|10.0.0.4"},
    {A "select: ordered\nanswers: 16\ndestinations: [{address: 10.0.0.3, priority: 9}, {address: "
       "10.0.0.2, weight: 0}, {address: 10.0.0.1}, {address: 10.0.0.4, drain: true}]",
     "x.m", AF_INET, RESOLVE_SHIM, "10.0.0.1|10.0.0.3"},
    {A "destinations: [{address: 10.0.0.1, weight: 0}, {address: 10.0.0.2, weight: 5}]", "x.m",
     AF_INET, RESOLVE_SHIM, "10.0.0.2"},
    {A "destinations: [{address: 10.0.0.1, priority: 2}, {address: 10.0.0.2, priority: 1}]", "x.m",
     AF_INET, RESOLVE_SHIM, "10.0.0.2"},
    {A "destinations: [{address: '10.0.0.1:80'}]", "x.m", AF_INET, RESOLVE_SHIM, "10.0.0.1:80"},
    {A "destinations: [{address: '10.0.0.1:80'}]", "x.m", AF_INET, RESOLVE_NSS, "no data"},
    {A "destinations: [{address: '10.0.0.1:80'}, {address: 10.0.0.2}]", "x.m", AF_INET, RESOLVE_NSS,
     "10.0.0.2"},
    {A "port: optional\ndestinations: [{address: '10.0.0.1:80'}]", "x.m", AF_INET, RESOLVE_NSS,
     "10.0.0.1"},
    {A "port: optional\ndestinations: [{address: '[fd00::1]:80'}]", "x.m", AF_UNSPEC, RESOLVE_SHIM,
     "fd00::1:80"},
    {A "port: ignore\ndestinations: [{address: '10.0.0.1:80'}]", "x.m", AF_INET, RESOLVE_SHIM,
     "10.0.0.1"},
    {A
     "select: sticky\nsticky: {by: uid}\ndestinations: [{address: 'fd00::1'}, {address: 10.0.0.2}]",
     "x.m", AF_INET6, RESOLVE_SHIM, "fd00::1"},
    {A
     "select: sticky\nsticky: {by: app}\ndestinations: [{address: 'fd00::1'}, {address: 10.0.0.2}]",
     "x.m", AF_INET, RESOLVE_NSS, "10.0.0.2"},
    {A "select: sticky\nsticky: {by: process}\ndestinations: [{address: [10.0.0.2, 'fd00::2']}, "
       "{address: '10.0.0.1:80'}]",
     "x.m", AF_UNSPEC, RESOLVE_NSS, "10.0.0.2+fd00::2"},
    {A "action: deny", "x.m", AF_INET, RESOLVE_NSS, "denied"},
    {A "on_all_down: dns\ndestinations: [{address: 10.0.0.1, drain: true}]", "x.m", AF_INET,
     RESOLVE_NSS, "miss"},
    {A "on_all_down: fail\ndestinations: [{address: 10.0.0.1, drain: true}]", "x.m", AF_INET,
     RESOLVE_NSS, "denied"},
    {A "destinations: [{address: 10.0.0.1, drain: true}]", "x.m", AF_INET, RESOLVE_NSS, "10.0.0.1"},
    {"policy: a\ndomains: ['*.m']\n" ONE "---\npolicy: b\ndomains: ['*.x.m']\n" TWO, "a.b.x.m",
     AF_INET, RESOLVE_NSS, "10.0.0.2"},
    {"policy: a\ndomains: ['*.m']\n" ONE "---\npolicy: b\ndomains: ['*.x.m']\n" TWO, "x.m", AF_INET,
     RESOLVE_NSS, "10.0.0.1"},
    {"policy: a\ndomains: ['*.m']\n" ONE "---\npolicy: b\ndomains: ['x.m']\nwhen: {app: no}\n" TWO,
     "x.m", AF_INET, RESOLVE_NSS, "10.0.0.1"},
    {A "when: {app: APP, uid: me, node: {zone: eu-1}}\n" ONE B TWO, "x.m", AF_INET, RESOLVE_NSS,
     "10.0.0.1"},
    {A "when: {app: [no, 'APP*']}\n" ONE B TWO, "x.m", AF_INET, RESOLVE_NSS, "10.0.0.1"},
    {A "when: {app: no}\n" ONE B TWO, "x.m", AF_INET, RESOLVE_NSS, "10.0.0.2"},
    {A "when: {uid: [4000000000, 4000000001]}\n" ONE B TWO, "x.m", AF_INET, RESOLVE_NSS,
     "10.0.0.2"},
    {A "when: {uid: nobody-of-that-name}\n" ONE B TWO, "x.m", AF_INET, RESOLVE_NSS, "10.0.0.2"},
    {A "when: {node: {name: n2}}\n" ONE B TWO, "x.m", AF_INET, RESOLVE_NSS, "10.0.0.2"},
    {A "when: {node: {labels: {a: b}}}\n" ONE, "x.m", AF_INET, RESOLVE_NSS, "miss"},
    {A "rank: 1\n" ONE B "when: {app: APP}\nrank: 0\n" TWO, "x.m", AF_INET, RESOLVE_NSS,
     "10.0.0.2"},
    {A "alias: y.m\n---\npolicy: y\ndomains: [y.m]\nalias: z.m\n---\npolicy: z\ndomains: [z.m]\n"
       "when: {app: APP}\ndestinations: [{address: '10.0.0.1:80'}]\n",
     "x.m", AF_INET, RESOLVE_SHIM, "10.0.0.1:80=z.m"},
    {A "when: {app: no}\nalias: y.m\n---\npolicy: y\ndomains: [y.m]\n" ONE, "x.m", AF_INET,
     RESOLVE_SHIM, "miss"},
    {A "when: {app: 'APP*'}\nalias: y.m\n---\npolicy: y\ndomains: [y.m]\naction: deny\n", "x.m",
     AF_INET, RESOLVE_SHIM, "denied"},
};

Test(record, each_look_up_answers_what_the_policy_says)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        AUTO_BUFFER struct buffer found = {0};

        publish(rows[i].policies);
        resolve(rows[i].name, rows[i].family, rows[i].caller, &found);
        cr_expect_str_eq((char *)found.bytes, rows[i].says, "%s of\n%s", rows[i].name,
                         rows[i].policies);
    }
}

#define DRAWS 200000

/* Counts first answers by the last byte of their address. */
static void count_draws(int family, unsigned counts[static 8])
{
    static struct rng rng;

    rng = (struct rng){0};
    memset(counts, 0, 8 * sizeof(counts[0]));
    for (unsigned i = 0; i < DRAWS; i++) {
        struct resolve_request request = {.name = "x.m", .family = family, .most = 1, .rng = &rng};
        struct resolve_answer answer;

        cr_assert_eq(resolve_name(&reader, &request, &answer), RESOLVE_FOUND);
        const struct resolve_destination *to = &answer.destinations[0];
        counts[to->has_v4 ? ntohl(to->v4) & 7 : to->v6[15] & 7]++;
    }
}

/* Six standard deviations: one run in 10^8 fails by chance. */
static void check_counts(const unsigned *counts, const unsigned *weights)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < 8; i++)
        sum += weights[i];
    for (unsigned i = 0; i < 8; i++) {
        double p = (double)weights[i] / sum;
        double limit = 6 * sqrt(DRAWS * p * (1 - p));
        cr_expect(fabs(counts[i] - DRAWS * p) <= limit, "destination %u: %u instead of %.0f", i,
                  counts[i], DRAWS * p);
    }
}

Test(record, a_look_up_for_one_family_draws_among_its_destinations_by_their_weights)
{
    unsigned counts[8];

    publish(A "destinations:\n- {address: 'fd00::1', weight: 1}\n- {address: 10.0.0.2, weight: 2}\n"
              "- {address: [10.0.0.3, 'fd00::3'], weight: 3}\n- {address: 'fd00::4', weight: 4}\n"
              "- {address: 10.0.0.5, weight: 5}\n- {address: 10.0.0.6, weight: 0}\n");
    count_draws(AF_UNSPEC, counts);
    check_counts(counts, (const unsigned[8]){0, 1, 2, 3, 4, 5});
    count_draws(AF_INET, counts);
    check_counts(counts, (const unsigned[8]){0, 0, 2, 3, 0, 5});
    count_draws(AF_INET6, counts);
    check_counts(counts, (const unsigned[8]){0, 1, 0, 3, 4, 0});
    cr_expect_eq(counts[6], 0);
}

/* Three destinations, one of which may be drained. */
static void publish_sticky(char drained)
{
    AUTO_BUFFER struct buffer text = {0};

    buffer_print(&text, A "select: sticky\nsticky: {by: host}\ndestinations:\n");
    for (char i = '1'; i <= '3'; i++)
        buffer_print(&text, "- {address: 10.0.0.%c, drain: %s}\n", i,
                     i == drained ? "true" : "false");
    publish((char *)text.bytes);
}

Test(record, sticky_keeps_its_destination_until_that_one_goes)
{
    AUTO_BUFFER struct buffer first = {0}, second = {0}, third = {0};

    publish_sticky(0);
    resolve("x.m", AF_INET, RESOLVE_SHIM, &first);
    for (int i = 0; i < 100; i++) {
        buffer_reset(&second);
        resolve("x.m", AF_INET, RESOLVE_NSS, &second);
        cr_assert_str_eq((char *)second.bytes, (char *)first.bytes);
    }
    char kept = (char)first.bytes[7];
    for (char other = '1'; other <= '3'; other++) { /* drain each of them: the others stay */
        publish_sticky(other);
        buffer_reset(&third);
        resolve("x.m", AF_INET, RESOLVE_SHIM, &third);
        cr_expect_eq((char)third.bytes[7] == kept, other != kept);
    }
}

Test(record, addresses_have_the_policys_first_exact_name_and_protected_names_pass)
{
    const uint8_t v4[4] = {10, 0, 0, 1};
    struct resolve_answer answer = {0};
    struct in6_addr v6;
    AUTO_BUFFER struct buffer found = {0};

    publish("policy: a\ndomains: ['*.m', First.m, x.m]\nreverse: true\n"
            "destinations: [{address: [10.0.0.1, 'fd00::1'], drain: true}, {address: 10.0.0.2}]\n");
    cr_assert_eq(resolve_address(&reader, v4, 4, &answer), RESOLVE_FOUND);
    cr_expect_str_eq(answer.canonical, "first.m");
    inet_pton(AF_INET6, "fd00::1", &v6);
    cr_expect_eq(resolve_address(&reader, &v6, 16, &answer), RESOLVE_FOUND);
    v6.s6_addr[0] = 1;
    cr_expect_eq(resolve_address(&reader, &v6, 16, &answer), RESOLVE_MISS);

    cr_assert_eq(compile_pass("first.m", 7, &record), 1);
    cr_assert_eq(snapshot_writer_put(writer, record.words, record.count, NULL), 1);
    resolve("first.m", AF_INET, RESOLVE_SHIM, &found);
    cr_expect_str_eq((char *)found.bytes, "miss");
}

Test(record, the_search_list_is_tried_for_short_names)
{
    static const char *const list[] = {"a.m", "m"};
    AUTO_BUFFER struct buffer found = {0};

    publish("policy: a\ndomains: [x.m]\n" ONE);
    cr_assert_eq(compile_search(list, 2, 1, &record), 1);
    cr_assert_eq(snapshot_writer_put(writer, record.words, record.count, NULL), 1);
    resolve("x", AF_INET, RESOLVE_SHIM, &found);
    cr_expect_str_eq((char *)found.bytes, "10.0.0.1=x.m");
}

Test(record, the_largest_rule_gives_sixteen_destinations_that_differ)
{
    AUTO_BUFFER struct buffer text = {0};
    struct resolve_request request = {
        .name = "x.m", .family = AF_UNSPEC, .most = SNAPSHOT_ANSWERS_MAX};
    struct resolve_answer answer = {0};

    buffer_print(&text, A "answers: 16\ndestinations:\n");
    for (unsigned i = 0; i < 4096; i++)
        buffer_print(&text, "- {address: [10.0.%u.%u, 'fd00::%x'], weight: %u}\n", i / 256, i % 256,
                     i + 1, 1 + i * 16);
    publish((char *)text.bytes);
    for (int round = 0; round < 100; round++) {
        cr_assert_eq(resolve_name(&reader, &request, &answer), RESOLVE_FOUND);
        cr_assert_eq(answer.count, 16);
        for (size_t i = 0; i < 16; i++) {
            const struct resolve_destination *to = &answer.destinations[i];
            unsigned number = ntohl(to->v4) & 0xffff;

            cr_assert_eq((to->v6[14] << 8 | to->v6[15]), (int)number + 1, "of one host");
            for (size_t j = 0; j < i; j++)
                cr_assert_neq(answer.destinations[j].v4, to->v4);
        }
    }
}
