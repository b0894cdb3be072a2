/* cmd_node.h - meshctl node invite, list, revoke.
 * Program: meshctl. Each is as command.h says of a row's `run`.
 */
#pragma once

#include "command.h"

int cmd_node_invite(const struct command_call *call, struct error *err);
int cmd_node_list(const struct command_call *call, struct error *err);
int cmd_node_revoke(const struct command_call *call, struct error *err);

extern const struct command_details cmd_node_invite_details, cmd_node_list_details,
    cmd_node_revoke_details;
