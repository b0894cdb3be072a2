/* channel.c - what single nodes say. */
#include "channel.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <zmq.h>

#include "auto.h"
#include "broadcast.h"
#include "delta.h"
#include "store_documents.h"

#define EPOCH_AHEAD_MOST 1000000 /* a claim beyond this is no restored store but nonsense */

static void answer_heartbeat(struct control *control, struct nodes_node *node)
{
    struct message heartbeat;

    broadcast_heartbeat(control, &heartbeat);
    control_tell(control, node, &heartbeat);
}

/* Compares the floor that a node shows with our log. Only our own signature counts. */
static void check_floor(struct control *control, struct nodes_node *node,
                        const struct message *hello)
{
    const struct documents *documents = &control->documents;
    uint8_t logged[SEAL_DIGEST];
    struct error err = {0};

    node->is_ahead = false;
    if (!hello->has_floor)
        return;
    if (seal_floor_check(control->authority->mesh_id, hello->revision, hello->digest,
                         control->authority->sign.public_key, hello->floor) < 0) {
        control_refuse(control, CONTROL_BAD_FLOOR, node->name,
                       "its floor is not signed by this controller");
        return;
    }
    if (hello->revision > documents->revision) {
        node->is_ahead = true;
        control_turn_read_only(control, node->name, hello->revision, false);
        return;
    }
    int known = store_documents_digest(control->store, hello->revision, logged, &err);
    if (known == 1 && !key_is_equal(logged, hello->digest, sizeof(logged))) {
        if (hello->revision == documents->revision) {
            node->is_ahead = true;
            control_turn_read_only(control, node->name, hello->revision, true);
        } else {
            log_event(control->log, LOG_LEVEL_WARNING, "floor-differs",
                      log_text("node", node->name),
                      log_number("revision", (int64_t)hello->revision),
                      log_text("reason", "this store was restored and changed since"));
        }
    }
}

/* Epochs of a restored store are old, too; recover goes above the highest that was claimed. */
static void note_epoch(struct control *control, const struct message *hello)
{
    struct error err = {0};

    if (hello->epoch <= control->sealer.epoch || hello->epoch <= control->floor_epoch ||
        hello->epoch > control->sealer.epoch + EPOCH_AHEAD_MOST)
        return;
    control->floor_epoch = hello->epoch;
    if (store_set_read_only(control->store, control->read_only, control->floor_revision,
                            control->floor_epoch, &err) < 0)
        log_event(control->log, LOG_LEVEL_ERROR, "store-failed",
                  log_text("reason", error_line(&err)));
}

static void handle_hello(struct control *control, struct nodes_node *node,
                         const struct message *hello)
{
    struct message welcome = {.kind = MESSAGE_WELCOME,
                              .epoch = control->sealer.epoch,
                              .revision = control->broadcast.revision,
                              .heartbeat_ms = (uint32_t)control->config->heartbeat_ms};

    (void)snprintf(node->software, sizeof(node->software), "%s", hello->software);
    node->revision = hello->revision;
    memcpy(node->digest, hello->digest, sizeof(node->digest));
    check_floor(control, node, hello);
    note_epoch(control, hello);

    memcpy(welcome.nonce, hello->nonce, sizeof(welcome.nonce));
    memcpy(welcome.key, control->sealer.group_key, sizeof(welcome.key));
    memcpy(welcome.digest, control->broadcast.digest, sizeof(welcome.digest));
    control_tell(control, node, &welcome);
    message_done(&welcome);
}

static void handle_ack(struct control *control, struct nodes_node *node, const struct message *ack)
{
    if (node->is_stale != ack->is_stale || node->unsupported != ack->unsupported)
        log_event(control->log, LOG_LEVEL_NOTICE, "node-state", log_text("node", node->name),
                  log_text("stale", ack->is_stale ? "yes" : "no"),
                  log_number("unsupported", (int64_t)ack->unsupported));
    node->revision = ack->revision;
    memcpy(node->digest, ack->digest, sizeof(node->digest));
    node->is_stale = ack->is_stale;
    node->unsupported = ack->unsupported;
    answer_heartbeat(control, node);
}

