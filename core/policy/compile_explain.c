/* compile_explain.c - why a domain resolves as it does on a node.
 *
 * The same plan and the same weights as the record (compile.c), with the reasons kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "compile.h"
#include "compile_describe.h"
#include "compile_plan.h"
#include "weights.h"

/* Why a rule is in the record, or not. */
static const char *why(const struct compile_plan_item *item)
{
    switch (item->reason) {
    case COMPILE_PLAN_HOLDS:
        return "";
    case COMPILE_PLAN_NODE:
        return "`when: node` names other machines";
    case COMPILE_PLAN_APPS:
        return "no program is let in by both alias and target";
    case COMPILE_PLAN_UIDS:
        return "none of its users is known on this machine";
    case COMPILE_PLAN_BEHIND:
        return "a rule in front of it holds for whoever asks";
    }
    return "";
}

static void put_labels(struct value *map, const struct policy_label *labels, size_t count)
{
    AUTO_VALUE struct value inner = {.type = VALUE_MAP};

    for (size_t i = 0; i < count; i++)
        value_put_text(&inner, labels[i].key, labels[i].text);
    if (count > 0)
        (void)value_put(map, "labels", &inner);
}

static void put_node(struct value *map, const struct policy_when *when)
{
    AUTO_VALUE struct value node = {.type = VALUE_MAP};

    if (when->node_name)
        value_put_text(&node, "name", when->node_name);
    if (when->node_zone)
        value_put_text(&node, "zone", when->node_zone);
    put_labels(&node, when->node_labels, when->node_label_count);
    if (node.map.count > 0)
        (void)value_put(map, "node", &node);
}

/* As it is written. */
static void put_when(struct value *map, const struct policy *policy)
{
    const struct policy_when *when = &policy->when;
    AUTO_VALUE struct value inner = {.type = VALUE_MAP}, apps = {.type = VALUE_LIST};
    AUTO_VALUE struct value uids = {.type = VALUE_LIST};

    put_node(&inner, when);
    for (size_t i = 0; i < when->app_count; i++)
        compile_describe_push(&apps, "%s", when->apps[i]);
    for (size_t i = 0; i < when->uid_count; i++) {
        struct value number = value_integer(when->uids[i].uid);
        if (when->uids[i].name)
            compile_describe_push(&uids, "%s", when->uids[i].name);
        else
            (void)value_push(&uids, &number);
    }
    if (apps.list.count > 0)
        (void)value_put(&inner, "app", &apps);
    if (uids.list.count > 0)
        (void)value_put(&inner, "uid", &uids);
    if (inner.map.count > 0)
        (void)value_put(map, "when", &inner);
}

/* What decides a share among the destinations of a policy. */
struct shares {
    const struct weights_item *weights;
    uint64_t sum;
    size_t first; /* of an ordered policy: who is asked first */
    uint32_t tier;
};

static void push_reason(struct value *reasons, const struct policy *policy, size_t i,
                        const struct shares *shares)
{
    const struct policy_destination *destination = &policy->destinations[i];
    bool is_ordered = policy->select == POLICY_ORDERED;

    switch (shares->weights[i].reason) {
    case WEIGHTS_SERVES:
        if (is_ordered)
            compile_describe_push(reasons, i == shares->first ? "asked first" : "asked in order");
        else
            compile_describe_push(reasons, "weight %u of %llu", destination->weight,
                                  (unsigned long long)shares->sum);
        break;
    case WEIGHTS_EQUAL:
        compile_describe_push(reasons, "all weights are 0: equal shares");
        break;
    case WEIGHTS_PANIC:
        compile_describe_push(reasons, "all are drained, and `on_all_down: all` ignores it");
        break;
    case WEIGHTS_DRAINED:
        compile_describe_push(reasons, "drained");
        break;
    case WEIGHTS_ZERO:
        compile_describe_push(reasons, "weight 0 receives nothing beside positive ones");
        break;
    case WEIGHTS_WAITS:
        compile_describe_push(reasons, "waits: priority %u serves", shares->tier);
        break;
    }
    if (destination->port && policy->port == POLICY_PORT_REQUIRED)
        compile_describe_push(reasons, "port %u is required: not through NSS", destination->port);
    if (destination->zone)
        compile_describe_push(reasons, "zone '%s' has no effect yet", destination->zone);
    if (destination->label_count > 0)
        compile_describe_push(reasons, "labels have no effect yet");
}

static void push_destination(struct value *list, const struct policy *policy, size_t i,
                             const struct shares *shares)
{
    const struct policy_destination *destination = &policy->destinations[i];
    AUTO_VALUE struct value map = {.type = VALUE_MAP}, addresses = {.type = VALUE_LIST};
    AUTO_VALUE struct value reasons = {.type = VALUE_LIST};
    int64_t share = compile_describe_share(shares->weights[i].weight, shares->sum);

    if (policy->select == POLICY_ORDERED)
        share = shares->weights[i].weight > 0 && i == shares->first ? 1000000 : 0;
    if (destination->has_v4)
        compile_describe_push_address(&addresses, &destination->v4, 4);
    if (destination->has_v6)
        compile_describe_push_address(&addresses, destination->v6, 16);
    (void)value_put(&map, "address", &addresses);
    if (destination->port)
        value_put_integer(&map, "port", destination->port);
    value_put_integer(&map, "weight", destination->weight);
    value_put_integer(&map, "priority", destination->priority);
    if (destination->zone)
        value_put_text(&map, "zone", destination->zone);
    put_labels(&map, destination->labels, destination->label_count);
    value_put_integer(&map, "effective", share);
    push_reason(&reasons, policy, i, shares);
    (void)value_put(&map, "reasons", &reasons);
    (void)value_push(list, &map);
}

