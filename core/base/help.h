/* help.h - what --help shows, made from the table.
 * Floor: base; for programs. No globals; one thread.
 */
#pragma once

#include <stdio.h>

#include "command.h"

/* The commands of a group, or all when group is NULL. */
void help_table(const struct command_table *table, const char *group, FILE *out);

/* One command: usage, text, options, example. */
void help_command(const struct command_table *table, const struct command *command, FILE *out);
