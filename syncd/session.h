/* session.h - whether a message is the controller's, for us, and new.
 * Knows wire. No clock, no sockets. Belongs to one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "message.h"
#include "refusal.h"
#include "seal.h"

enum session_channel { SESSION_NODE, SESSION_BROADCAST, SESSION_CHANNELS };

/* Start from {.expected = {the mesh and the controller's key}}. */
struct session {
    struct seal_expected expected;    /* with the group key of the epoch */
    uint64_t last[SESSION_CHANNELS];  /* only what is above it is new on that channel */
    uint64_t heard[SESSION_CHANNELS]; /* the highest that came by it; 0 = none of this start */
    uint64_t newest;                  /* the highest that was acted upon, of both */
    uint8_t nonce[MESSAGE_NONCE];
    bool is_asked;   /* a hello with our nonce awaits its welcome */
    bool is_welcome; /* there was a welcome since the program started */
};

/* Wipes the keys. */
void session_done(struct session *session);

/* A hello is about to be said: makes its nonce, unless one is already awaiting its welcome. Returns
 * false when the kernel has no random numbers yet. */
bool session_ask(struct session *session);

enum {
    SESSION_TRUE = 0,   /* the message may be acted upon */
    SESSION_EARLY = -1, /* it cannot be judged before the first welcome: not counted */
};

/* Opens and checks a message: size, seal (magic, version, mesh, signature, epoch), channel, nonce
 * or sequence, body.
 *
 *   body         for the plain bytes, from which ret_message borrows
 *   ret_header   filled when the message is true
 *   ret_message  start from {0}; message_done
 *
 * Returns SESSION_TRUE, SESSION_EARLY, or why it is refused (enum refusal, enum seal_refusal). */
int session_open(struct session *session, enum session_channel channel, const void *bytes,
                 size_t size, struct buffer *body, struct seal_header *ret_header,
                 struct message *ret_message);

/* Takes the epoch and its key from a true welcome, and starts to count its sequences. Returns
 * whether it answers an open hello; else it is the same welcome once more. */
bool session_welcome(struct session *session, const struct seal_header *header,
                     const struct message *message);

/* Takes a new epoch. Returns SESSION_TRUE, or SEAL_OLD_EPOCH. */
int session_epoch(struct session *session, const struct message *message);

/* Whether a true message is the newest of both channels. What is not was overtaken by something
 * that has been acted upon. */
bool session_advance(struct session *session, const struct seal_header *header);
