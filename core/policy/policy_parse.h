/* policy_parse.h - the words of the language, for policy_parse.c; policy_parse() is in policy.h.
 * Floor: policy. Constant.
 */
#pragma once

#include "policy.h"

/* In the order of their enums, NULL at the end. */
extern const char *const policy_select_names[], *const policy_sticky_names[];
extern const char *const policy_all_down_names[], *const policy_port_names[];
