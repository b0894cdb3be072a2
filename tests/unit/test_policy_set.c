/* test_policy_set.c - transactions over many policies, against a naive recomputation.
 *
 * Random policies over a few names; after each transaction everything that the set says is compared
 * with what a table of specifications says by exhaustive search, and each record with that of a
 * set built anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "compile.h"
#include "domain.h"
#include "policy_set.h"
#include "rng.h"
#include "yaml.h"

#define POLICIES  8
#define DOMAINS   5
#define ADDRESSES 4
#define KEYS      (DOMAINS + ADDRESSES)

static const char *const domains[DOMAINS] = {"a.m", "b.m", "c.m", "*.a.m", "*.m"};

enum kind { NONE, ROUTE, DENY, ALIAS };

struct spec {
    enum kind kind;
    unsigned domains, addresses; /* bits */
    unsigned target;             /* of an alias: index of an exact domain */
    int rank;
    unsigned when; /* 0 none, 1 and 2 programs, 3 this zone, 4 another */
    bool is_reverse;
};

struct model {
    struct spec now[POLICIES], before[POLICIES];
};

static uint64_t draw(struct rng *rng)
{
    return rng_mix(rng->state += UINT64_C(0x9e3779b97f4a7c15));
}

static struct spec random_spec(struct rng *rng)
{
    uint64_t random = draw(rng);
    struct spec spec = {
        .kind = random % 8 < 4   ? ROUTE
                : random % 8 < 5 ? DENY
                                 : ALIAS,
        .domains = 1U << random / 8 % DOMAINS | (random >> 40 & random >> 50 & 31),
        .addresses = 1U << (random >> 8) % ADDRESSES | 1U << (random >> 10) % ADDRESSES,
        .target = (unsigned)(random >> 16) % 3,
        .rank = (int)(random >> 20 & 1),
        .when = random >> 24 & 1 ? 0 : (unsigned)(random >> 26) % 5,
    };

    spec.is_reverse =
        spec.kind == ROUTE && spec.when == 0 && (spec.domains & 7) && (random >> 30 & 1);
    return spec;
}

static struct policy *make(unsigned name, const struct spec *spec)
{
    static const char *const whens[] = {"", "when: {app: x}\n", "when: {app: [y, x], uid: 7}\n",
                                        "when: {node: {zone: here}}\n",
                                        "when: {node: {zone: there}}\n"};
    AUTO_BUFFER struct buffer text = {0};
    AUTO_VALUE struct value documents = {0};
    struct policy *policy = NULL;
    struct error err = {0};

    buffer_print(&text, "policy: p%u\nrank: %d\n%sdomains:\n", name, spec->rank, whens[spec->when]);
    for (unsigned i = 0; i < DOMAINS; i++) {
        if (spec->domains >> i & 1)
            buffer_print(&text, "- '%s'\n", domains[i]);
    }
    if (spec->kind == DENY)
        buffer_print(&text, "action: deny\n");
    if (spec->kind == ALIAS)
        buffer_print(&text, "alias: %s\n", domains[spec->target]);
    if (spec->kind == ROUTE)
        buffer_print(&text, "reverse: %s\ndestinations:\n", spec->is_reverse ? "true" : "false");
    for (unsigned i = 0; i < ADDRESSES && spec->kind == ROUTE; i++) {
        if (spec->addresses >> i & 1)
            buffer_print(&text, "- {address: 10.0.0.%u, weight: %u}\n", i, name + 1);
    }
    cr_assert_eq(yaml_read((char *)text.bytes, text.size, "x", &documents, &err), 0);
    cr_assert_eq(policy_parse(&documents.list.items[0], "x", &policy, &err), 0, "%s\n%s",
                 error_line(&err), (char *)text.bytes);
    return policy;
}

static bool covers(const struct spec *spec, unsigned domain)
{
    return spec->kind != NONE && spec->domains >> domain & 1;
}

static bool is_covered(const struct spec *specs, unsigned domain)
{
    bool found = false;

    for (unsigned i = 0; i < POLICIES; i++)
        found |= covers(&specs[i], domain);
    return found;
}

static bool do_clash(const struct spec *a, const struct spec *b)
{
    if (a->kind == NONE || b->kind == NONE)
        return false;
    if (a->is_reverse && b->is_reverse && (a->addresses & b->addresses))
        return true;
    return (a->domains & b->domains) && a->rank == b->rank && a->when == 0 && b->when == 0;
}

