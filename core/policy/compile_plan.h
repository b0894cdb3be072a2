/* compile_plan.h - which rules a domain's record has on one machine, in order.
 * Floor: policy, for compile.c and explain.c. Pure but for uid_of; safe in any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile.h"
#include "rules.h"
#include "snapshot_format.h"

/* Why a rule is in the record, or not. */
enum compile_plan_reason {
    COMPILE_PLAN_HOLDS = 0,
    COMPILE_PLAN_NODE,   /* `when: node` names other machines */
    COMPILE_PLAN_APPS,   /* the `when`s of alias and target let no program in */
    COMPILE_PLAN_UIDS,   /* the same for users, or none of them is known here */
    COMPILE_PLAN_BEHIND, /* a rule in front holds for whoever asks */
};

struct compile_plan_item {
    struct rules_item rule;
    enum compile_plan_reason reason;
    uint32_t uids[SNAPSHOT_UIDS_MAX]; /* who may ask; uid_count 0 = whoever */
    size_t uid_count;
};

/* Start from {0}. */
struct compile_plan {
    struct compile_plan_item *items;
    size_t count;
};

/* The verb of a policy with destinations of which some serve. */
enum snapshot_verb compile_verb(const struct policy *policy);

/* Plans a domain ("x" or "*.x"): the items that hold, in order. Returns 0, or ERROR_INTERNAL. */
int compile_plan_make(const struct policy_set *set, const struct compile_node *node,
                      const char *domain, struct compile_plan *ret_plan, struct error *err);

/* The same with the items that do not hold, each with its reason. */
int compile_plan_explain(const struct policy_set *set, const struct compile_node *node,
                         const char *domain, struct compile_plan *ret_plan, struct error *err);

void compile_plan_done(struct compile_plan *plan);
