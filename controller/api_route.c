/* api_route.c - the one table of routes. */
#include "api_route.h"

#include <stdio.h>
#include <string.h>

#include "api_join.h"
#include "api_nodes.h"
#include "api_policies.h"
#include "api_status.h"
#include "auto.h"

#define BODY_MAX      (8 * 1024 * 1024)
#define BODY_JOIN_MAX (16 * 1024) /* whoever has no token yet gets little room */

/* clang-format off */
static const struct api_route routes[] = {
    {"GET",    "/livez",            NULL,                    false, 0},
    {"GET",    "/readyz",           NULL,                    false, 0},
    {"GET",    "/v1/status",        api_status_get,          true,  0},
    {"GET",    "/v1/policies",      api_policies_list,       true,  0},
    {"GET",    "/v1/policies/*",    api_policies_get,        true,  0},
    {"PUT",    "/v1/policies/*",    api_policies_put,        true,  BODY_MAX},
    {"DELETE", "/v1/policies/*",    api_policies_delete,     true,  0},
    {"POST",   "/v1/changes",       api_policies_change,     true,  BODY_MAX},
    {"GET",    "/v1/nodes",         api_nodes_list,          true,  0},
    {"DELETE", "/v1/nodes/*",       api_nodes_revoke,        true,  0},
    {"POST",   "/v1/invitations",   api_nodes_invite,        true,  BODY_MAX},
    {"GET",    "/v1/invitations",   api_nodes_invitations,   true,  0},
    {"DELETE", "/v1/invitations/*", api_nodes_uninvite,      true,  0},
    {"POST",   "/v1/join",          api_join_node,           false, BODY_JOIN_MAX},
};
/* clang-format on */

const struct api_route *api_route_find(const char *method, const char *url, const char **ret_name,
                                       char ret_allow[static API_ROUTE_ALLOW])
{
    size_t used = 0;

    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (const struct api_route *route = routes; route < routes + ARRAY_SIZE(routes); route++) {
        size_t length = strlen(route->path);
        bool has_name = route->path[length - 1] == '*';

        if (has_name ? strncmp(url, route->path, length - 1) != 0 || url[length - 1] == '\0'
                     : strcmp(url, route->path) != 0)
            continue;
        *ret_name = has_name ? url + length - 1 : NULL;
        if (strcmp(method, route->method) == 0)
            return route;
        used += (size_t)snprintf(ret_allow + used, API_ROUTE_ALLOW - used, "%s%s", used ? ", " : "",
                                 route->method);
    }
    return NULL;
}
