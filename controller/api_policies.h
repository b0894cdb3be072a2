/* api_policies.h - the API's handlers for policies. See api.h for what a handler is. */
#pragma once

#include "api.h"

int api_policies_list(struct control *control, struct api_call *call, struct error *err);
int api_policies_get(struct control *control, struct api_call *call, struct error *err);
int api_policies_put(struct control *control, struct api_call *call, struct error *err);
int api_policies_delete(struct control *control, struct api_call *call, struct error *err);
int api_policies_change(struct control *control, struct api_call *call, struct error *err);
