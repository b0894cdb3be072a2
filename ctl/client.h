/* client.h - calls to the controller's API.
 * Program: meshctl. No globals; one thread.
 */
#pragma once

#include "command.h"
#include "context.h"
#include "error.h"
#include "https.h"
#include "value.h"

struct client {
    struct context context;
    struct https_session *session;
    long document; /* of the last problem: the index into `upserts` that it names; -1 = none */
};

/* Takes --config and --context of a call. client_done gives back what it owns. */
int client_open(const struct command_call *call, struct client *ret_client, struct error *err);
void client_done(struct client *client);

/* Calls the API.
 *
 *   path        "/v1/policies/checkout"; what comes from people was checked before
 *   body        NULL = none
 *   ret_answer  the JSON object of a 2xx answer; NULL = not wanted
 *
 * Returns 0, or what went wrong: of the way (ERROR_UNREACHABLE), or the controller's own words from
 * its problem document, where the code follows from its type. */
int client_call(struct client *client, const char *method, const char *path,
                const struct value *body, struct value *ret_answer, struct error *err);

/* Refuses what cannot be a policy's or node's name, before it becomes a part of a path: kind is
 * "policy" or "node". */
int client_check_name(const char *kind, const char *name, struct error *err);
