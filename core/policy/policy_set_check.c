/* policy_set_check.c - what must hold between policies, checked for what a transaction touched.
 *
 * A domain is affected when a policy for it came, went or changed, or when an alias leads from it
 * to such a domain: a closure against the direction of the aliases. Whatever can be wrong shows in
 * the rules of an affected domain (rules.h), in the policies of a touched one, or in a claim.
 */
#include "policy_set_check.h"

#include <arpa/inet.h>
#include <string.h>

#include "auto.h"
#include "domain.h"
#include "keys.h"
#include "rules.h"
#include "snapshot_format.h"

static int add_key(void *context, const void *key, size_t length)
{
    int r = keys_add(context, key, length);

    return r < 0 ? r : 0;
}

int policy_set_check_affected(const struct policy_set *set, struct keys *keys)
{
    int r = 0;

    for (size_t i = 0; i < set->touched_count && r == 0; i++) {
        const struct policy_set_name *name = set->touched[i];

        if (name->policy)
            r = index_each_key(name->policy, add_key, keys);
        if (name->before && r == 0)
            r = index_each_key(name->before, add_key, keys);
    }
    for (size_t i = 0; i < keys->count && r == 0; i++) { /* keys grows behind i */
        const struct index_entry *entry =
            index_find(&set->index, keys->items[i]->bytes, keys->items[i]->length);

        for (size_t j = 0; entry && j < entry->aliases.count && r == 0; j++)
            r = index_each_key(entry->aliases.policies[j], add_key, keys);
    }
    return r;
}

/* What a check needs everywhere. */
struct check {
    const struct policy_set *set;
    struct rules rules;
    const struct policy *culprit;
    struct error *err;
};

static bool is_touched(const struct check *check, const struct policy *policy)
{
    for (size_t i = 0; i < check->set->touched_count; i++) {
        if (check->set->touched[i]->policy == policy)
            return true;
    }
    return false;
}

static int blame(struct check *check, const struct policy *policy, unsigned line, unsigned column)
{
    check->culprit = policy;
    error_where(check->err, policy->where);
    error_place(check->err, line, column);
    return check->err ? (int)check->err->code : ERROR_CONFLICT;
}

/* Where a policy speaks of a domain. */
static int blame_domain(struct check *check, const struct policy *policy, const char *key)
{
    for (size_t i = 0; i < policy->domain_count; i++) {
        const struct policy_domain *domain = &policy->domains[i];

        if (strcmp(domain_key(domain->text), key) != 0)
            continue;
        error_key(check->err, "domains[%zu]", i);
        return blame(check, policy, domain->line, domain->column);
    }
    return blame(check, policy, policy->line, policy->column);
}

/* Two policies of one rank, both for whoever asks: neither order would be right. */
static int check_ranks(struct check *check, const struct index_entry *entry)
{
    const struct policy *const *policies = entry->covers.policies, *free_one = NULL;

    for (size_t i = 0; i < entry->covers.count; i++) {
        const struct policy *policy = policies[i];

        if (policy_is_conditional(policy))
            continue;
        if (!free_one || free_one->rank != policy->rank) {
            free_one = policy;
            continue;
        }
        const struct policy *culprit = is_touched(check, policy) ? policy : free_one;
        const struct policy *other = culprit == policy ? free_one : policy;
        (void)error_set(
            check->err, ERROR_CONFLICT,
            "policy '%s' speaks of '%s%s' too, with the same rank %d and without `when`",
            other->name, entry->key[0] == '.' ? "*" : "", entry->key, policy->rank);
        error_hint(check->err, "give one of them another rank, or a `when`");
        return blame_domain(check, culprit, entry->key);
    }
    return 0;
}

