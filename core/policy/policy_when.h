/* policy_when.h - who asks: the key `when:`.
 * Floor: policy, for policy.c and rules.c. Pure; safe in any thread.
 */
#pragma once

#include "error.h"
#include "policy.h"
#include "value.h"

/* Reads `when:`. ret_when starts as {0} and belongs to the caller, on failure too. */
int policy_when_read(const struct value *value, struct policy_when *ret_when, struct error *err);

void policy_when_done(struct policy_when *when);

/* Whether it restricts anything. */
bool policy_when_is_given(const struct policy_when *when);

/* Whether each program that `narrow` matches is one of `wide`; either may end with '*'. */
bool policy_when_covers(const char *wide, const char *narrow);