static void store_failed(struct control *control, struct error *err)
{
    log_event(control->log, LOG_LEVEL_ERROR, "store-failed", log_text("reason", error_line(err)));
}

static void seal_revision(const struct control *control, struct message *message)
{
    message->revision = control->documents.revision;
    memcpy(message->digest, control->documents.digest, SEAL_DIGEST);
    memcpy(message->floor, control->documents.floor, KEY_SIGNATURE);
}

static void handle_fetch(struct control *control, struct nodes_node *node,
                         const struct message *fetch)
{
    struct error err = {0};
    struct delta delta;

    if (node->is_ahead || fetch->after >= control->documents.revision) {
        answer_heartbeat(control, node);
        return;
    }
    int r = delta_after(control->store, fetch->after, MESSAGE_DELTA_MAX, &delta, &err);
    if (r < 0) {
        store_failed(control, &err);
        return;
    }
    if (r == 1) {
        control_tell(control, node,
                     &(struct message){.kind = MESSAGE_PULL_NEEDED,
                                       .revision = control->documents.revision});
        return;
    }
    delta.message.previous = fetch->after;
    seal_revision(control, &delta.message);
    control_tell(control, node, &delta.message);
    delta_done(&delta);
}

static void handle_pull(struct control *control, struct nodes_node *node,
                        const struct message *pull)
{
    struct error err = {0};
    struct delta delta;

    if (node->is_ahead) {
        answer_heartbeat(control, node);
        return;
    }
    if (delta_chunk(control->store, pull->cursor, MESSAGE_CHUNK, &delta, &err) < 0) {
        store_failed(control, &err);
        return;
    }
    seal_revision(control, &delta.message);
    control_tell(control, node, &delta.message);
    delta_done(&delta);
}

/* Makes the connection that said hello the node's channel. */
static void adopt_route(struct control *control, struct nodes_node *node, zmq_msg_t *route,
                        uint64_t cookie)
{
    size_t size = zmq_msg_size(route);

    if (size == 0 || size > sizeof(node->route))
        return;
    bool is_new = node->route_size != size || memcmp(node->route, zmq_msg_data(route), size) != 0 ||
                  !node->is_connected;
    memcpy(node->route, zmq_msg_data(route), size);
    node->route_size = size;
    node->cookie = cookie;
    node->is_connected = true;
    if (is_new)
        log_event(control->log, LOG_LEVEL_NOTICE, "node-connected", log_text("node", node->name));
}

static bool is_channel(const struct nodes_node *node, zmq_msg_t *route)
{
    return node->route_size > 0 && node->route_size == zmq_msg_size(route) &&
           memcmp(node->route, zmq_msg_data(route), node->route_size) == 0;
}

static void dispatch(struct control *control, struct nodes_node *node,
                     const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_HELLO:
        handle_hello(control, node, message);
        break;
    case MESSAGE_ACK:
        handle_ack(control, node, message);
        break;
    case MESSAGE_FETCH:
        handle_fetch(control, node, message);
        break;
    case MESSAGE_PULL:
        handle_pull(control, node, message);
        break;
    default: /* message_read_node lets no other pass */
        break;
    }
}

/* The node behind a message, or NULL: then it was refused. Tells the scissors whose descriptor it
 * is. */
static struct nodes_node *sender(struct control *control, enum cut_channel channel,
                                 zmq_msg_t *frame, uint64_t *ret_cookie)
{
    struct nodes_node *node = nodes_of_user(&control->nodes, zmq_msg_gets(frame, "User-Id"));

    if (!node)
        return NULL; /* ZAP gave no such User-Id; nothing to tell */
    *ret_cookie = cut_seen(control->cut, channel, zmq_msg_get(frame, ZMQ_SRCFD), node->public_key);
    if (nodes_is_revoked(node)) {
        /* It was in the queue when the node was revoked, or escaped the first cut. */
        (void)cut_key(control->cut, node->public_key);
        control_refuse(control, CONTROL_REVOKED, node->name, "a message of a revoked node");
        return NULL;
    }
    return node;
}

