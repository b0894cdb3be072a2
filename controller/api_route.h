/* api_route.h - which request goes to which handler.
 * Part of the controller. Constant data; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "api.h"

#define API_ROUTE_ALLOW 64

struct api_route {
    const char *method, *path; /* a path that ends in `*` takes a name there */
    api_handler handler;       /* NULL: /livez or /readyz, answered at once */
    bool needs_token;
    size_t body_max; /* bytes; 0 = no body */
};

/* The route of a request, or NULL. ret_name: what stands for `*`, a view into url; else NULL. For
 * a path that is known by other methods only, ret_allow gets those. */
const struct api_route *api_route_find(const char *method, const char *url, const char **ret_name,
                                       char ret_allow[static API_ROUTE_ALLOW]);
