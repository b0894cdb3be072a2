/* test_compile_describe.c - what is told of a record was compiled; any words are safe. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "compile.h"
#include "domain.h"
#include "json.h"
#include "rng.h"
#include "snapshot_format.h"
#include "yaml.h"

static uint64_t state = 11;

static unsigned draw(unsigned below)
{
    return (unsigned)(rng_mix(state += UINT64_C(0x9e3779b97f4a7c15)) >> 33) % below;
}

/* A random policy: families, weights with zeros, priorities, drains, ports, whens. */
static void random_policy(struct buffer *text)
{
    static const char *const selects[] = {"weighted", "latency", "ordered", "sticky"};
    static const char *const ports[] = {"required", "optional", "ignore"};
    static const char *const downs[] = {"all", "dns", "fail"};
    unsigned count = 1 + draw(draw(4) ? 6 : 200), tiers = 1 + draw(3), drains = 1 + draw(8);
    bool has_ports = draw(3) == 0, has_wide = draw(2), has_narrow = !has_wide || draw(2);

    buffer_print(text, "policy: a\ndomains: ['%s']\nselect: %s\nport: %s\non_all_down: %s\n",
                 draw(2) ? "x.m" : "*.x.m", selects[draw(4)], ports[draw(3)], downs[draw(3)]);
    buffer_print(text, "answers: %u\n", 1 + draw(16));
    if (draw(4) == 0)
        buffer_print(text, "when: {app: [nginx, 'php*'], uid: [1, 33, 4000000000]}\n");
    buffer_print(text, "destinations:\n");
    for (unsigned i = 0; i < count; i++) {
        bool is_wide = has_wide && (draw(2) || !has_narrow);
        bool is_narrow = has_narrow && (draw(3) || !is_wide);

        buffer_print(text, "- {address: [");
        if (is_narrow)
            buffer_print(text, "10.0.0.%u", i);
        if (is_wide || !is_narrow)
            buffer_print(text, "%s'fd00::%x'", is_narrow ? ", " : "", i + 1);
        buffer_print(text, "], weight: %u, priority: %u, drain: %s",
                     draw(5) ? draw(1U << draw(17)) & 0xffff : 0, draw(tiers),
                     draw(drains) ? "false" : "true");
        if (has_ports && draw(2))
            buffer_print(text, ", port: %u", 1 + draw(65535));
        buffer_print(text, "}\n");
    }
}

static struct policy_set *load(const char *text)
{
    AUTO_VALUE struct value documents = {0};
    struct policy_set *set = policy_set_new();
    struct policy *policy = NULL;
    struct error err = {0};

    cr_assert_eq(yaml_read(text, strlen(text), "x", &documents, &err), 0, "%s\n%s",
                 error_line(&err), text);
    cr_assert_eq(policy_parse(&documents.list.items[0], "x", &policy, &err), 0, "%s\n%s",
                 error_line(&err), text);
    cr_assert_eq(policy_set_put(set, policy, &err), 0);
    cr_assert_eq(policy_set_check(set, NULL, &err), 0);
    policy_set_commit(set);
    return set;
}

/* The share of a destination in a list, by its addresses; -1 = it is not there. */
static int64_t find_share(const struct value *list, const struct value *address)
{
    for (size_t i = 0; list && i < list->list.count; i++) {
        const struct value *item = &list->list.items[i];
        if (value_is_equal(value_get(item, "address"), address))
            return value_get_integer(item, "effective", -1);
    }
    return -1;
}

/* The reader's first rule and the explanation give each destination the same share. */
static void check_shares(const struct value *explanation, const struct value *description,
                         const char *text)
{
    const struct value *said = &value_get(explanation, "rules")->list.items[0];
    const struct value *found = &value_get(description, "rules")->list.items[0];
    const struct value *all = value_get(said, "destinations");
    const struct value *some = value_get(found, "destinations");
    size_t serving = 0, count = some ? some->list.count : 0;
    int64_t sum = 0;

    cr_assert_str_eq(value_get_text(said, "verb"), value_get_text(found, "verb"), "%s", text);
    for (size_t i = 0; i < all->list.count; i++) {
        const struct value *one = &all->list.items[i], *address = value_get(one, "address");
        int64_t wanted = value_get_integer(one, "effective", -1), share = find_share(some, address);

        /* Parts per million; sticky rules tell weights, which are exact. */
        cr_assert(share < 0 ? wanted == 0 : llabs(share - wanted) <= 1, "%ld for %ld of\n%s",
                  (long)share, (long)wanted, text);
        sum += wanted;
        serving += share >= 0;
    }
    if (count > 0)
        cr_assert(llabs(sum - 1000000) <= (int64_t)all->list.count, "%ld\n%s", (long)sum, text);
    cr_assert_eq(serving, count);
}

