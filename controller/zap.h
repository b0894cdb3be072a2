/* zap.h - ZeroMQ asks who may connect; the answer comes from memory.
 * Part of the controller; the hub's thread only. See https://rfc.zeromq.org/spec/27/.
 */
#pragma once

#include <stdint.h>

#include "error.h"
#include "key.h"

enum zap_verdict {
    ZAP_ALLOW = 200,
    ZAP_NOT_YET = 300, /* a key that is not known: the client tries again by itself */
    ZAP_NEVER = 400,   /* revoked: libzmq never tries again */
};

/* Decides about a CURVE key. address is the peer's IP without a port. public_key is NULL for every
 * other mechanism. ret_user_id: the User-Id of the connection's messages. */
typedef enum zap_verdict (*zap_decide)(void *context, const char *address,
                                       const uint8_t *public_key, char ret_user_id[static 65]);

/* Binds the handler's socket; before any CURVE socket is bound. */
int zap_open(void *zmq_context, void **ret_socket, struct error *err);

/* Answers what has been asked so far, and returns. */
void zap_answer(void *socket, zap_decide decide, void *context);
