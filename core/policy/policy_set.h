/* policy_set.h - all policies of a mesh, and what must hold between them.
 * Floor: policy (knows reader, base). A set belongs to one thread.
 *
 * Changes are made in a transaction: put and delete as many as you like, check, then commit or roll
 * back. Costs O(what changed) whatever the set's size. Between policies must hold:
 *   - no two policies for one domain with one rank and neither with `when`
 *   - at most 64 rules a domain
 *   - an alias's target is a domain that some policy covers exactly; no cycles; one in use stays
 *   - one `reverse` claim an address
 */
#pragma once

#include <stddef.h>

#include "error.h"
#include "policy.h"

struct policy_set;

/* An empty set; NULL when memory runs out. policy_set_free(NULL) does nothing. */
struct policy_set *policy_set_new(void);
void policy_set_free(struct policy_set *set);

/* Adds a policy, or replaces the one of its name. Takes ownership, on failure too. Returns 0 or
 * ERROR_INTERNAL. */
int policy_set_put(struct policy_set *set, struct policy *policy, struct error *err);

/* Takes a policy out. Returns 1, 0 when there is none of that name, or ERROR_INTERNAL. */
int policy_set_delete(struct policy_set *set, const char *name);

/* Checks what the transaction touched. Returns 0, ERROR_INVALID or ERROR_CONFLICT; the error names
 * the policies, and the place in the one that came from a file. ret_culprit (may be NULL) is that
 * policy, borrowed. The transaction stays open. */
int policy_set_check(const struct policy_set *set, const struct policy **ret_culprit,
                     struct error *err);

/* Ends the transaction. commit cannot fail. */
void policy_set_commit(struct policy_set *set);
void policy_set_rollback(struct policy_set *set);

/* Calls `visit` for each key (as compile_key takes them) whose record the open transaction may have
 * changed, each once, dependants through aliases included: call it before commit. Nonzero ends the
 * walk and is returned. */
int policy_set_touched(const struct policy_set *set,
                       int (*visit)(void *context, const char *key, size_t length), void *context);

/* Calls `visit` for every key of the set, each once. */
int policy_set_keys(const struct policy_set *set,
                    int (*visit)(void *context, const char *key, size_t length), void *context);

/* The policies for a domain ("x" or "*.x"), in the order they are asked: rank, then name. Borrowed
 * until the next change. Returns how many. */
size_t policy_set_domain(const struct policy_set *set, const char *domain,
                         const struct policy *const **ret_policies);

/* The policy that answers for an address (`reverse`), or NULL. size is 4 or 16. */
const struct policy *policy_set_reverse(const struct policy_set *set, const void *address,
                                        size_t size);

/* All policies, in name order. */
int policy_set_each(const struct policy_set *set,
                    int (*visit)(void *context, const struct policy *policy), void *context);

size_t policy_set_count(const struct policy_set *set);