static void handle(struct control *control, zmq_msg_t *route, zmq_msg_t *frame, uint64_t now_ms)
{
    struct error err = {0};
    struct message message = {0};
    uint64_t cookie = 0;
    struct nodes_node *node = sender(control, CUT_ROUTER, frame, &cookie);

    if (!node)
        return;
    int r = zmq_msg_size(frame) > CHANNEL_FRAME_MAX
                ? error_set(&err, ERROR_INVALID, "%zu bytes are too many for a node's message",
                            zmq_msg_size(frame))
                : message_read_node(zmq_msg_data(frame), zmq_msg_size(frame), &message, &err);
    if (r == ERROR_UNSUPPORTED) {
        control_refuse(control, CONTROL_UNKNOWN_KIND, node->name, error_line(&err));
    } else if (r < 0) {
        control_refuse(control, CONTROL_MALFORMED, node->name, error_line(&err));
    } else if (message.kind != MESSAGE_HELLO && !is_channel(node, route)) {
        control_refuse(control, CONTROL_NO_HELLO, node->name, "no hello on this connection");
    } else {
        if (message.kind == MESSAGE_HELLO)
            adopt_route(control, node, route, cookie);
        node->last_seen_ms = now_ms;
        node->is_connected = true;
        dispatch(control, node, &message);
    }
    message_done(&message);
}

/* Reads the rest of a message that has more frames than it should. */
static bool skip_rest(void *socket, zmq_msg_t *last)
{
    bool had_more = false;

    while (zmq_msg_more(last)) {
        had_more = true;
        if (zmq_msg_recv(last, socket, ZMQ_DONTWAIT) < 0)
            break;
    }
    return had_more;
}

void channel_read(struct control *control, unsigned most, uint64_t now_ms)
{
    for (unsigned i = 0; i < most; i++) {
        zmq_msg_t route, frame;

        (void)zmq_msg_init(&route);
        (void)zmq_msg_init(&frame);
        bool is_there = zmq_msg_recv(&route, control->router, ZMQ_DONTWAIT) >= 0;
        if (is_there && zmq_msg_more(&route) &&
            zmq_msg_recv(&frame, control->router, ZMQ_DONTWAIT) >= 0) {
            if (skip_rest(control->router, &frame))
                control_refuse(control, CONTROL_MALFORMED, "a node",
                               "the message has several frames");
            else
                handle(control, &route, &frame, now_ms);
        }
        (void)zmq_msg_close(&frame);
        (void)zmq_msg_close(&route);
        if (!is_there)
            break;
    }
}

/* Nodes subscribe to everything. Each other topic would be kept by libzmq, and a hostile node could
 * name topics until memory runs out. */
static void check_subscription(struct control *control, const struct nodes_node *node,
                               zmq_msg_t *frame, bool is_there)
{
    const uint8_t *bytes = zmq_msg_data(frame);

    if (zmq_msg_size(frame) == 1 && bytes[0] <= 1 && !zmq_msg_more(frame))
        return;
    if (is_there)
        cut_one(control->cut, zmq_msg_get(frame, ZMQ_SRCFD));
    control_refuse(control, CONTROL_TOPIC, node->name, "it subscribes to single topics");
}

void channel_read_subscriptions(struct control *control, unsigned most)
{
    for (unsigned i = 0; i < most; i++) {
        uint64_t cookie = 0;
        zmq_msg_t frame;

        (void)zmq_msg_init(&frame);
        bool is_there = zmq_msg_recv(&frame, control->xpub, ZMQ_DONTWAIT) >= 0;
        if (is_there) {
            struct nodes_node *node = sender(control, CUT_XPUB, &frame, &cookie);
            if (node)
                check_subscription(control, node, &frame, cookie != 0);
            (void)skip_rest(control->xpub, &frame);
        }
        (void)zmq_msg_close(&frame);
        if (!is_there)
            break;
    }
}

void channel_closed(struct control *control, uint64_t cookie)
{
    for (size_t i = 0; i < control->nodes.count && cookie; i++) {
        struct nodes_node *node = control->nodes.items[i];
        if (!node->is_connected || node->cookie != cookie)
            continue;
        node->is_connected = false;
        log_event(control->log, LOG_LEVEL_NOTICE, "node-disconnected",
                  log_text("node", node->name));
    }
}
