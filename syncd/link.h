/* link.h - the two ZeroMQ connections to the controller, and when they are made again.
 * Knows base, wire; libzmq. Belongs to one thread (libzmq's own threads aside).
 *
 * A DEALER (node channel) and a SUB (broadcasts), both CURVE clients that accept only the
 * controller's key. Nothing here is blocking.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmq.h>

#include "error.h"
#include "key.h"
#include "log.h"

struct link;

struct link_options {
    const char *endpoint_node, *endpoint_broadcast; /* tcp://HOST:PORT */
    const struct key_curve *key;                    /* of this node */
    uint8_t controller_key[KEY_CURVE_PUBLIC];
    uint64_t reconnect_ms, reconnect_max_ms;
    struct log *log; /* outlives the link */
};

/* Makes the sockets and starts connecting. Returns 0 or a negative error code. */
int link_open(const struct link_options *options, struct link **ret_link, struct error *err);

/* NULL does nothing. */
void link_close(struct link *link);

#define LINK_POLL 4

/* Fills what zmq_poll is to wait for. Returns LINK_POLL. */
size_t link_poll(const struct link *link, zmq_pollitem_t ret_items[static LINK_POLL]);

enum link_event {
    LINK_NOTHING,
    LINK_UP,        /* the node channel: say hello */
    LINK_DOWN,      /* the node channel is gone */
    LINK_NODE,      /* a message of the node channel */
    LINK_BROADCAST, /* a broadcast */
};

/* The next thing that happened, in a fair order; LINK_NOTHING when nothing is left. With a message,
 * ret_bytes are borrowed until the next call. */
enum link_event link_next(struct link *link, uint64_t now_ms, const void **ret_bytes,
                          size_t *ret_size);

/* Sends through the node channel; false when there is no connection to take it. */
bool link_send(struct link *link, const void *bytes, size_t size);

/* Connects anew what has been away for too long. Returns when to call again, boot clock in ms. */
uint64_t link_tick(struct link *link, uint64_t now_ms);
