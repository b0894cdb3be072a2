/* cmd_status.h - meshctl status.
 * Program: meshctl. As command.h says of a row's `run`.
 */
#pragma once

#include "command.h"

int cmd_status(const struct command_call *call, struct error *err);

extern const struct command_details cmd_status_details;
