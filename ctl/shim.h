/* shim.h - where the shim lies, and the environment that loads it into a program.
 * Program: meshctl. No globals but the environment; one thread.
 */
#pragma once

#include <stdbool.h>

#include "error.h"

/* Finds libmeshdns_preload.so: beside the build tree of this very meshctl, below the prefix that it
 * was installed into, or where the build said. ret_path is malloc'ed. Returns 0, or ERROR_NOT_FOUND
 * with the places looked at. */
int shim_find(char **ret_path, struct error *err);

/* Whether the loader can read a path from LD_PRELOAD: it splits at spaces and colons. */
bool shim_is_loadable(const char *path);

/* Sets LD_PRELOAD (ours before what is there), MESHDNS_SNAPSHOT (NULL = as it is) and GODEBUG
 * (netdns=cgo, unless netdns is already chosen) in this process's environment. Returns 0 or
 * ERROR_INTERNAL. */
int shim_set_environment(const char *library, const char *snapshot, struct error *err);
