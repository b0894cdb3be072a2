/* cmd_run.h - meshctl run.
 * Program: meshctl. As command.h says of a row's `run`.
 */
#pragma once

#include "command.h"

int cmd_run(const struct command_call *call, struct error *err);

extern const struct command_details cmd_run_details;
