/* api_status.h - the API's handler for GET /v1/status. See api.h for what a handler is. */
#pragma once

#include "api.h"

int api_status_get(struct control *control, struct api_call *call, struct error *err);