/* Whether aliases lead from a domain to itself, by Warshall's closure. */
static bool has_cycle(const struct spec *specs)
{
    bool leads[DOMAINS][DOMAINS] = {{false}}, found = false;

    for (unsigned i = 0; i < POLICIES; i++) {
        for (unsigned d = 0; d < DOMAINS && specs[i].kind == ALIAS; d++) {
            if (specs[i].domains >> d & 1)
                leads[d][specs[i].target] = true;
        }
    }
    for (unsigned k = 0; k < DOMAINS; k++) {
        for (unsigned i = 0; i < DOMAINS; i++) {
            for (unsigned j = 0; j < DOMAINS; j++)
                leads[i][j] |= leads[i][k] && leads[k][j];
        }
    }
    for (unsigned d = 0; d < DOMAINS; d++)
        found |= leads[d][d];
    return found;
}

static bool is_right(const struct spec *specs)
{
    for (unsigned i = 0; i < POLICIES; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (do_clash(&specs[i], &specs[j]))
                return false;
        }
        if (specs[i].kind == ALIAS && !is_covered(specs, specs[i].target))
            return false;
    }
    return !has_cycle(specs);
}

static const struct compile_node node = {.name = "n", .zone = "here"};

struct records {
    struct compile_record of[KEYS]; /* count 0 = none */
};

static size_t key_of(unsigned i, char ret_key[static 16])
{
    if (i < DOMAINS)
        return (size_t)sprintf(ret_key, "%s", domain_key(domains[i]));
    memcpy(ret_key, (char[]){'@', 10, 0, 0, (char)(i - DOMAINS)}, 5);
    return 5;
}

static void compile_all(const struct policy_set *set, struct records *records)
{
    for (unsigned i = 0; i < KEYS; i++) {
        char key[16];
        size_t length = key_of(i, key);
        struct error err = {0};
        int r = compile_key(set, &node, key, length, &records->of[i], &err);

        cr_assert_geq(r, 0, "%s", error_line(&err));
        if (r == 0)
            records->of[i].count = 0;
    }
}

static bool is_same(const struct compile_record *a, const struct compile_record *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->words, b->words, a->count * sizeof(a->words[0])) == 0);
}

static void records_done(struct records *records)
{
    for (unsigned i = 0; i < KEYS; i++)
        compile_record_done(&records->of[i]);
}

/* A set built anew gives the same records. */
static void check_records(const struct model *model, const struct records *records, unsigned step)
{
    AUTO(records_done) struct records fresh = {0};
    struct policy_set *set = policy_set_new();

    for (unsigned i = POLICIES; i-- > 0;) {
        if (model->now[i].kind != NONE)
            cr_assert_eq(policy_set_put(set, make(i, &model->now[i]), NULL), 0);
    }
    cr_assert_eq(policy_set_check(set, NULL, NULL), 0);
    policy_set_commit(set);
    compile_all(set, &fresh);
    for (unsigned i = 0; i < KEYS; i++)
        cr_assert(is_same(&records->of[i], &fresh.of[i]), "step %u, key %u", step, i);
    policy_set_free(set);
}

static int note_key(void *context, const char *key, size_t length)
{
    bool *seen = context;

    for (unsigned i = 0; i < KEYS; i++) {
        char known[16];
        if (key_of(i, known) != length || memcmp(key, known, length) != 0)
            continue;
        cr_assert(!seen[i], "a key comes twice");
        seen[i] = true;
        return 0;
    }
    cr_assert_fail("an unknown key");
    return -1;
}

static int note_name(void *context, const struct policy *policy)
{
    buffer_print(context, "%s ", policy->name);
    return 0;
}

/* What the set says of names, domains and addresses. */
static void check_index(const struct policy_set *set, const struct spec *specs)
{
    AUTO_BUFFER struct buffer names = {0}, wanted = {0};
    bool keys[KEYS] = {false};
    size_t count = 0;

    for (unsigned i = 0; i < POLICIES; i++) {
        if (specs[i].kind != NONE)
            buffer_print(&wanted, "p%u ", i);
        count += specs[i].kind != NONE;
    }
    cr_assert_eq(policy_set_count(set), count);
    cr_assert_eq(policy_set_each(set, note_name, &names), 0);
    if (count > 0)
        cr_assert_str_eq((char *)names.bytes, (char *)wanted.bytes);
    cr_assert_eq(policy_set_keys(set, note_key, keys), 0);
    for (unsigned d = 0; d < DOMAINS; d++) {
        const struct policy *const *policies = NULL;
        size_t found = policy_set_domain(set, domains[d], &policies), at = 0;

        for (int rank = 0; rank < 2; rank++) {
            for (unsigned i = 0; i < POLICIES; i++) {
                if (!covers(&specs[i], d) || specs[i].rank != rank)
                    continue;
                cr_assert_lt(at, found);
                cr_assert_eq(policies[at++]->name[1], '0' + (int)i);
            }
        }
        cr_assert_eq(at, found);
        cr_assert_eq(keys[d], found > 0);
    }
    for (unsigned a = 0; a < ADDRESSES; a++) {
        const uint8_t address[4] = {10, 0, 0, (uint8_t)a};
        const struct policy *policy = policy_set_reverse(set, address, 4);
        bool is_claimed = false;

        for (unsigned i = 0; i < POLICIES; i++)
            is_claimed |=
                specs[i].kind != NONE && specs[i].is_reverse && specs[i].addresses >> a & 1;
        cr_assert_eq(policy != NULL, is_claimed);
        cr_assert_eq(keys[DOMAINS + a], is_claimed);
    }
}

