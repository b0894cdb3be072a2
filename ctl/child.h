/* child.h - runs a program and waits for it, as if it had been started in our place.
 * Program: meshctl. No globals; one thread.
 */
#pragma once

#include "error.h"

/* Becomes the program: returns only if it cannot be run, with 127 (there is none) or 126 (it cannot
 * be executed) and the words in err. */
int child_exec(char *const *arguments, struct error *err);

/* Runs the program as a child, hands on to it the signals that others send to us (those of the
 * terminal reach it without us), and waits. Returns its exit code, 128 + n when signal n ended it,
 * 127 or 126 as child_exec with the words in err, or a negative error code. */
int child_run(char *const *arguments, struct error *err);
