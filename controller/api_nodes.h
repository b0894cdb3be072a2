/* api_nodes.h - the API's handlers for nodes and invitations. See api.h for what a handler is. */
#pragma once

#include "api.h"

int api_nodes_list(struct control *control, struct api_call *call, struct error *err);
int api_nodes_revoke(struct control *control, struct api_call *call, struct error *err);
int api_nodes_invite(struct control *control, struct api_call *call, struct error *err);
int api_nodes_invitations(struct control *control, struct api_call *call, struct error *err);
int api_nodes_uninvite(struct control *control, struct api_call *call, struct error *err);
