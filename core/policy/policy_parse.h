/* policy_parse.h - what policy.c and policy_parse.c share; policy_parse() is in policy.h.
 * Floor: policy. Constant.
 */
#pragma once

#include "policy.h"

/* In the order of the enum, NULL at the end. */
extern const char *const policy_select_names[];