static const struct compile_node node = {.name = "n"};

Test(compile_describe, a_record_tells_the_shares_that_the_explanation_tells)
{
    for (int round = 0; round < 3000; round++) {
        AUTO_BUFFER struct buffer text = {0};
        AUTO_VALUE struct value explanation = {0}, description = {0};
        AUTO(compile_record_done) struct compile_record record = {0};
        const char *domain;
        struct error err = {0};

        random_policy(&text);
        struct policy_set *set = load((char *)text.bytes);
        domain = strstr((char *)text.bytes, "*.x.m") ? "*.x.m" : "x.m";
        const char *key = domain_key(domain);
        cr_assert_eq(compile_key(set, &node, key, strlen(key), &record, &err), 1);
        cr_assert_eq(compile_describe(record.words, record.count, &description, &err), 1, "%s\n%s",
                     error_line(&err), (char *)text.bytes);
        cr_assert_eq(compile_explain(set, &node, domain, &explanation, &err), 1);
        cr_assert_str_eq(value_get_text(&description, "domain"), domain);
        check_shares(&explanation, &description, (char *)text.bytes);
        policy_set_free(set);
    }
}

/* The words are copied to a block of their exact size, so that a read outside is seen. */
static int describe_copy(const uint64_t *words, size_t count)
{
    AUTO_VALUE struct value description = {0};
    AUTO_FREE uint64_t *copy = malloc(count ? count * sizeof(*copy) : 1);

    memcpy(copy, words, count * sizeof(*copy));
    int r = compile_describe(copy, count, &description, NULL);
    if (r == 1) {
        AUTO_BUFFER struct buffer json = {0};

        json_write(&description, 0, &json);
        cr_assert(buffer_is_good(&json), "what is told is UTF-8");
    }
    return r;
}

Test(compile_describe, any_words_are_described_or_refused)
{
    unsigned refused = 0, told = 0;

    for (int round = 0; round < 300; round++) {
        AUTO_BUFFER struct buffer text = {0};
        AUTO(compile_record_done) struct compile_record record = {0};

        random_policy(&text);
        struct policy_set *set = load((char *)text.bytes);
        const char *key = strstr((char *)text.bytes, "*.x.m") ? ".x.m" : "x.m";
        cr_assert_eq(compile_key(set, &node, key, strlen(key), &record, NULL), 1);
        policy_set_free(set);
        for (size_t cut = 0; cut < record.count && cut < 40; cut++)
            cr_assert_eq(describe_copy(record.words, cut), ERROR_INVALID, "cut at %zu", cut);
        for (int mutant = 0; mutant < 60; mutant++) {
            size_t at = draw(2) ? draw(4) : draw((unsigned)record.count);
            if (at >= record.count)
                continue;
            uint64_t old = record.words[at];
            record.words[at] = draw(2) ? old ^ UINT64_C(1) << draw(64) : rng_mix(state);
            int r = describe_copy(record.words, record.count);
            told += r == 1;
            refused += r == ERROR_INVALID;
            record.words[at] = old;
        }
    }
    cr_expect(told > 1000 && refused > 1000, "%u %u", told, refused);
}

Test(compile_describe, protected_names_search_lists_and_addresses_are_told)
{
    static const char *const list[] = {"a.m", "m"};
    static const struct {
        const char *key;
        size_t length;
        const char *says;
    } rows[] = {
        {"x.m", 3, "{\"domain\":\"x.m\",\"rules\":[{\"verb\":\"pass\",\"answers\":1}]}"},
        {":search", 7,
         "{\"domain\":\":search\",\"ndots\":3,\"search\":[\"a.m\",\"m\"],"
         "\"rules\":[]}"},
        {"@\x0a\0\0\1", 5,
         "{\"address\":\"10.0.0.1\",\"rules\":[{\"verb\":\"name\",\"answers\":1,"
         "\"canonical\":\"x.m\"}]}"},
    };
    struct policy_set *set = load("policy: a\ndomains: [x.m]\nreverse: true\n"
                                  "destinations: [{address: 10.0.0.1}]\n");
    AUTO(compile_record_done) struct compile_record record = {0};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        AUTO_VALUE struct value description = {0};
        AUTO_BUFFER struct buffer json = {0};
        int r = i == 0   ? compile_pass(rows[i].key, rows[i].length, &record)
                : i == 1 ? compile_search(list, 2, 3, &record)
                         : compile_key(set, &node, rows[i].key, rows[i].length, &record, NULL);

        cr_assert_eq(r, 1);
        cr_assert_eq(compile_describe(record.words, record.count, &description, NULL), 1);
        json_write(&description, 0, &json);
        cr_expect_str_eq((char *)json.bytes, rows[i].says);
    }
    policy_set_free(set);
}
