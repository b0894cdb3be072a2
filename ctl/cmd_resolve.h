/* cmd_resolve.h - meshctl resolve.
 * Program: meshctl. As command.h says of a row's `run`.
 */
#pragma once

#include "command.h"

int cmd_resolve(const struct command_call *call, struct error *err);

extern const struct command_details cmd_resolve_details;
