/* test_policy.c - what a document may say, and the words for what it may not.
 *
 * tests/corpus/ holds one mistake a file, NAME.yaml, beside NAME.says: the message as `policy
 * check` prints it.
 */
#include <arpa/inet.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "file.h"
#include "json.h"
#include "policy_set.h"
#include "rng.h"
#include "yaml.h"

/* Reads and checks a text as `policy check` does. */
static int check_text(const char *text, size_t size, const char *where, struct error *err)
{
    AUTO_VALUE struct value documents = {0};
    struct policy_set *set = policy_set_new();
    int r = yaml_read(text, size, where, &documents, err);

    for (size_t i = 0; r == 0 && i < documents.list.count; i++) {
        struct policy *policy = NULL;

        r = policy_parse(&documents.list.items[i], where, &policy, err);
        if (r == 0)
            r = policy_set_put(set, policy, err);
    }
    if (r == 0)
        r = policy_set_check(set, NULL, err);
    policy_set_free(set);
    return r;
}

/* Unknown keys and later features are told apart from mistakes: nodes keep such documents. */
static int code_of(const char *name)
{
    if (strncmp(name, "later-", 6) == 0 || strncmp(name, "unknown-key-", 12) == 0 ||
        strncmp(name, "key-at-the-wrong-level-", 23) == 0)
        return ERROR_UNSUPPORTED;
    return strncmp(name, "set-", 4) == 0 ? ERROR_CONFLICT : ERROR_INVALID;
}

static void check_file(const char *path)
{
    AUTO_FREE char *text = NULL, *says = NULL;
    char says_path[512], found[2048];
    size_t size, says_size;
    struct error err = {0};
    const char *name = strrchr(path, '/') + 1;

    snprintf(says_path, sizeof(says_path), "%.*s.says", (int)strlen(path) - 5, path);
    cr_assert_eq(file_read(path, 1 << 24, &text, &size, &err), 0, "%s", error_line(&err));
    cr_assert_eq(file_read(says_path, 4096, &says, &says_size, &err), 0, "%s", error_line(&err));
    cr_expect_eq(check_text(text, size, name, &err), code_of(name), "%s: %s", name,
                 error_name(err.code));
    snprintf(found, sizeof(found), "%s\n%s%s%s", error_line(&err), err.hint[0] ? "  hint: " : "",
             err.hint, err.hint[0] ? "\n" : "");
    cr_expect_str_eq(found, says, "%s says\n%sand should say\n%s", name, found, says);
}

Test(policy, each_wrong_file_of_the_corpus_gets_its_exact_message)
{
    glob_t files;

    cr_assert_eq(glob(CORPUS "/*.yaml", 0, NULL, &files), 0);
    cr_expect_geq(files.gl_pathc, 60);
    for (size_t i = 0; i < files.gl_pathc; i++)
        check_file(files.gl_pathv[i]);
    globfree(&files);
}

static struct policy *parse(const char *text)
{
    AUTO_VALUE struct value documents = {0};
    struct error err = {0};
    struct policy *policy = NULL;

    cr_assert_eq(yaml_read(text, strlen(text), "x.yaml", &documents, &err), 0, "%s",
                 error_line(&err));
    cr_assert_eq(policy_parse(&documents.list.items[0], "x.yaml", &policy, &err), 0, "%s",
                 error_line(&err));
    return policy;
}

