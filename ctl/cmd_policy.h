/* cmd_policy.h - meshctl policy check, apply, get, list, delete.
 * Program: meshctl. Each is as command.h says of a row's `run`.
 */
#pragma once

#include "command.h"

int cmd_policy_check(const struct command_call *call, struct error *err);
int cmd_policy_apply(const struct command_call *call, struct error *err);
int cmd_policy_get(const struct command_call *call, struct error *err);
int cmd_policy_list(const struct command_call *call, struct error *err);
int cmd_policy_delete(const struct command_call *call, struct error *err);

extern const struct command_details cmd_policy_check_details, cmd_policy_apply_details,
    cmd_policy_get_details, cmd_policy_list_details, cmd_policy_delete_details;
