/* serve.h - the daemon: `meshdns-controller run`.
 * Part of the controller.
 */
#pragma once

#include "config.h"
#include "error.h"

/* Serves until SIGTERM or SIGINT. Logs on standard error; the event `ready` says that all sockets
 * listen. Returns 0, or why it could not begin. */
int serve_mesh(const struct config *config, struct error *err);