Test(policy, all_that_a_document_says_is_in_the_policy)
{
    struct policy *policy = parse(
        "policy: checkout\n"
        "domains: [Checkout.Shop.Mesh., \"*.checkout.shop.mesh\", _sip._tcp.x]\n"
        "select: sticky\n"
        "sticky: {by: process}\n"
        "on_all_down: fail\n"
        "answers: 16\n"
        "rank: -3\n"
        "port: optional\n"
        "destinations:\n"
        "  - {address: 10.0.1.10, weight: 0}\n"
        "  - {address: [\"[fd00::11]:80\", 10.0.1.11], weight: 65535, drain: true}\n"
        "  - {address: [fd00::5], port: 8443, priority: 7, zone: eu-2, labels: {v: 1, w: a/b}}\n"
        "when:\n"
        "  node: {name: web-1, zone: eu-1, labels: {tier: front}}\n"
        "  app: [nginx, \"php*\"]\n"
        "  uid: [33, www-data, 4294967294]\n");
    const struct policy_destination *to = policy->destinations;
    struct in6_addr five;

    cr_expect_str_eq(policy->name, "checkout");
    cr_expect_str_eq(policy->where, "x.yaml");
    cr_expect_eq(policy->line, 1);
    cr_expect_eq(policy->column, 9);
    cr_assert_eq(policy->domain_count, 3);
    cr_expect_str_eq(policy->domains[0].text, "checkout.shop.mesh");
    cr_expect_str_eq(policy->domains[1].text, "*.checkout.shop.mesh");
    cr_expect_eq(policy->domains[1].column, 32);
    cr_expect_eq(policy->select, POLICY_STICKY);
    cr_expect_eq(policy->sticky, POLICY_BY_PROCESS);
    cr_expect_eq(policy->on_all_down, POLICY_DOWN_FAIL);
    cr_expect_eq(policy->answers, 16);
    cr_expect_eq(policy->rank, -3);
    cr_expect_eq(policy->port, POLICY_PORT_OPTIONAL);
    cr_assert_eq(policy->destination_count, 3);
    cr_expect(to[0].weight == 0 && to[0].has_v4 && !to[0].has_v6 && !to[0].is_drained);
    cr_expect(to[1].weight == 65535 && to[1].has_v4 && to[1].has_v6 && to[1].is_drained);
    cr_expect_eq(to[1].v4, inet_addr("10.0.1.11"));
    cr_expect_eq(to[1].port, 80);
    inet_pton(AF_INET6, "fd00::5", &five);
    cr_expect_arr_eq(to[2].v6, &five, 16);
    cr_expect(to[2].weight == 1 && to[2].priority == 7 && to[2].port == 8443 && !to[2].has_v4);
    cr_expect_str_eq(to[2].zone, "eu-2");
    cr_expect_eq(to[2].label_count, 2);
    cr_expect_str_eq(to[2].labels[0].text, "1");
    cr_expect_str_eq(policy->when.node_name, "web-1");
    cr_expect_str_eq(policy->when.node_zone, "eu-1");
    cr_expect_str_eq(policy->when.node_labels[0].key, "tier");
    cr_expect_str_eq(policy->when.apps[1], "php*");
    cr_expect_eq(policy->when.uids[0].uid, 33);
    cr_expect_str_eq(policy->when.uids[1].name, "www-data");
    cr_expect_eq(policy->when.uid_count, 3);
    cr_expect(policy_is_conditional(policy));
    policy_free(policy);
}

Test(policy, defaults_are_those_of_the_manual)
{
    struct policy *policy =
        parse("policy: a\ndomains: a.mesh\ndestinations: [{address: 10.0.0.1}]");

    cr_expect_eq(policy->select, POLICY_WEIGHTED);
    cr_expect_eq(policy->on_all_down, POLICY_DOWN_ALL);
    cr_expect_eq(policy->port, POLICY_PORT_REQUIRED);
    cr_expect_eq(policy->answers, 1);
    cr_expect_eq(policy->rank, 0);
    cr_expect_eq(policy->destinations[0].weight, 1);
    cr_expect_eq(policy->destinations[0].priority, 0);
    cr_expect(!policy->is_reverse && !policy_is_conditional(policy));
    policy_free(policy);

    policy = parse("{\"policy\":\"a\",\"domains\":[\"a.mesh\"],\"alias\":\"B.mesh.\"}");
    cr_expect_eq(policy->action, POLICY_ALIAS);
    cr_expect_str_eq(policy->alias, "b.mesh");
    policy_free(policy);
    policy_free(NULL);
}

/* Limits that would make large files of the corpus. */
Test(policy, the_largest_policy_passes_and_one_destination_more_is_refused)
{
    for (unsigned most = 4096; most <= 4097; most++) {
        AUTO_BUFFER struct buffer text = {0};
        struct error err = {0};

        buffer_print(&text, "policy: a\ndomains: [a.mesh]\ndestinations:\n");
        for (unsigned i = 0; i < most; i++)
            buffer_print(&text, "- {address: 10.0.%u.%u}\n", i / 256, i % 256);
        int r = check_text((char *)text.bytes, text.size, "x.yaml", &err);
        cr_expect_eq(r, most == 4096 ? 0 : ERROR_INVALID);
        if (r < 0)
            cr_expect_str_eq(error_line(&err), "x.yaml:4:1: destinations: 4097 destinations are "
                                               "above 4096, the most");
    }
}

static void note(void *context, const char *key, const char *sentence)
{
    buffer_print(context, "%s: %s\n", key, sentence);
}

