/* compile_plan.c - which rules a domain's record has on one machine. */
#include "compile_plan.h"

#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "policy_label.h"

static bool is_same(const char *wanted, const char *found)
{
    return !wanted || (found && strcmp(wanted, found) == 0);
}

static bool is_for_node(const struct policy_when *when, const struct compile_node *node)
{
    if (!is_same(when->node_name, node->name) || !is_same(when->node_zone, node->zone))
        return false;
    for (size_t i = 0; i < when->node_label_count; i++) {
        const struct policy_label *label = &when->node_labels[i];
        if (!is_same(label->text, policy_label_get(node->labels, node->label_count, label->key)))
            return false;
    }
    return true;
}

/* The users of one `when` as numbers of this machine. */
static size_t find_uids(const struct policy_when *when, const struct compile_node *node,
                        uint32_t *ret_uids)
{
    size_t count = 0;

    for (size_t i = 0; i < when->uid_count; i++) {
        const struct policy_uid *uid = &when->uids[i];
        uint32_t number = uid->uid;
        size_t known = 0;

        if (uid->name && (!node->uid_of || node->uid_of(node->context, uid->name, &number) <= 0))
            continue;
        while (known < count && ret_uids[known] != number)
            known++;
        ret_uids[known] = number;
        count += known == count;
    }
    return count;
}

/* Leaves those of `uids` that are among `others`. */
static size_t intersect(uint32_t *uids, size_t count, const uint32_t *others, size_t other_count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        size_t j = 0;
        while (j < other_count && others[j] != uids[i])
            j++;
        if (j < other_count)
            uids[kept++] = uids[i];
    }
    return kept;
}

/* Fills uids, uid_count and reason. */
static void judge(struct compile_plan_item *item, const struct compile_node *node)
{
    const char *apps[SNAPSHOT_APPS_MAX];
    uint32_t uids[SNAPSHOT_UIDS_MAX];
    bool has_uids = false;

    for (size_t i = 0; i <= item->rule.via_count; i++) {
        const struct policy_when *when =
            &(i < item->rule.via_count ? item->rule.via[i] : item->rule.policy)->when;

        if (!is_for_node(when, node)) {
            item->reason = COMPILE_PLAN_NODE;
            return;
        }
        if (when->uid_count == 0)
            continue;
        size_t count = find_uids(when, node, uids);
        if (has_uids) {
            item->uid_count = intersect(item->uids, item->uid_count, uids, count);
        } else {
            memcpy(item->uids, uids, count * sizeof(uids[0]));
            item->uid_count = count;
        }
        has_uids = true;
    }
    if (rules_apps(&item->rule, apps) < 0)
        item->reason = COMPILE_PLAN_APPS;
    else if (has_uids && item->uid_count == 0)
        item->reason = COMPILE_PLAN_UIDS;
}

static bool is_for_all(const struct compile_plan_item *item)
{
    const char *apps[SNAPSHOT_APPS_MAX];

    return item->uid_count == 0 && rules_apps(&item->rule, apps) == 0;
}

int compile_plan_explain(const struct policy_set *set, const struct compile_node *node,
                         const char *domain, struct compile_plan *ret_plan, struct error *err)
{
    AUTO_FREE struct rules_item *items = calloc(SNAPSHOT_RULES_MAX, sizeof(*items));
    AUTO_FREE struct compile_plan_item *planned = NULL;
    struct rules rules = {.items = items};
    bool is_behind = false;

    if (!items)
        return error_set(err, ERROR_INTERNAL, "out of memory");
    if (rules_collect(set, domain, &rules) < 0)
        return error_set(err, ERROR_INTERNAL, "the policies of '%s' were not checked", domain);
    planned = calloc(rules.count + 1, sizeof(*planned));
    if (!planned)
        return error_set(err, ERROR_INTERNAL, "out of memory");

    for (size_t i = 0; i < rules.count; i++) {
        planned[i].rule = items[i];
        judge(&planned[i], node);
        if (planned[i].reason == COMPILE_PLAN_HOLDS && is_behind)
            planned[i].reason = COMPILE_PLAN_BEHIND;
        is_behind |= planned[i].reason == COMPILE_PLAN_HOLDS && is_for_all(&planned[i]);
    }
    ret_plan->items = auto_take(planned);
    ret_plan->count = rules.count;
    return 0;
}

int compile_plan_make(const struct policy_set *set, const struct compile_node *node,
                      const char *domain, struct compile_plan *ret_plan, struct error *err)
{
    size_t kept = 0;
    int r = compile_plan_explain(set, node, domain, ret_plan, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < ret_plan->count; i++) {
        if (ret_plan->items[i].reason == COMPILE_PLAN_HOLDS)
            ret_plan->items[kept++] = ret_plan->items[i];
    }
    ret_plan->count = kept;
    return 0;
}

void compile_plan_done(struct compile_plan *plan)
{
    free(plan->items);
    *plan = (struct compile_plan){0};
}