static struct shares find_shares(const struct policy *policy, const struct weights_item *weights)
{
    struct shares shares = {.weights = weights, .first = policy->destination_count};

    for (size_t i = 0; i < policy->destination_count; i++) {
        if (weights[i].weight == 0)
            continue;
        shares.sum += weights[i].weight;
        if (shares.first == policy->destination_count ||
            policy->destinations[i].priority < policy->destinations[shares.first].priority)
            shares.first = i;
    }
    if (shares.first < policy->destination_count)
        shares.tier = policy->destinations[shares.first].priority;
    return shares;
}

/* Returns the verb of the rule; "" when memory runs out. */
static const char *put_destinations(struct value *map, const struct policy *policy)
{
    AUTO_VALUE struct value list = {.type = VALUE_LIST};
    AUTO_FREE struct weights_item *weights =
        calloc(policy->destination_count + 1, sizeof(*weights));

    if (!weights)
        return "";
    size_t serving = weights_effective(policy, weights);
    struct shares shares = find_shares(policy, weights);
    for (size_t i = 0; i < policy->destination_count; i++)
        push_destination(&list, policy, i, &shares);
    (void)value_put(map, "destinations", &list);
    if (serving == 0)
        return policy->on_all_down == POLICY_DOWN_FAIL ? "deny" : "pass";
    return compile_describe_verb(compile_verb(policy));
}

static void push_warning(void *context, const char *key, const char *sentence)
{
    compile_describe_push(context, "%s: %s", key, sentence);
}

static void put_warnings(struct value *map, const struct compile_plan_item *item,
                         const struct compile_node *node)
{
    AUTO_VALUE struct value warnings = {.type = VALUE_LIST};

    policy_warn(item->rule.policy, push_warning, &warnings);
    for (size_t i = 0; i <= item->rule.via_count; i++) {
        const struct policy_when *when =
            &(i < item->rule.via_count ? item->rule.via[i] : item->rule.policy)->when;
        for (size_t j = 0; j < when->uid_count; j++) {
            const char *user = when->uids[j].name;
            uint32_t uid;
            if (user && (!node->uid_of || node->uid_of(node->context, user, &uid) <= 0))
                compile_describe_push(&warnings, "when.uid: no user '%s' on this machine", user);
        }
    }
    (void)value_put(map, "warnings", &warnings);
}

/* An alias on the way: its `when` must hold too. */
static void push_via(struct value *list, const struct policy *alias)
{
    AUTO_VALUE struct value map = {.type = VALUE_MAP};

    value_put_text(&map, "policy", alias->name);
    put_when(&map, alias);
    (void)value_push(list, &map);
}

static void push_rule(struct value *rules, const struct compile_plan_item *item,
                      const struct compile_node *node)
{
    const struct policy *policy = item->rule.policy;
    const struct policy *first = item->rule.via_count ? item->rule.via[0] : policy;
    AUTO_VALUE struct value map = {.type = VALUE_MAP}, via = {.type = VALUE_LIST};
    const char *verb = "deny";

    value_put_text(&map, "policy", policy->name);
    value_put_integer(&map, "rank", first->rank);
    for (size_t i = 0; i < item->rule.via_count; i++)
        push_via(&via, item->rule.via[i]);
    if (item->rule.canonical) {
        (void)value_put(&map, "via", &via);
        value_put_text(&map, "canonical", item->rule.canonical);
    }
    value_put_boolean(&map, "applies", item->reason == COMPILE_PLAN_HOLDS);
    value_put_text(&map, "why", why(item));
    put_when(&map, policy);
    value_put_text(&map, "select", policy_select_name(policy->select));
    value_put_integer(&map, "answers", policy->answers);
    if (policy->action == POLICY_ROUTE)
        verb = put_destinations(&map, policy);
    value_put_text(&map, "verb", verb);
    put_warnings(&map, item, node);
    (void)value_push(rules, &map);
}

int compile_explain(const struct policy_set *set, const struct compile_node *node,
                    const char *domain, struct value *ret_explanation, struct error *err)
{
    AUTO(compile_plan_done) struct compile_plan plan = {0};
    struct value map = {.type = VALUE_MAP};
    AUTO_VALUE struct value rules = {.type = VALUE_LIST};
    int r = compile_plan_explain(set, node, domain, &plan, err);

    if (r < 0 || plan.count == 0)
        return r;
    value_put_text(&map, "domain", domain);
    for (size_t i = 0; i < plan.count; i++)
        push_rule(&rules, &plan.items[i], node);
    (void)value_put(&map, "rules", &rules);
    *ret_explanation = map;
    return 1;
}
