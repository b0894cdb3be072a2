/* identity.h - who asks: the running program's name.
 * Floor: reader (libc only; no lock, log, allocation or descriptor; errno untouched).
 */
#pragma once

#include <stddef.h>

#define IDENTITY_MAX 255 /* bytes; a longer file name is cut */

struct identity_app {
    size_t length;
    char name[IDENTITY_MAX + 1]; /* NUL-terminated */
};

/* The running program: the last part of the path it was started by (AT_EXECFN; for a script the
 * script's own). Read once per process.
 *
 *   spare  used where another thread is just reading it
 *
 * Returns spare or something that lives as long as the process. An unknown name is empty. Safe in
 * any thread, in a signal handler, after fork and vfork. */
const struct identity_app *identity_app(struct identity_app *spare);
