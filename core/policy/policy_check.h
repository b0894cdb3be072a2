/* policy_check.h - what must hold between the parts of one policy.
 * Floor: policy, for policy_parse.c. Pure; safe in any thread.
 */
#pragma once

#include "error.h"
#include "policy.h"
#include "value.h"

/* Checks a policy that was read from `document`, whose places errors name: what is required, what
 * excludes what, and destinations that are there twice. */
int policy_check_parts(const struct policy *policy, const struct value *document,
                       struct error *err);
