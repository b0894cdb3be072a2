/* client.c - calls to the controller's API; its problem documents (RFC 9457) become errors. */
#include "client.h"

#include <stdio.h>
#include <string.h>

#include "auto.h"
#include "https.h"
#include "json.h"
#include "policy.h"

#define ANSWER_MAX ((size_t)256 * 1024 * 1024) /* a page of policies of 1 MiB each */
#define URN        "urn:meshdns:error:"

int client_open(const struct command_call *call, struct client *ret_client, struct error *err)
{
    struct client client = {.document = -1};

    int r = context_load(command_get(call, "config"), command_get(call, "context"), &client.context,
                         err);
    if (r < 0)
        return r;
    client.session = https_session_new();
    *ret_client = client;
    return 0;
}

void client_done(struct client *client)
{
    https_session_free(client->session);
    context_done(&client->context);
}

static int code_of(const char *type, int status)
{
    size_t length = strlen(URN);

    for (int code = -1; type && strncmp(type, URN, length) == 0 && code >= -ERROR_COUNT; code--) {
        if (strcmp(type + length, error_name(code)) == 0)
            return code;
    }
    for (int code = -1; code >= -ERROR_COUNT; code--) {
        if (error_http_status(code) == status)
            return code;
    }
    return status >= 500 ? ERROR_UNREACHABLE : ERROR_INTERNAL;
}

/* What a status says when its problem document says nothing. */
static void tell_status(const struct client *client, int status, struct error *err)
{
    error_set(err, code_of(NULL, status), "the controller answered %d without a word", status);
    if (status == 401)
        error_hint(err, "the token of context '%.100s' is not (or no longer) known there",
                   client->context.name);
    else if (status == 404)
        error_hint(err, "is this the address of a controller's API, and of this version?");
}

static int tell_problem(struct client *client, const struct https_answer *answer, struct error *err)
{
    AUTO_VALUE struct value problem = {.type = VALUE_NULL};
    const char *detail, *text;

    if (json_read((const char *)answer->body.bytes, answer->body.size, &problem, NULL) < 0 ||
        !(detail = value_get_text(&problem, "detail"))) {
        tell_status(client, answer->status, err);
        return err->code;
    }
    error_set(err, code_of(value_get_text(&problem, "type"), answer->status), "%s", detail);
    if ((text = value_get_text(&problem, "where")))
        error_where(err, text);
    if ((text = value_get_text(&problem, "key")))
        error_key(err, "%s", text);
    if ((text = value_get_text(&problem, "hint")))
        error_hint(err, "%s", text);
    else if (answer->status == 401)
        error_hint(err, "the token of context '%.100s' is not (or no longer) known there",
                   client->context.name);
    client->document = (long)value_get_integer(&problem, "document", -1);
    return err->code;
}

int client_call(struct client *client, const char *method, const char *path,
                const struct value *body, struct value *ret_answer, struct error *err)
{
    AUTO_HTTPS_ANSWER struct https_answer answer = {0};
    AUTO_BUFFER struct buffer json = {0};
    char url[1024];
    struct error unused;

    err = err ? err : &unused;
    client->document = -1;
    if (snprintf(url, sizeof(url), "%s%s", client->context.server, path) >= (int)sizeof(url))
        return error_set(err, ERROR_USAGE, "the address '%.80s...' is too long", url);
    if (body)
        json_write(body, 0, &json);
    if (!buffer_is_good(&json))
        return error_set(err, ERROR_INTERNAL, "no memory");

    struct https_request request = {.session = client->session,
                                    .method = method,
                                    .url = url,
                                    .pin = client->context.pin,
                                    .token = client->context.token,
                                    .body = json.bytes,
                                    .body_size = json.size,
                                    .most = ANSWER_MAX};
    int r = https_call(&request, &answer, err);
    if (r < 0)
        return r;
    if (answer.status < 200 || answer.status > 299)
        return tell_problem(client, &answer, err);
    if (!ret_answer)
        return 0;
    r = json_read((const char *)answer.body.bytes, answer.body.size, ret_answer, err);
    if (r < 0)
        error_where(err, client->context.server);
    return r;
}

int client_check_name(const char *kind, const char *name, struct error *err)
{
    if (policy_is_name(name))
        return 0;
    error_set(err, ERROR_INVALID,
              "'%.100s' is no name of a %s; allowed are 1 to 63 of a-z, 0-9 and -", name, kind);
    return ERROR_INVALID;
}
