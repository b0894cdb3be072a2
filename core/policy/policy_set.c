/* policy_set.c - all policies of a mesh, and transactions over them.
 *
 * Policies by name in one tree, what they speak of in another (index.h). A transaction logs the
 * first state of each name it touches. Policies that it replaces live until its end, and neither
 * names nor index entries go before it: so rolling back needs no memory, and cannot fail.
 */
#include "policy_set.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "domain.h"
#include "policy_set_check.h"

static int compare(const void *a, const void *b)
{
    const struct policy_set_name *x = a, *y = b;

    return strcmp(x->name, y->name);
}

struct policy_set *policy_set_new(void)
{
    return calloc(1, sizeof(struct policy_set));
}

static void name_free(void *node)
{
    struct policy_set_name *name = node;

    policy_free(name->policy);
    policy_free(name->before);
    free(name);
}

void policy_set_free(struct policy_set *set)
{
    if (!set)
        return;
    index_done(&set->index);
    for (size_t i = 0; i < set->between_count; i++)
        policy_free(set->between[i]);
    tdestroy(set->names, name_free);
    free(set->between);
    free(set->touched);
    free(set);
}

static struct policy_set_name *find(const struct policy_set *set, const char *text)
{
    struct policy_set_name wanted = {0}, **found;

    if (strlen(text) > POLICY_NAME_MAX)
        return NULL;
    strcpy(wanted.name, text);
    found = tfind(&wanted, &set->names, compare);
    return found ? *found : NULL;
}

static struct policy_set_name *find_or_add(struct policy_set *set, const char *text)
{
    struct policy_set_name *name = find(set, text);

    if (name)
        return name;
    name = calloc(1, sizeof(*name));
    if (!name)
        return NULL;
    strcpy(name->name, text);
    if (!tsearch(name, &set->names, compare)) {
        free(name);
        return NULL;
    }
    return name;
}

/* Makes sure that replace() has room. */
static int reserve(struct policy_set *set)
{
    if (set->touched_count == set->touched_room) {
        size_t room = set->touched_room ? set->touched_room * 2 : 16;
        struct policy_set_name **larger = reallocarray(set->touched, room, sizeof(*larger));
        if (!larger)
            return ERROR_INTERNAL;
        set->touched = larger;
        set->touched_room = room;
    }
    if (set->between_count == set->between_room) {
        size_t room = set->between_room ? set->between_room * 2 : 16;
        struct policy **larger = reallocarray(set->between, room, sizeof(*larger));
        if (!larger)
            return ERROR_INTERNAL;
        set->between = larger;
        set->between_room = room;
    }
    return 0;
}

/* Gives a name its next policy (or NULL), keeping the first one for a rollback. */
static void replace(struct policy_set *set, struct policy_set_name *name, struct policy *policy)
{
    struct policy *old = name->policy;

    if (old)
        index_remove(&set->index, old);
    set->count += (size_t)(policy != NULL) - (size_t)(old != NULL);
    name->policy = policy;
    if (name->is_touched) {
        if (old)
            set->between[set->between_count++] = old;
        return;
    }
    name->is_touched = true;
    name->before = old;
    set->touched[set->touched_count++] = name;
}

int policy_set_put(struct policy_set *set, struct policy *policy, struct error *err)
{
    struct policy_set_name *name = NULL;

    if (reserve(set) == 0)
        name = find_or_add(set, policy->name);
    if (!name || index_add(&set->index, policy) < 0) {
        policy_free(policy);
        return error_set(err, ERROR_INTERNAL, "out of memory");
    }
    replace(set, name, policy);
    return 0;
}

int policy_set_delete(struct policy_set *set, const char *text)
{
    struct policy_set_name *name = find(set, text);

    if (!name || !name->policy)
        return 0;
    if (reserve(set) < 0)
        return ERROR_INTERNAL;
    replace(set, name, NULL);
    return 1;
}