static int check_claims(struct check *check, const struct index_entry *entry)
{
    const struct policy *const *policies = entry->covers.policies;
    char text[INET6_ADDRSTRLEN] = "";

    if (entry->covers.count < 2)
        return 0;
    const struct policy *culprit = is_touched(check, policies[1]) ? policies[1] : policies[0];
    const struct policy *other = culprit == policies[0] ? policies[1] : policies[0];
    (void)inet_ntop(entry->length == 5 ? AF_INET : AF_INET6, entry->key + 1, text, sizeof(text));
    (void)error_set(check->err, ERROR_CONFLICT, "policy '%s' gives %s a name too", other->name,
                    text);
    error_key(check->err, "reverse");
    error_hint(check->err, "an address has one name; leave `reverse` out in one of them");
    return blame(check, culprit, culprit->line, culprit->column);
}

static int blame_alias(struct check *check, const struct policy *alias)
{
    error_key(check->err, "alias");
    return blame(check, alias, alias->alias_line, alias->alias_column);
}

static int tell_missing(struct check *check, const struct policy *alias)
{
    if (is_touched(check, alias)) {
        (void)error_set(check->err, ERROR_CONFLICT, "no policy covers '%s'", alias->alias);
        error_hint(check->err,
                   "the target is a name that some policy has in its `domains`, exactly");
    } else {
        (void)error_set(check->err, ERROR_CONFLICT,
                        "policy '%s' is an alias of '%s', which no policy would cover then",
                        alias->name, alias->alias);
        error_hint(check->err, "change policy '%s' too", alias->name);
    }
    return blame_alias(check, alias);
}

static int tell_problem(struct check *check, const char *key)
{
    const struct policy *culprit = check->rules.culprit;
    const char *star = key[0] == '.' ? "*" : "";

    switch (check->rules.problem) {
    case RULES_MISSING:
        return tell_missing(check, culprit);
    case RULES_CYCLE:
        (void)error_set(check->err, ERROR_CONFLICT, "'%s' leads back to itself", culprit->alias);
        return blame_alias(check, culprit);
    case RULES_TOO_LONG:
        (void)error_set(check->err, ERROR_CONFLICT,
                        "from '%s%s' more than %d aliases behind one another", star, key,
                        RULES_VIA_MAX);
        error_hint(check->err, "let the first one name the last target");
        return blame_alias(check, culprit);
    case RULES_TOO_MANY:
        (void)error_set(check->err, ERROR_CONFLICT,
                        "'%s%s' has more than %d rules, the most in a domain", star, key,
                        SNAPSHOT_RULES_MAX);
        error_hint(check->err, "a policy that requires ports takes two of them");
        return blame_domain(check, culprit, key);
    case RULES_APPS:
        (void)error_set(check->err, ERROR_CONFLICT,
                        "'%s%s' and its alias's target have more than %d programs in common, the "
                        "most in a rule",
                        star, key, SNAPSHOT_APPS_MAX);
        return blame_domain(check, culprit, key);
    }
    return ERROR_INTERNAL;
}

static int check_key(struct check *check, const struct keys_item *key)
{
    const struct index_entry *entry = index_find(&check->set->index, key->bytes, key->length);
    char domain[SNAPSHOT_KEY_MAX + 2];

    if (!entry || entry->covers.count == 0)
        return 0;
    if (entry->key[0] == '@')
        return check_claims(check, entry);
    int r = check_ranks(check, entry);
    if (r < 0)
        return r;
    domain[0] = '*';
    strcpy(domain + (key->bytes[0] == '.'), key->bytes);
    return rules_collect(check->set, domain, &check->rules) < 0 ? tell_problem(check, key->bytes)
                                                                : 0;
}

int policy_set_check(const struct policy_set *set, const struct policy **ret_culprit,
                     struct error *err)
{
    AUTO(keys_done) struct keys keys = {0};
    AUTO_FREE struct rules_item *items = calloc(SNAPSHOT_RULES_MAX, sizeof(*items));
    struct error local = {0};
    struct check check = {.set = set, .rules = {.items = items}, .err = err ? err : &local};

    if (!items || policy_set_check_affected(set, &keys) < 0)
        return error_set(err, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < keys.count; i++) {
        int r = check_key(&check, keys.items[i]);

        if (r < 0) {
            if (ret_culprit)
                *ret_culprit = check.culprit;
            return r;
        }
    }
    return 0;
}