static void change(struct policy_set *set, struct model *model, struct rng *rng)
{
    unsigned i = (unsigned)(draw(rng) % POLICIES);
    char name[8];

    sprintf(name, "p%u", i);
    if (draw(rng) % 3 == 0) {
        cr_assert_eq(policy_set_delete(set, name), model->now[i].kind != NONE);
        model->now[i] = (struct spec){.kind = NONE};
    } else {
        model->now[i] = random_spec(rng);
        cr_assert_eq(policy_set_put(set, make(i, &model->now[i]), NULL), 0);
    }
}

/* Every key whose record changes is among those that the transaction touches. */
static void check_touched(const struct policy_set *set, struct records *before, unsigned step)
{
    AUTO(records_done) struct records after = {0};
    bool touched[KEYS] = {false};

    cr_assert_eq(policy_set_touched(set, note_key, touched), 0);
    compile_all(set, &after);
    for (unsigned i = 0; i < KEYS; i++) {
        cr_assert(touched[i] || is_same(&before->of[i], &after.of[i]), "step %u, key %u", step, i);
        struct compile_record old = before->of[i];
        before->of[i] = after.of[i];
        after.of[i] = old;
    }
}

Test(policy_set, ten_thousand_steps_agree_with_a_naive_recomputation, .timeout = 120)
{
    struct policy_set *set = policy_set_new();
    AUTO(records_done) struct records records = {0};
    struct rng rng = {.state = 20};
    struct model model = {0};
    unsigned committed = 0, refused = 0, rolled_back = 0;

    for (unsigned step = 0; step < 10000;) {
        unsigned length = 1 + (unsigned)(draw(&rng) % 4);
        const struct policy *culprit = NULL;
        struct error err = {0};

        memcpy(model.before, model.now, sizeof(model.now));
        for (unsigned i = 0; i < length; i++, step++)
            change(set, &model, &rng);
        check_index(set, model.now);
        int r = policy_set_check(set, &culprit, &err);
        cr_assert_eq(r == 0, is_right(model.now), "step %u: %s", step, error_line(&err));
        if (r == 0 && draw(&rng) % 8 > 0) {
            check_touched(set, &records, step);
            policy_set_commit(set);
            check_records(&model, &records, step);
            committed++;
        } else {
            cr_assert(r == 0 || culprit);
            policy_set_rollback(set);
            memcpy(model.now, model.before, sizeof(model.now));
            refused += r < 0;
            rolled_back += r == 0;
        }
        check_index(set, model.now);
    }
    cr_assert(committed > 1000 && refused > 500 && rolled_back > 100, "%u %u %u", committed,
              refused, rolled_back);
    policy_set_free(set);
}

Test(policy_set, deleting_a_target_in_use_is_refused_and_names_who_uses_it)
{
    struct spec target = {.kind = ROUTE, .domains = 1, .addresses = 1};
    struct spec alias = {.kind = ALIAS, .domains = 2, .target = 0};
    struct policy_set *set = policy_set_new();
    const struct policy *culprit = NULL;
    struct error err = {0};

    cr_assert_eq(policy_set_put(set, make(0, &target), NULL), 0);
    cr_assert_eq(policy_set_put(set, make(1, &alias), NULL), 0);
    cr_assert_eq(policy_set_check(set, NULL, NULL), 0);
    policy_set_commit(set);

    cr_expect_eq(policy_set_delete(set, "p0"), 1);
    cr_expect_eq(policy_set_delete(set, "p0"), 0);
    cr_expect_eq(policy_set_check(set, &culprit, &err), ERROR_CONFLICT);
    cr_expect_str_eq(culprit->name, "p1");
    cr_expect_str_eq(err.text,
                     "policy 'p1' is an alias of 'a.m', which no policy would cover then");
    policy_set_rollback(set);
    cr_expect_eq(policy_set_count(set), 2);

    cr_expect_eq(policy_set_delete(set, "p0"), 1);
    cr_expect_eq(policy_set_delete(set, "p1"), 1);
    cr_expect_eq(policy_set_check(set, NULL, NULL), 0);
    policy_set_commit(set);
    cr_expect_eq(policy_set_count(set), 0);
    cr_expect_eq(policy_set_delete(set,
                                   "no-such-policy-and-a-name-that-is-longer-than-any-may-be-in-"
                                   "a-mesh"),
                 0);
    policy_set_free(set);
    policy_set_free(NULL);
}
