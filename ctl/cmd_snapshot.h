/* cmd_snapshot.h - meshctl snapshot compile, show, verify.
 * Program: meshctl. Each is as command.h says of a row's `run`.
 */
#pragma once

#include "command.h"

int cmd_snapshot_compile(const struct command_call *call, struct error *err);
int cmd_snapshot_show(const struct command_call *call, struct error *err);
int cmd_snapshot_verify(const struct command_call *call, struct error *err);

extern const struct command_details cmd_snapshot_compile_details, cmd_snapshot_show_details,
    cmd_snapshot_verify_details;
