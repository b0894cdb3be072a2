/* api_join.h - the API's handler for POST /v1/join, and what it has in common with invitations.
 * See api.h for what a handler is.
 */
#pragma once

#include "api.h"

/* The one handler without a token: an invitation is the proof. It makes one key a node; asked
 * again with that key (its answer may have been lost), it answers again. Limited in rate. */
int api_join_node(struct control *control, struct api_call *call, struct error *err);

/* Adds mesh, mesh_id, sign_key and controller_key to a map. */
void api_join_keys(const struct control *control, struct value *map);

/* Adds zone, when there is one, and labels (JSON text) to a map. */
int api_join_place(struct value *map, const char *zone, const char *labels);
