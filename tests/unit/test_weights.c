/* test_weights.c - alias tables are exact, and each effective weight has its reason. */
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "rng.h"
#include "snapshot_format.h"
#include "weights.h"
#include "yaml.h"

__extension__ typedef __int128 wide;

/* Adds up each destination's probability, in units of 2^-32 of a column. */
static void check_table(const uint16_t *weights, size_t count)
{
    static uint64_t columns[SNAPSHOT_DESTINATIONS], parts[SNAPSHOT_DESTINATIONS];
    uint64_t sum = 0;

    memset(parts, 0, sizeof(parts));
    weights_table(weights, count, columns);
    for (size_t i = 0; i < count; i++) {
        size_t alias = SNAPSHOT_COLUMN_ALIAS(columns[i]);

        cr_assert_lt(alias, count);
        cr_assert_eq(SNAPSHOT_COLUMN_WEIGHT(columns[i]), weights[i]);
        parts[i] += SNAPSHOT_COLUMN_KEEP(columns[i]);
        parts[alias] += (UINT64_C(1) << 32) - SNAPSHOT_COLUMN_KEEP(columns[i]);
        sum += weights[i];
    }
    for (size_t i = 0; i < count; i++) {
        /* |parts / (count 2^32) - weight / sum| <= 2^-31, without fractions */
        wide off = (wide)parts[i] * sum - ((wide)weights[i] * count << 32);
        cr_assert(off <= 2 * (wide)sum * count && -off <= 2 * (wide)sum * count,
                  "destination %zu of %zu, weight %u of %llu", i, count, weights[i],
                  (unsigned long long)sum);
    }
}

Test(weights, a_table_gives_each_destination_its_share_to_the_last_bits)
{
    static const uint16_t pairs[][2] = {{90, 10}, {1, 65535}, {65535, 1}, {1, 1}, {65535, 65535}};
    static const uint16_t four[] = {1, 2, 3, 4};
    static uint16_t weights[SNAPSHOT_DESTINATIONS];
    struct rng rng = {.epoch = 1, .state = 4711};

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
        check_table(pairs[i], 2);
    check_table(four, 4);
    for (size_t count = 1; count <= 200; count++) { /* equal ones */
        for (size_t i = 0; i < count; i++)
            weights[i] = 7;
        check_table(weights, count);
    }
    for (int round = 0; round < 400; round++) {
        uint64_t random = rng_mix(rng.state += 0x9e3779b97f4a7c15);
        size_t count = round < 8 ? SNAPSHOT_DESTINATIONS : 1 + random % 300;
        unsigned shift = (unsigned)(random >> 32) % 16;

        for (size_t i = 0; i < count; i++)
            weights[i] = (uint16_t)(1 + (rng_mix(rng.state += 0x9e3779b97f4a7c15) & 0xffff) %
                                            (65535U >> shift));
        check_table(weights, count);
    }
}

/* Effective weights and the first letters of their reasons: Serves, Equal, Panic, Drained, Zero,
 * Waits. */
static void check_effective(const char *text, const char *says)
{
    static const char letters[] = "SEPDZW";
    AUTO_BUFFER struct buffer document = {0}, found = {0};
    AUTO_VALUE struct value documents = {0};
    struct weights_item items[8];
    struct policy *policy = NULL;
    struct error err = {0};

    buffer_print(&document, "policy: a\ndomains: [a.mesh]\n%s", text);
    cr_assert_eq(yaml_read((char *)document.bytes, document.size, "x", &documents, &err), 0);
    cr_assert_eq(policy_parse(&documents.list.items[0], "x", &policy, &err), 0, "%s",
                 error_line(&err));
    size_t count = weights_effective(policy, items), positive = 0;
    for (size_t i = 0; i < policy->destination_count; i++) {
        buffer_print(&found, "%s%u%c", i > 0 ? " " : "", items[i].weight, letters[items[i].reason]);
        positive += items[i].weight > 0;
    }
    cr_expect_str_eq((char *)found.bytes, says, "%s", text);
    cr_expect_eq(count, positive);
    policy_free(policy);
}

Test(weights, each_destination_has_its_effective_weight_and_the_reason_for_it)
{
#define D(n, more) "- {address: 10.0.0." #n more "}\n"
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"destinations:\n" D(1, ", weight: 90") D(2, ", weight: 10"), "90S 10S"},
        {"destinations:\n" D(1, ", weight: 5") D(2, ", weight: 0"), "5S 0Z"},
        {"destinations:\n" D(1, ", weight: 0") D(2, ", weight: 0"), "1E 1E"},
        {"destinations:\n" D(1, ", weight: 3, drain: true") D(2, ""), "0D 1S"},
        {"destinations:\n" D(1, ", priority: 1") D(2, ", weight: 7"), "0W 7S"},
        {"destinations:\n" D(1, ", priority: 1") D(2, ", drain: true"), "1S 0D"},
        {"destinations:\n" D(1, ", priority: 1") D(2, ", weight: 0"), "1S 0W"},
        {"destinations:\n" D(1, ", priority: 1, weight: 0") D(2, ", weight: 0"), "0W 1E"},
        {"destinations:\n" D(1, ", priority: 1, weight: 0") D(2, ", weight: 0, drain: true"),
         "1E 0D"},
        {"destinations:\n" D(1, ", drain: true, weight: 2") D(2, ", drain: true, priority: 1"),
         "2P 1P"},
        {"destinations:\n" D(1, ", drain: true, weight: 2") D(2, ", drain: true, weight: 0"),
         "2P 0Z"},
        {"destinations:\n" D(1, ", drain: true, weight: 0") D(2, ", drain: true, weight: 0"),
         "1P 1P"},
        {"on_all_down: dns\ndestinations:\n" D(1, ", drain: true"), "0D"},
        {"on_all_down: fail\ndestinations:\n" D(1, ", drain: true"), "0D"},
        {"select: ordered\ndestinations:\n" D(1, ", priority: 1") D(2, "") D(3, ", weight: 0")
             D(4, ", drain: true"),
         "1S 1S 0Z 0D"},
        {"select: sticky\ndestinations:\n" D(1, ", priority: 1") D(2, ", weight: 9"), "0W 9S"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        check_effective(rows[i].text, rows[i].says);
}
