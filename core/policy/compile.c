/* compile.c - policies into records for one machine.
 *
 * Rules are planned first (who asks, which policy), because the shape of a record's rules depends
 * on how many there are; then encoded one after the other. Behind a rule that holds for whoever
 * asks nothing is reached, so the plan ends there.
 */
#include "compile.h"

#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "compile_plan.h"
#include "record.h"
#include "rules.h"
#include "snapshot_format.h"
#include "weights.h"

void compile_record_done(struct compile_record *record)
{
    free(record->words);
    *record = (struct compile_record){0};
}

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_INTERNAL, "out of memory");
}

enum snapshot_verb compile_verb(const struct policy *policy)
{
    static const enum snapshot_verb sticks[] = {
        [POLICY_BY_HOST] = SNAPSHOT_STICK_HOST,
        [POLICY_BY_UID] = SNAPSHOT_STICK_UID,
        [POLICY_BY_APP] = SNAPSHOT_STICK_APP,
        [POLICY_BY_PROCESS] = SNAPSHOT_STICK_PROCESS,
    };

    switch (policy->select) {
    case POLICY_STICKY:
        return sticks[policy->sticky];
    case POLICY_ORDERED:
        return SNAPSHOT_LIST;
    case POLICY_WEIGHTED:
    case POLICY_LATENCY: /* not measured yet: acts as weighted */
        return SNAPSHOT_DRAW;
    }
    return SNAPSHOT_PASS;
}

/* An ordered policy is asked by priority, then as written. */
static int compare_priority(const void *a, const void *b)
{
    const struct policy_destination *x = *(const struct policy_destination *const *)a;
    const struct policy_destination *y = *(const struct policy_destination *const *)b;

    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* The destinations that have an effective weight, as the record holds them. `ret` has room for all.
 */
static size_t gather(const struct policy *policy, const struct weights_item *weights,
                     const struct policy_destination **order, struct record_destination *ret)
{
    size_t count = 0;

    for (size_t i = 0; i < policy->destination_count; i++) {
        if (weights[i].weight > 0)
            order[count++] = &policy->destinations[i];
    }
    if (policy->select == POLICY_ORDERED)
        qsort(order, count, sizeof(order[0]), compare_priority);
    for (size_t i = 0; i < count; i++) {
        const struct policy_destination *from = order[i];

        ret[i] = (struct record_destination){
            .v4 = from->v4,
            .port = policy->port == POLICY_PORT_IGNORE ? 0 : from->port,
            .weight = weights[from - policy->destinations].weight,
            .has_v4 = from->has_v4,
            .has_v6 = from->has_v6,
        };
        memcpy(ret[i].v6, from->v6, sizeof(ret[i].v6));
    }
    return count;
}

/* Those that a caller who cannot set a port may have. */
static size_t leave_portless(struct record_destination *destinations, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (destinations[i].port == 0)
            destinations[kept++] = destinations[i];
    }
    return kept;
}

static size_t count_ports(const struct record_destination *destinations, size_t count)
{
    size_t ports = 0;

    for (size_t i = 0; i < count; i++)
        ports += destinations[i].port != 0;
    return ports;
}

/* A required port makes two rules: for who can set it, and for who cannot. */
static int encode_serving(struct record_rule *rule, struct record_destination *destinations,
                          bool is_split, bool is_alone, struct compile_record *record)
{
    rule->destinations = destinations;
    if (!is_split)
        return record_rule(record, rule, is_alone);

    rule->flags = SNAPSHOT_RULE_SHIM_ONLY;
    if (record_rule(record, rule, false) < 0)
        return ERROR_INTERNAL;
    rule->flags = SNAPSHOT_RULE_NSS_ONLY;
    rule->count = leave_portless(destinations, rule->count);
    if (rule->count == 0)
        rule->verb = SNAPSHOT_DRAW; /* of none: no data */
    return record_rule(record, rule, false);
}

/* Encodes what one planned item answers. Returns the number of rules, or ERROR_INTERNAL. */
static int encode_route(const struct policy *policy, struct record_rule *rule, bool is_alone,
                        struct compile_record *record)
{
    size_t most = policy->destination_count;
    AUTO_FREE struct weights_item *weights = calloc(most, sizeof(*weights));
    AUTO_FREE const struct policy_destination **order = calloc(most, sizeof(*order));
    AUTO_FREE struct record_destination *destinations = calloc(most, sizeof(*destinations));

