/* policy_set_check.h - the inside of struct policy_set, for policy_set.c and policy_set_check.c.
 * Floor: policy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "index.h"
#include "keys.h"
#include "policy_set.h"

/* A name that a policy has, or had when the transaction began. */
struct policy_set_name {
    char name[POLICY_NAME_MAX + 1];
    struct policy *policy; /* now; NULL = none */
    struct policy *before; /* when the transaction began; only while is_touched */
    bool is_touched;
};

struct policy_set {
    void *names; /* tsearch tree of struct policy_set_name */
    size_t count;
    struct index index;
    struct policy_set_name **touched; /* in the order of the transaction */
    size_t touched_count, touched_room;
    struct policy **between; /* replaced again within the transaction */
    size_t between_count, between_room;
};

/* Adds the keys of the policies that the open transaction took out, put in or replaced, and then of
 * those whose aliases lead to them. Returns 0 or ERROR_INTERNAL. */
int policy_set_check_affected(const struct policy_set *set, struct keys *keys);
