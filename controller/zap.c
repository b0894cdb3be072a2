/* zap.c - ZeroMQ's authentication protocol, RFC 27.
 *
 * A request is: an empty delimiter (the REP socket takes it away), version, request id, domain,
 * address, identity, mechanism, and the credentials: for CURVE one frame of 32 bytes, the client's
 * public key.
 */
#include "zap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <zmq.h>

enum { VERSION, REQUEST_ID, DOMAIN_NAME, ADDRESS, IDENTITY, MECHANISM, CREDENTIALS, FRAMES };

struct frame {
    char bytes[256];
    size_t size; /* as it was sent; SIZE_MAX when it was longer than bytes */
};

int zap_open(void *zmq_context, void **ret_socket, struct error *err)
{
    int no_wait = 0;
    void *socket = zmq_socket(zmq_context, ZMQ_REP);

    if (!socket || zmq_setsockopt(socket, ZMQ_LINGER, &no_wait, sizeof(no_wait)) < 0 ||
        zmq_bind(socket, "inproc://zeromq.zap.01") < 0) {
        error_set(err, ERROR_INTERNAL, "cannot answer ZeroMQ's questions: %s",
                  zmq_strerror(zmq_errno()));
        (void)zmq_close(socket);
        return ERROR_INTERNAL;
    }
    *ret_socket = socket;
    return 0;
}

/* Reads one request. Returns its number of frames, 0 when none waits. */
static size_t read_request(void *socket, struct frame frames[static FRAMES])
{
    size_t count = 0;
    int more = 1;

    while (more) {
        struct frame spare, *frame = count < FRAMES ? &frames[count] : &spare;
        size_t size = sizeof(more);
        int got = zmq_recv(socket, frame->bytes, sizeof(frame->bytes) - 1, ZMQ_DONTWAIT);

        if (got < 0)
            return 0;
        frame->size = (size_t)got < sizeof(frame->bytes) ? (size_t)got : SIZE_MAX;
        frame->bytes[frame->size == SIZE_MAX ? 0 : frame->size] = '\0';
        count++;
        if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) < 0)
            more = 0;
    }
    return count;
}

static void reply(void *socket, const struct frame *request_id, enum zap_verdict verdict,
                  const char *user_id)
{
    const char *text = verdict == ZAP_ALLOW ? "" : "not allowed";
    char code[4];

    (void)snprintf(code, sizeof(code), "%d", (int)verdict);
    (void)zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
    (void)zmq_send(socket, request_id->bytes, request_id->size == SIZE_MAX ? 0 : request_id->size,
                   ZMQ_SNDMORE);
    (void)zmq_send(socket, code, 3, ZMQ_SNDMORE);
    (void)zmq_send(socket, text, strlen(text), ZMQ_SNDMORE);
    (void)zmq_send(socket, user_id, strlen(user_id), ZMQ_SNDMORE);
    (void)zmq_send(socket, "", 0, 0);
}

void zap_answer(void *socket, zap_decide decide, void *context)
{
    struct frame frames[FRAMES];
    size_t count;

    while ((count = read_request(socket, frames)) > 0) {
        char user_id[65] = "";
        bool is_curve = count == FRAMES && strcmp(frames[MECHANISM].bytes, "CURVE") == 0 &&
                        frames[CREDENTIALS].size == KEY_CURVE_PUBLIC;
        const uint8_t *key = is_curve ? (const uint8_t *)frames[CREDENTIALS].bytes : NULL;
        enum zap_verdict verdict =
            decide(context, count > ADDRESS ? frames[ADDRESS].bytes : "", key, user_id);

        reply(socket, &frames[REQUEST_ID], verdict, verdict == ZAP_ALLOW ? user_id : "");
    }
}