/* Forgets a policy that does not stay. */
static void drop(struct policy_set *set, struct policy *policy)
{
    if (!policy)
        return;
    index_trim(&set->index, policy);
    policy_free(policy);
}

/* Ends the transaction; each touched name has the policy that stays, `before` the one that goes. */
static void settle(struct policy_set *set)
{
    for (size_t i = 0; i < set->touched_count; i++) {
        struct policy_set_name *name = set->touched[i];

        drop(set, name->before);
        name->before = NULL;
        name->is_touched = false;
        if (!name->policy) {
            (void)tdelete(name, &set->names, compare);
            free(name);
        }
    }
    for (size_t i = 0; i < set->between_count; i++)
        drop(set, set->between[i]);
    set->touched_count = set->between_count = 0;
}

void policy_set_commit(struct policy_set *set)
{
    settle(set);
}

void policy_set_rollback(struct policy_set *set)
{
    /* All new ones out first: then each list has room for the old ones, which it held before. */
    for (size_t i = 0; i < set->touched_count; i++) {
        if (set->touched[i]->policy)
            index_remove(&set->index, set->touched[i]->policy);
    }
    for (size_t i = 0; i < set->touched_count; i++) {
        struct policy_set_name *name = set->touched[i];
        struct policy *gone = name->policy;

        if (name->before)
            (void)index_add(&set->index, name->before);
        set->count += (size_t)(name->before != NULL) - (size_t)(gone != NULL);
        name->policy = name->before;
        name->before = gone;
    }
    settle(set);
}

int policy_set_touched(const struct policy_set *set,
                       int (*visit)(void *context, const char *key, size_t length), void *context)
{
    AUTO(keys_done) struct keys keys = {0};
    int r = policy_set_check_affected(set, &keys);

    for (size_t i = 0; i < keys.count && r == 0; i++)
        r = visit(context, keys.items[i]->bytes, keys.items[i]->length);
    return r;
}

struct key_walk {
    int (*visit)(void *context, const char *key, size_t length);
    void *context;
};

static int visit_entry(void *context, const struct index_entry *entry)
{
    const struct key_walk *walk = context;

    return walk->visit(walk->context, entry->key, entry->length);
}

int policy_set_keys(const struct policy_set *set,
                    int (*visit)(void *context, const char *key, size_t length), void *context)
{
    struct key_walk walk = {.visit = visit, .context = context};

    return index_each(&set->index, visit_entry, &walk);
}

size_t policy_set_domain(const struct policy_set *set, const char *domain,
                         const struct policy *const **ret_policies)
{
    const char *key = domain_key(domain);
    const struct index_entry *entry = index_find(&set->index, key, strlen(key));

    if (!entry || entry->covers.count == 0)
        return 0;
    *ret_policies = entry->covers.policies;
    return entry->covers.count;
}

const struct policy *policy_set_reverse(const struct policy_set *set, const void *address,
                                        size_t size)
{
    uint8_t key[17] = {'@'};

    if (size != 4 && size != 16)
        return NULL;
    memcpy(key + 1, address, size);
    const struct index_entry *entry = index_find(&set->index, key, size + 1);
    return entry && entry->covers.count > 0 ? entry->covers.policies[0] : NULL;
}

struct policy_walk {
    int (*visit)(void *context, const struct policy *policy);
    void *context;
    int result;
};

static void visit_name(const void *node, VISIT which, void *closure)
{
    const struct policy_set_name *name = *(struct policy_set_name *const *)node;
    struct policy_walk *walk = closure;

    if ((which == postorder || which == leaf) && walk->result == 0 && name->policy)
        walk->result = walk->visit(walk->context, name->policy);
}

int policy_set_each(const struct policy_set *set,
                    int (*visit)(void *context, const struct policy *policy), void *context)
{
    struct policy_walk walk = {.visit = visit, .context = context};

    twalk_r(set->names, visit_name, &walk);
    return walk.result;
}

size_t policy_set_count(const struct policy_set *set)
{
    return set->count;
}