    if (!weights || !order || !destinations)
        return ERROR_INTERNAL;
    if (weights_effective(policy, weights) == 0) { /* all drained, and not to be used */
        rule->verb = policy->on_all_down == POLICY_DOWN_FAIL ? SNAPSHOT_DENY : SNAPSHOT_PASS;
        return record_rule(record, rule, is_alone) < 0 ? ERROR_INTERNAL : 1;
    }
    rule->count = gather(policy, weights, order, destinations);
    rule->verb = compile_verb(policy);
    rule->answers = policy->answers;
    bool is_split = policy->port == POLICY_PORT_REQUIRED && count_ports(destinations, rule->count);
    if (encode_serving(rule, destinations, is_split, is_alone, record) < 0)
        return ERROR_INTERNAL;
    return is_split ? 2 : 1;
}

static int encode_item(const struct compile_plan_item *item, bool is_alone,
                       struct compile_record *record)
{
    const struct policy *policy = item->rule.policy;
    const char *apps[SNAPSHOT_APPS_MAX];
    struct record_rule rule = {
        .verb = SNAPSHOT_DENY,
        .answers = 1,
        .apps = apps,
        .uids = item->uids,
        .uid_count = item->uid_count,
        .canonical = item->rule.canonical,
    };
    int app_count = rules_apps(&item->rule, apps);

    rule.app_count = app_count > 0 ? (size_t)app_count : 0;
    if (policy->action == POLICY_ROUTE)
        return encode_route(policy, &rule, is_alone, record);
    return record_rule(record, &rule, is_alone) < 0 ? ERROR_INTERNAL : 1;
}

static int compile_domain(const struct policy_set *set, const struct compile_node *node,
                          const char *key, size_t length, struct compile_record *record,
                          struct error *err)
{
    AUTO(compile_plan_done) struct compile_plan plan = {0};
    char domain[SNAPSHOT_KEY_MAX + 2] = "*";
    size_t rules = 0;

    memcpy(domain + (key[0] == '.'), key, length);
    domain[length + (key[0] == '.')] = '\0';
    int r = compile_plan_make(set, node, domain, &plan, err);
    if (r < 0 || plan.count == 0)
        return r;
    if (record_begin(record, key, length) < 0)
        return no_memory(err);
    for (size_t i = 0; i < plan.count; i++) {
        r = encode_item(&plan.items[i], plan.count == 1, record);
        if (r < 0)
            return no_memory(err);
        rules += (size_t)r;
    }
    record_end(record, rules);
    return 1;
}

static int compile_reverse(const struct policy_set *set, const char *key, size_t length,
                           struct compile_record *record, struct error *err)
{
    const struct policy *policy = policy_set_reverse(set, key + 1, length - 1);
    struct record_rule rule = {.verb = SNAPSHOT_NAME, .answers = 1};

    for (size_t i = 0; policy && i < policy->domain_count && !rule.canonical; i++) {
        if (policy->domains[i].text[0] != '*')
            rule.canonical = policy->domains[i].text;
    }
    if (!rule.canonical)
        return 0;
    if (record_begin(record, key, length) < 0 || record_rule(record, &rule, true) < 0)
        return no_memory(err);
    record_end(record, 1);
    return 1;
}

int compile_key(const struct policy_set *set, const struct compile_node *node, const char *key,
                size_t length, struct compile_record *ret_record, struct error *err)
{
    if (length == 0 || length > SNAPSHOT_KEY_MAX)
        return 0;
    if (key[0] == '@')
        return compile_reverse(set, key, length, ret_record, err);
    return compile_domain(set, node, key, length, ret_record, err);
}

int compile_pass(const char *key, size_t length, struct compile_record *ret_record)
{
    struct record_rule rule = {.verb = SNAPSHOT_PASS, .answers = 1};

    if (record_begin(ret_record, key, length) < 0 || record_rule(ret_record, &rule, true) < 0)
        return ERROR_INTERNAL;
    record_end(ret_record, 1);
    return 1;
}

int compile_search(const char *const *domains, size_t count, unsigned ndots,
                   struct compile_record *ret_record)
{
    uint8_t list[2 + SNAPSHOT_SEARCH_MAX * (1 + SNAPSHOT_NAME_MAX)];
    size_t size = 2, taken = 0;

    for (size_t i = 0; i < count && taken < SNAPSHOT_SEARCH_MAX; i++) {
        size_t length = strlen(domains[i]);

        if (length == 0 || length > SNAPSHOT_NAME_MAX)
            continue;
        list[size] = (uint8_t)length;
        memcpy(list + size + 1, domains[i], length);
        size += 1 + length;
        taken++;
    }
    list[0] = (uint8_t)(ndots < 255 ? ndots : 255);
    list[1] = (uint8_t)taken;
    if (record_begin(ret_record, SNAPSHOT_KEY_SEARCH, strlen(SNAPSHOT_KEY_SEARCH)) < 0 ||
        record_bytes(ret_record, list, size) < 0)
        return ERROR_INTERNAL;
    record_end(ret_record, 0);
    return 1;
}
