/* config.h - what the controller is told: by its file, and over it by its flags.
 * Part of the controller. The settings are described in meshdns.conf(5).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "endpoint.h"
#include "error.h"

#define CONFIG_FILE     "/etc/meshdns/controller.yaml"
#define CONFIG_PATH_MAX 3072 /* bytes of a path here, so that names in it fit PATH_MAX */

struct config {
    char mesh[64];                         /* "" = not told */
    char state[CONFIG_PATH_MAX];           /* a folder */
    char advertise[ENDPOINT_HOST_MAX + 1]; /* "" = not told */
    struct endpoint api, node, broadcast;
    uint64_t heartbeat_ms, request_timeout_ms;
    char token_file[CONFIG_PATH_MAX]; /* init; "" = show the token */
    bool json;                        /* init, recover */
};

/* Reads the options of a call and the file they name; without --config the default file, when it is
 * there. Returns 0, ERROR_USAGE for a wrong option, ERROR_CONFIG for a file that is wrong or cannot
 * be read. */
int config_read(const struct command_call *call, struct config *ret_config, struct error *err);
