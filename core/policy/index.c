/* index.c - which policies speak of a domain, point to it, or claim an address.
 *
 * One balanced tree (tsearch) over the snapshot's keys.
 */
#include "index.h"

#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "error.h"

#define CLAIM_MAX 17 /* '@' and an IPv6 address */

static int compare(const void *a, const void *b)
{
    const struct index_entry *x = a, *y = b;

    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    return memcmp(x->key, y->key, x->length);
}

static void entry_free(void *node)
{
    struct index_entry *entry = node;

    free(entry->covers.policies);
    free(entry->aliases.policies);
    free(entry->key);
    free(entry);
}

struct index_entry *index_find(const struct index *index, const void *key, size_t length)
{
    struct index_entry wanted = {.length = (uint8_t)length}, **found;

    if (length > UINT8_MAX)
        return NULL;
    /* It is only compared, but the member is no pointer to const. */
    memcpy(&wanted.key, &key, sizeof(key));
    found = tfind(&wanted, &index->tree, compare);
    return found ? *found : NULL;
}

static struct index_entry *find_or_add(struct index *index, const void *key, size_t length)
{
    struct index_entry *entry = index_find(index, key, length);

    if (entry)
        return entry;
    entry = calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    entry->length = (uint8_t)length;
    entry->key = calloc(1, length + 1);
    if (entry->key)
        memcpy(entry->key, key, length);
    if (!entry->key || !tsearch(entry, &index->tree, compare)) {
        entry_free(entry);
        return NULL;
    }
    return entry;
}

/* Whether a is asked before b. */
static bool is_before(const struct policy *a, const struct policy *b)
{
    return a->rank != b->rank ? a->rank < b->rank : strcmp(a->name, b->name) < 0;
}

/* Where a policy is, or would be. */
static size_t list_find(const struct index_list *list, const struct policy *policy)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (is_before(list->policies[middle], policy))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A replacement of the same name and rank may stand beside the policy for a moment. */
static bool list_has(const struct index_list *list, const struct policy *policy, size_t *ret_at)
{
    size_t at = list_find(list, policy);

    while (at < list->count && list->policies[at] != policy &&
           !is_before(policy, list->policies[at]))
        at++;
    *ret_at = at;
    return at < list->count && list->policies[at] == policy;
}

/* An address with two ports comes twice, and counts once. */
static int list_add(struct index_list *list, const struct policy *policy)
{
    size_t at;

    if (list_has(list, policy, &at))
        return 0;
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 1;
        const struct policy **larger = reallocarray(list->policies, room, sizeof(*larger));
        if (!larger)
            return ERROR_INTERNAL;
        list->policies = larger;
        list->room = room;
    }
    memmove(list->policies + at + 1, list->policies + at,
            (list->count - at) * sizeof(list->policies[0]));
    list->policies[at] = policy;
    list->count++;
    return 0;
}

static void list_remove(struct index_list *list, const struct policy *policy)
{
    size_t at;

    if (!list_has(list, policy, &at))
        return;
    list->count--;
    memmove(list->policies + at, list->policies + at + 1,
            (list->count - at) * sizeof(list->policies[0]));
}

static size_t claim(const void *address, size_t size, uint8_t ret_key[static CLAIM_MAX])
{
    ret_key[0] = '@';
    memcpy(ret_key + 1, address, size);
    return size + 1;
}

static int each_claim(const struct policy *policy,
                      int (*visit)(void *context, const void *key, size_t length), void *context)
{
    uint8_t key[CLAIM_MAX];
    int r = 0;

    for (size_t i = 0; i < policy->destination_count && policy->is_reverse && r == 0; i++) {
        const struct policy_destination *destination = &policy->destinations[i];

        if (destination->has_v4)
            r = visit(context, key, claim(&destination->v4, 4, key));
        if (destination->has_v6 && r == 0)
            r = visit(context, key, claim(destination->v6, 16, key));
    }
    return r;
}

int index_each_key(const struct policy *policy,
                   int (*visit)(void *context, const void *key, size_t length), void *context)
{
    int r = 0;

    for (size_t i = 0; i < policy->domain_count && r == 0; i++) {
        const char *key = domain_key(policy->domains[i].text);
        r = visit(context, key, strlen(key));
    }
    return r ? r : each_claim(policy, visit, context);
}

struct change {
    struct index *index;
    const struct policy *policy;
};

static int add_cover(void *context, const void *key, size_t length)
{
    struct change *change = context;
    struct index_entry *entry = find_or_add(change->index, key, length);

    return entry ? list_add(&entry->covers, change->policy) : ERROR_INTERNAL;
}

int index_add(struct index *index, const struct policy *policy)
{
    struct change change = {.index = index, .policy = policy};
    int r = index_each_key(policy, add_cover, &change);

    if (r == 0 && policy->alias) {
        struct index_entry *target = find_or_add(index, policy->alias, strlen(policy->alias));
        r = target ? list_add(&target->aliases, policy) : ERROR_INTERNAL;
    }
    if (r < 0) {
        index_remove(index, policy);
        index_trim(index, policy);
    }
    return r;
}

static int remove_cover(void *context, const void *key, size_t length)
{
    const struct change *change = context;
    struct index_entry *entry = index_find(change->index, key, length);

    if (entry)
        list_remove(&entry->covers, change->policy);
    return 0;
}

void index_remove(struct index *index, const struct policy *policy)
{
    struct change change = {.index = index, .policy = policy};
    struct index_entry *target =
        policy->alias ? index_find(index, policy->alias, strlen(policy->alias)) : NULL;

    (void)index_each_key(policy, remove_cover, &change);
    if (target)
        list_remove(&target->aliases, policy);
}

static int trim(void *context, const void *key, size_t length)
{
    struct index *index = ((struct change *)context)->index;
    struct index_entry *entry = index_find(index, key, length);

    if (!entry || entry->covers.count > 0 || entry->aliases.count > 0)
        return 0;
    (void)tdelete(entry, &index->tree, compare);
    entry_free(entry);
    return 0;
}

void index_trim(struct index *index, const struct policy *policy)
{
    struct change change = {.index = index, .policy = policy};

    (void)index_each_key(policy, trim, &change);
    if (policy->alias)
        (void)trim(&change, policy->alias, strlen(policy->alias));
}

struct walk {
    int (*visit)(void *context, const struct index_entry *entry);
    void *context;
    int result;
};

static void visit_node(const void *node, VISIT which, void *closure)
{
    const struct index_entry *entry = *(struct index_entry *const *)node;
    struct walk *walk = closure;

    if ((which == postorder || which == leaf) && walk->result == 0 && entry->covers.count > 0)
        walk->result = walk->visit(walk->context, entry);
}

int index_each(const struct index *index,
               int (*visit)(void *context, const struct index_entry *entry), void *context)
{
    struct walk walk = {.visit = visit, .context = context};

    twalk_r(index->tree, visit_node, &walk);
    return walk.result;
}

void index_done(struct index *index)
{
    tdestroy(index->tree, entry_free);
    index->tree = NULL;
}
