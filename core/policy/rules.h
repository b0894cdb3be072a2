/* rules.h - what decides about a domain: its policies in order, aliases followed.
 * Floor: policy. Pure; safe in any thread while the set does not change.
 */
#pragma once

#include <stddef.h>

#include "error.h"
#include "policy_set.h"

#define RULES_VIA_MAX 8 /* aliases behind one another */

/* One policy that answers, and the aliases that led to it. Everything is borrowed. */
struct rules_item {
    const struct policy *policy; /* with destinations, or deny */
    const struct policy *via[RULES_VIA_MAX];
    size_t via_count;
    const char *canonical; /* the last alias's target, NULL without alias */
};

/* Why the rules of a domain cannot be told. */
enum rules_problem {
    RULES_MISSING = 1, /* an alias's target that no policy covers */
    RULES_CYCLE,       /* aliases that lead back */
    RULES_TOO_LONG,    /* more than RULES_VIA_MAX aliases behind one another */
    RULES_TOO_MANY,    /* more than SNAPSHOT_RULES_MAX rules in the record */
    RULES_APPS,        /* two `when`s with more than SNAPSHOT_APPS_MAX programs in common */
};

struct rules {
    struct rules_item *items; /* room for SNAPSHOT_RULES_MAX */
    size_t count;
    size_t record_rules; /* a policy with ports may take two rules */
    enum rules_problem problem;
    const struct policy *culprit; /* of a problem: the alias, or the last policy that came in */
};

/* Collects the rules of a domain ("x" or "*.x"), whoever asks. Returns 0, or -1 with a problem. */
int rules_collect(const struct policy_set *set, const char *domain, struct rules *rules);

/* The programs that all `when`s of an item let in.
 *
 *   ret_apps  room for SNAPSHOT_APPS_MAX
 *
 * Returns how many, 0 when none restricts programs, -1 when no program is let in, -2 when there are
 * too many. */
int rules_apps(const struct rules_item *item, const char **ret_apps);

/* How many rules of a record a policy can take: 1 or 2. */
size_t rules_of_policy(const struct policy *policy);