Test(policy, what_has_no_effect_is_told)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"destinations: [{address: 10.0.0.1}]", ""},
        {"destinations: [{address: 10.0.0.1, port: 1}]\nport: required", ""},
        {"destinations: [{address: 10.0.0.1, port: 1}]\nport: optional", ""},
        {"destinations: [{address: 10.0.0.1, weight: 2}, {address: 10.0.0.2, weight: 0}]\n"
         "select: ordered",
         ""},
        {"destinations: [{address: 10.0.0.1}]\nselect: latency",
         "select: latency is not measured yet; it acts as weighted\n"},
        {"destinations: [{address: 10.0.0.1}]\nsticky: {by: uid}",
         "sticky: has no effect without `select: sticky`\n"},
        {"destinations: [{address: 10.0.0.1, weight: 2}, {address: 10.0.0.2}]\nselect: ordered",
         "select: ordered asks in order; weights other than 0 have no effect\n"},
        {"destinations: [{address: 10.0.0.1, zone: a, labels: {v: a}}]",
         "destinations: the zone of a destination has no effect yet\n"
         "destinations: the labels of a destination have no effect yet\n"},
        {"destinations: [{address: 10.0.0.1}]\nport: optional",
         "port: has no effect: no destination has a port\n"},
        {"destinations: [{address: 10.0.0.1, port: 1}]\nport: ignore",
         "port: ignore: ports are for probes only, which are not supported yet\n"},
        {"destinations: [{address: 10.0.0.1, port: 1}]",
         "port: a port is required by default: programs that resolve through NSS skip these "
         "destinations; `port: optional` answers without it\n"},
        {"action: deny\nanswers: 2",
         "select: select and answers have no effect without `destinations`\n"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        AUTO_BUFFER struct buffer text = {0}, said = {0};

        buffer_print(&text, "policy: a\ndomains: [a.mesh]\n%s\n", rows[i].text);
        struct policy *policy = parse((char *)text.bytes);
        buffer_print(&said, "%s", "");
        policy_warn(policy, note, &said);
        cr_expect_str_eq((char *)said.bytes, rows[i].says, "%s", rows[i].text);
        policy_free(policy);
    }

    AUTO_BUFFER struct buffer said = {0};
    struct policy *policy = parse("policy: a\ndomains: [localhost, x.localhost, notlocalhost]\n"
                                  "action: deny");
    policy_warn(policy, note, &said);
    cr_expect_str_eq((char *)said.bytes,
                     "domains[0]: localhost and what is below it are protected: no policy steers "
                     "them\ndomains[1]: localhost and what is below it are protected: no policy "
                     "steers them\n");
    policy_free(policy);
}

/* As the API gets them: no places, but the key and the words. */
Test(policy, a_document_without_places_is_refused_with_its_key)
{
    const char *text = "{\"policy\":\"a\",\"domains\":[\"a.mesh\"],"
                       "\"destinations\":[{\"address\":\"10.0.0.1\",\"weight\":70000}]}";
    AUTO_VALUE struct value document = {0};
    struct policy *policy = NULL;
    struct error err = {0};

    cr_assert_eq(json_read(text, strlen(text), &document, &err), 0);
    cr_expect_eq(policy_parse(&document, NULL, &policy, &err), ERROR_INVALID);
    cr_expect_str_eq(error_line(&err),
                     "destinations[0].weight: 70000 is above 65535, the largest weight");
    cr_expect_null(policy);
}

Test(policy, names_are_short_and_lower_case)
{
    cr_expect(policy_is_name("a") && policy_is_name("a-1"));
    cr_expect(!policy_is_name("") && !policy_is_name("A") && !policy_is_name("a_b"));
}

static void mutate(char *text, size_t *size, uint64_t random)
{
    static const char marks[] = "\n\t :-,[]{}'\"#*&!|>%@\\0\x80\xff";
    size_t at = *size ? (random >> 16) % *size : 0, length = 1 + (random >> 8) % 8;

    if (*size == 0)
        return;
    if (random % 4 == 0)
        text[at] = (char)(random >> 56);
    else if (random % 4 == 1)
        text[at] = marks[(random >> 48) % (sizeof(marks) - 1)];
    else if (random % 4 == 2 && at + length < *size)
        memmove(text + at, text + at + length, *size - at - length), *size -= length;
    else if (at + 2 * length < *size)
        memcpy(text + at, text + at + length, length);
}

/* Whatever the text: an answer, and a place that is in it. */
Test(policy, mutants_of_the_corpus_are_refused_at_a_place_that_exists)
{
    AUTO_FREE char *original = NULL, *text = malloc(1 << 20);
    uint64_t state = 1, refused = 0;
    glob_t files;

    cr_assert_eq(glob(CORPUS "/*.yaml", 0, NULL, &files), 0);
    cr_assert_eq(glob(CORPUS "/../../policies/*.yaml", GLOB_APPEND, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        size_t whole;

        free(original);
        cr_assert_eq(file_read(files.gl_pathv[i], 1 << 20, &original, &whole, NULL), 0);
        for (int mutant = 0; mutant < 40; mutant++) {
            struct error err = {0};
            size_t size = whole;

            memcpy(text, original, whole);
            for (int step = 0; step <= mutant % 4; step++)
                mutate(text, &size, rng_mix(state += UINT64_C(0x9e3779b97f4a7c15)));
            if (check_text(text, size, "x", &err) == 0)
                continue;
            const char *line = text;
            unsigned at = 1;
            for (const char *c = text; c < text + size && at < err.line; c++) {
                if (*c == '\n' || (*c == '\r' && (c + 1 == text + size || c[1] != '\n')))
                    line = c + 1, at++;
            }
            refused++;
            cr_assert_neq(err.line, 0, "%s", error_line(&err));
            if (at == err.line) /* rarer line breaks are left to libyaml */
                cr_assert_leq(err.column, (size_t)(text + size - line) + 1, "%s", error_line(&err));
        }
    }
    cr_expect_gt(refused, 2000);
    globfree(&files);
}
