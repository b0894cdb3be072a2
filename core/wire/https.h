/* https.h - one request to the controller's API over TLS, its certificate pinned.
 * Floor: wire (knows base; libcurl). No globals; safe in any thread.
 *
 * The pin is the whole proof of who answers: names, dates and authorities of the certificate do not
 * count, so a mesh needs no certificate authority and no clock. There is no request without TLS 1.2
 * and a pin, no redirection is followed, no proxy of the environment is used.
 */
#pragma once

#include <stddef.h>

#include "buffer.h"
#include "error.h"

#define HTTPS_PIN_SIZE 53 /* room for "sha256//", 44 characters of base64 and a NUL */

/* Keeps the connection open from call to call. Belongs to one thread at a time. NULL when memory
 * runs out, which https_call takes for none; https_session_free(NULL) does nothing. */
struct https_session;
struct https_session *https_session_new(void);
void https_session_free(struct https_session *session);

struct https_request {
    struct https_session *session; /* NULL = a connection for this call alone */
    const char *method;            /* "GET", "PUT", "POST", "DELETE" */
    const char *url;               /* https://HOST[:PORT]/path */
    const char *pin;               /* "sha256//..." of the certificate's public key (curl's form) */
    const char *token;             /* sent as `Authorization: Bearer TOKEN`; NULL = none */
    const void *body;              /* JSON; NULL = none */
    size_t body_size;
    unsigned timeout_ms; /* for the whole request, connecting included; 0 = 30 s */
    size_t most;         /* bytes of the answer; 0 = 1 MiB */
};

/* Start from {0}; https_answer_done gives the body back and leaves {0}. */
struct https_answer {
    int status; /* 200, 404, ... */
    struct buffer body;
};
void https_answer_done(struct https_answer *answer);

#define AUTO_HTTPS_ANSWER __attribute__((cleanup(https_answer_done)))

/* Checks the form of a pin: "sha256//" and the base64 of 32 bytes. Returns 0 or ERROR_INVALID. */
int https_pin_check(const char *pin, struct error *err);

/* Sends a request and reads its answer, whatever its status says.
 *
 * Returns 0 and the answer; ERROR_UNREACHABLE when there is none (the text tells a wrong key, a
 * refused connection, a name that is not found and a time-out apart; where is the URL's host);
 * ERROR_TOO_LARGE above `most`; ERROR_INVALID for a URL or pin that is none. */
int https_call(const struct https_request *request, struct https_answer *ret_answer,
               struct error *err);
