/* rules.c - what decides about a domain: its policies in order, aliases followed.
 *
 * Depth-first along aliases, of bounded depth; each path ends in a policy that answers, so that the
 * number of steps is bounded by the number of rules. Two patterns of program names either exclude
 * each other or one holds the other, so that `when`s can always be put together exactly.
 */
#include "rules.h"

#include <stdbool.h>
#include <string.h>

#include "policy_when.h"
#include "snapshot_format.h"

size_t rules_of_policy(const struct policy *policy)
{
    return policy->port == POLICY_PORT_REQUIRED && policy_has_port(policy) ? 2 : 1;
}

static int fail(struct rules *rules, enum rules_problem problem, const struct policy *culprit)
{
    rules->problem = problem;
    rules->culprit = culprit;
    return -1;
}

/* Adds the patterns that both lists match to ret_apps, which is neither list. */
static int intersect(const char *const *a, size_t a_count, const char *const *b, size_t b_count,
                     const char **ret_apps)
{
    size_t count = 0;

    for (size_t i = 0; i < a_count; i++) {
        for (size_t j = 0; j < b_count; j++) {
            const char *both = policy_when_covers(a[i], b[j])   ? b[j]
                               : policy_when_covers(b[j], a[i]) ? a[i]
                                                                : NULL;
            bool is_known = false;

            for (size_t k = 0; both && k < count && !is_known; k++)
                is_known = policy_when_covers(ret_apps[k], both);
            if (!both || is_known)
                continue;
            if (count == SNAPSHOT_APPS_MAX)
                return -2;
            ret_apps[count++] = both;
        }
    }
    return count > 0 ? (int)count : -1;
}

int rules_apps(const struct rules_item *item, const char **ret_apps)
{
    const char *found[SNAPSHOT_APPS_MAX];
    int count = 0;

    for (size_t i = 0; i <= item->via_count; i++) {
        const struct policy *policy = i < item->via_count ? item->via[i] : item->policy;
        const struct policy_when *when = &policy->when;

        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it forgets what memcpy put there */
        if (when->app_count == 0)
            continue;
        const char *const *apps = (const char *const *)when->apps;
        if (count == 0)
            count = intersect(apps, when->app_count, apps, when->app_count, found);
        else
            count = intersect(ret_apps, (size_t)count, apps, when->app_count, found);
        if (count < 0)
            return count;
        memcpy(ret_apps, found, (size_t)count * sizeof(found[0]));
    }
    return count;
}

static int add(struct rules *rules, const struct policy *policy, const struct policy *const *via,
               size_t via_count, const char *canonical)
{
    const char *apps[SNAPSHOT_APPS_MAX];
    struct rules_item *item = &rules->items[rules->count];

    rules->record_rules += rules_of_policy(policy);
    if (rules->record_rules > SNAPSHOT_RULES_MAX)
        return fail(rules, RULES_TOO_MANY, policy);
    *item = (struct rules_item){.policy = policy, .via_count = via_count, .canonical = canonical};
    memcpy(item->via, via, via_count * sizeof(via[0]));
    rules->count++;
    if (rules_apps(item, apps) == -2)
        return fail(rules, RULES_APPS, policy);
    return 0;
}

/* One domain on the way, and how far its policies have been looked at. */
struct level {
    const char *domain;
    const struct policy *const *policies;
    size_t count, at;
};

/* Steps from an alias to its target. */
static int enter(const struct policy_set *set, const struct policy *alias, struct level *levels,
                 size_t depth, struct rules *rules)
{
    struct level *level = &levels[depth];

    for (size_t i = 0; i < depth; i++) {
        if (strcmp(levels[i].domain, alias->alias) == 0)
            return fail(rules, RULES_CYCLE, alias);
    }
    if (depth > RULES_VIA_MAX)
        return fail(rules, RULES_TOO_LONG, alias);
    *level = (struct level){.domain = alias->alias};
    level->count = policy_set_domain(set, alias->alias, &level->policies);
    return level->count > 0 ? 0 : fail(rules, RULES_MISSING, alias);
}

int rules_collect(const struct policy_set *set, const char *domain, struct rules *rules)
{
    struct level levels[RULES_VIA_MAX + 2] = {{.domain = domain}};
    const struct policy *via[RULES_VIA_MAX + 1] = {NULL};
    size_t depth = 0;

    rules->count = rules->record_rules = 0;
    levels[0].count = policy_set_domain(set, domain, &levels[0].policies);
    for (;;) {
        struct level *level = &levels[depth];

        if (level->at == level->count) {
            if (depth == 0)
                return 0;
            depth--;
            continue;
        }
        const struct policy *policy = level->policies[level->at++];
        int r;
        if (policy->action == POLICY_ALIAS) {
            via[depth] = policy;
            r = enter(set, policy, levels, depth + 1, rules);
            depth++;
        } else {
            r = add(rules, policy, via, depth, depth > 0 ? level->domain : NULL);
        }
        if (r < 0)
            return r;
    }
}
