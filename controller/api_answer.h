/* api_answer.h - what goes back over HTTP: JSON, problems, plain text.
 * Part of the controller; libmicrohttpd's thread.
 */
#pragma once

#include <stddef.h>

#include <microhttpd.h>

#include "error.h"
#include "value.h"

/* 200 with a map as JSON. */
enum MHD_Result api_answer_json(struct MHD_Connection *connection, const struct value *answer);

/* An error as application/problem+json (RFC 9457). status 0 = the error's own; document SIZE_MAX =
 * none; allow: for 405, else NULL. */
enum MHD_Result api_answer_problem(struct MHD_Connection *connection, const struct error *err,
                                   unsigned status, size_t document, const char *allow);

enum MHD_Result api_answer_text(struct MHD_Connection *connection, unsigned status,
                                const char *text);
