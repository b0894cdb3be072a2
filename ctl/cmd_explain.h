/* cmd_explain.h - meshctl explain.
 * Program: meshctl. As command.h says of a row's `run`.
 */
#pragma once

#include "command.h"

int cmd_explain(const struct command_call *call, struct error *err);

extern const struct command_details cmd_explain_details;
