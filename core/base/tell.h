/* tell.h - what people see of a program: errors, warnings, text of others.
 * Floor: base; for programs, never for library code. No globals but stdio's; one thread.
 *
 * Colour is used on a terminal only, and never when NO_COLOR is set. Text that came from elsewhere
 * (a controller, a file) is shown with its control characters replaced, so that it cannot steer the
 * terminal.
 */
#pragma once

#include <stdio.h>

#include "error.h"

/* The escape sequence, or "" where colour is not wanted. */
#define TELL_BOLD  "\033[1m"
#define TELL_PLAIN "\033[0m"
const char *tell_paint(FILE *out, const char *sequence);

/* An error on standard error: `where:line:column: key: text`, behind the program's name when no
 * place is known, and its hint. */
void tell_error(const char *program, struct error *err);

/* A warning on standard error, in the same form. */
void tell_warning(struct error *err);

/* Text of others, as plain_make makes it. */
void tell_text(FILE *out, const char *text);

/* Flushes standard output. Returns 0, or 74 when what was printed did not arrive. */
int tell_close(const char *program);
