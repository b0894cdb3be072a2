/* monitor.h - what libzmq tells of a socket's connections.
 * Part of the controller; the hub's thread only.
 */
#pragma once

#include <stdbool.h>

#include "error.h"

enum monitor_kind {
    MONITOR_OPENED, /* a connection was accepted: fd */
    MONITOR_CLOSED, /* it is gone: fd */
    MONITOR_FAILED, /* a handshake failed, not by ZAP; the next MONITOR_CLOSED is that peer's */
    MONITOR_OTHER,
};

struct monitor_event {
    enum monitor_kind kind;
    int fd;          /* of OPENED and CLOSED */
    const char *why; /* of FAILED; constant text */
};

/* Starts to watch; before the socket is bound. `name` makes the inproc address unique. */
int monitor_open(void *zmq_context, void *socket, const char *name, void **ret_monitor,
                 struct error *err);

/* The next event that waits; false when none does. */
bool monitor_next(void *monitor, struct monitor_event *ret_event);
