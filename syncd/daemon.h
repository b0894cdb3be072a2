/* daemon.h - `meshdns-syncd run`: everything in one event loop.
 * Knows all of syncd.
 */
#pragma once

#include "error.h"
#include "log.h"
#include "settings.h"

/* Serves until SIGTERM or SIGINT (both are blocked in the whole process and read here). The last
 * good state is published before any connection is tried. Returns 0 after a signal, or a negative
 * error code: ERROR_CONFIG when this machine has not joined a mesh, ERROR_AGAIN when another agent
 * writes the snapshot, ... */
int daemon_run(const struct settings *settings, struct log *log, struct error *err);
