/* api_answer.c - what goes back over HTTP. */
#include "api_answer.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "json.h"

/* Answers may hold secrets (a new invitation), so the bytes are wiped and nobody may keep them. */
static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *type,
                               struct buffer *body, const char *allow)
{
    struct MHD_Response *response =
        buffer_is_good(body)
            ? MHD_create_response_from_buffer(body->size, body->bytes, MHD_RESPMEM_MUST_COPY)
            : NULL;
    enum MHD_Result result = MHD_NO;

    buffer_wipe(body);
    if (!response)
        return MHD_NO;
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (status == MHD_HTTP_UNAUTHORIZED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                                      "Bearer realm=\"meshdns\"");
    if (allow)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result api_answer_json(struct MHD_Connection *connection, const struct value *answer)
{
    struct buffer body = {0};

    json_write(answer, 0, &body);
    buffer_append(&body, "\n", 1);
    return respond(connection, MHD_HTTP_OK, "application/json", &body, NULL);
}

enum MHD_Result api_answer_problem(struct MHD_Connection *connection, const struct error *err,
                                   unsigned status, size_t document, const char *allow)
{
    const char *name = error_name(err->code);
    AUTO_VALUE struct value problem = {0};
    struct buffer body = {0};
    char type[64];

    if (status == 0)
        status = (unsigned)error_http_status(err->code);
    (void)snprintf(type, sizeof(type), "urn:meshdns:error:%s", name);
    value_put_text(&problem, "type", type);
    value_put_text(&problem, "title", name);
    value_put_integer(&problem, "status", status);
    value_put_text(&problem, "detail", err->text);
    if (err->key[0])
        value_put_text(&problem, "key", err->key);
    if (err->hint[0])
        value_put_text(&problem, "hint", err->hint);
    if (err->where[0])
        value_put_text(&problem, "where", err->where);
    if (document != SIZE_MAX)
        value_put_integer(&problem, "document", (int64_t)document);
    json_write(&problem, 0, &body);
    buffer_append(&body, "\n", 1);
    return respond(connection, status, "application/problem+json", &body, allow);
}

enum MHD_Result api_answer_text(struct MHD_Connection *connection, unsigned status,
                                const char *text)
{
    struct buffer body = {0};

    buffer_append(&body, text, strlen(text));
    return respond(connection, status, "text/plain; charset=utf-8", &body, NULL);
}
