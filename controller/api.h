/* api.h - the HTTPS API: routes, tokens, limits.
 * Part of the controller; libmicrohttpd with GnuTLS.
 *
 * libmicrohttpd's thread reads a request, looks at its token and reads its JSON; then the
 * connection is suspended and the hub's thread runs the handler. The routes are in one table
 * (api.c), described in meshdns-controller(8).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "control.h"
#include "error.h"
#include "hub.h"
#include "value.h"

/* One request for its handler, which runs in the hub's thread. */
struct api_call {
    const char *name;         /* what the route's `*` stands for; NULL without one */
    const char *after;        /* ?after=, "" without */
    int64_t limit;            /* ?limit=, 0 without */
    const struct value *body; /* the JSON that came; a map; NULL for routes without */
    const char *address;      /* the peer's IP */
    struct value answer;      /* filled by the handler: a map */
    size_t document;          /* with an error: the index of the upsert; SIZE_MAX = none */
};

/* Returns 0, or a negative error code and err, which becomes an RFC 9457 problem. */
typedef int (*api_handler)(struct control *control, struct api_call *call, struct error *err);

struct api;

/* Starts to listen. The tokens' hashes are read from the store here. */
int api_open(struct control *control, struct hub *hub, struct api **ret_api, struct error *err);

/* For the hub's tick: shuts connections whose request takes longer than request_timeout. */
void api_tick(void *api);

/* Finishes what the hub has, then stops. In the hub's thread. NULL does nothing. */
void api_close(struct api *api);
