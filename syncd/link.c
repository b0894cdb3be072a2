/* link.c - sockets, monitors, and reconnecting.
 *
 * libzmq reconnects by itself: every RECONNECT_IVL and up to as much again at random, which is
 * therefore the spread of the whole fleet, growing to RECONNECT_IVL_MAX while TCP itself fails. Two
 * cases it does not cover: after a ZAP answer of 400 or 500 it never tries again,
 * and a name that gets another address. So a connection that has been away for RECONNECT_IVL_MAX is
 * disconnected and connected by us, with IPv6 preferred and not preferred in turn, since libzmq
 * takes the first address only.
 *
 * A single frame is a message; what has more frames is dropped whole. ZMQ_IMMEDIATE keeps messages
 * from queueing up for a connection that is not there: an old hello or ack is worth nothing.
 */
#include "link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "auto.h"
#include "message.h"

#define HANDSHAKE_MS         120000
#define HEARTBEAT_MS         10000 /* of ZeroMQ; finds dead TCP connections */
#define HEARTBEAT_TIMEOUT_MS 30000
#define QUEUE                64 /* messages; bounds memory, gaps are healed */
#define EVENTS                                                                                     \
    (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |    \
     ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)

struct connection {
    const char *name, *endpoint;
    void *socket, *monitor;
    bool is_up, prefers_v4;
    uint64_t retry_ms; /* connect anew; counts while it is not up */
};

struct link {
    struct link_options options;
    void *context;
    struct connection connections[2]; /* node, broadcast */
    zmq_msg_t message;
    unsigned turn;
};

static int fail(const char *where, const char *what, struct error *err)
{
    error_set(err, errno == EMFILE || errno == ENOMEM ? ERROR_AGAIN : ERROR_INTERNAL, "%s: %s",
              what, zmq_strerror(errno));
    (void)error_where(err, where);
    return errno == EMFILE || errno == ENOMEM ? ERROR_AGAIN : ERROR_INTERNAL;
}

static bool set_number(void *socket, int option, int number)
{
    return zmq_setsockopt(socket, option, &number, sizeof number) == 0;
}

static bool set_options(void *socket, const struct link_options *options)
{
    const int64_t most = MESSAGE_MAX;
    const int ivl = (int)options->reconnect_ms, max = (int)options->reconnect_max_ms;

    return set_number(socket, ZMQ_LINGER, 0) && set_number(socket, ZMQ_IMMEDIATE, 1) &&
           set_number(socket, ZMQ_SNDHWM, QUEUE) && set_number(socket, ZMQ_RCVHWM, QUEUE) &&
           set_number(socket, ZMQ_RECONNECT_IVL, ivl) &&
           set_number(socket, ZMQ_RECONNECT_IVL_MAX, max > ivl ? max : 0) &&
           set_number(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
           set_number(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) &&
           set_number(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) &&
           set_number(socket, ZMQ_HEARTBEAT_TTL, HEARTBEAT_TIMEOUT_MS) &&
           set_number(socket, ZMQ_IPV6, 1) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, options->controller_key, KEY_CURVE_PUBLIC) ==
               0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, options->key->public_key,
                          KEY_CURVE_PUBLIC) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, options->key->secret_key,
                          KEY_CURVE_SECRET) == 0;
}

static int open_connection(struct link *link, struct connection *connection, int type,
                           struct error *err)
{
    char address[64] = "inproc://watch-";

    (void)strncat(address, connection->name, sizeof address - strlen(address) - 1);
    connection->socket = zmq_socket(link->context, type);
    connection->monitor = zmq_socket(link->context, ZMQ_PAIR);
    if (!connection->socket || !connection->monitor ||
        !set_options(connection->socket, &link->options) ||
        !set_number(connection->monitor, ZMQ_LINGER, 0) ||
        zmq_socket_monitor(connection->socket, address, EVENTS) != 0 ||
        zmq_connect(connection->monitor, address) != 0 ||
        (type == ZMQ_SUB && zmq_setsockopt(connection->socket, ZMQ_SUBSCRIBE, "", 0) != 0) ||
        zmq_connect(connection->socket, connection->endpoint) != 0)
        return fail(connection->endpoint, "cannot connect", err);
    return 0;
}

int link_open(const struct link_options *options, struct link **ret_link, struct error *err)
{
    struct link *link = calloc(1, sizeof *link);

    if (!link)
        return error_set(err, ERROR_INTERNAL, "out of memory");
    link->options = *options;
    link->connections[0] = (struct connection){.name = "node", .endpoint = options->endpoint_node};
    link->connections[1] =
        (struct connection){.name = "broadcast", .endpoint = options->endpoint_broadcast};
    (void)zmq_msg_init(&link->message);
    link->context = zmq_ctx_new();
    int r = link->context ? 0 : fail("zeromq", "cannot start", err);
    /* Broadcasts first: what is said between the two connections is then heard. */
    if (r == 0)
        r = open_connection(link, &link->connections[1], ZMQ_SUB, err);
    if (r == 0)
        r = open_connection(link, &link->connections[0], ZMQ_DEALER, err);
    if (r < 0) {
        link_close(link);
        return r;
    }
    *ret_link = link;
    return 0;
}

void link_close(struct link *link)
{
    if (!link)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(link->connections); i++) {
        struct connection *connection = &link->connections[i];

        if (connection->socket) {
            (void)zmq_socket_monitor(connection->socket, NULL, 0);
            (void)zmq_close(connection->socket);
        }
        if (connection->monitor)
            (void)zmq_close(connection->monitor);
    }
    (void)zmq_msg_close(&link->message);
    if (link->context)
        (void)zmq_ctx_term(link->context);
    free(link);
}

size_t link_poll(const struct link *link, zmq_pollitem_t ret_items[static LINK_POLL])
{
    for (size_t i = 0; i < 2; i++) {
        ret_items[i * 2] =
            (zmq_pollitem_t){.socket = link->connections[i].socket, .events = ZMQ_POLLIN};
        ret_items[i * 2 + 1] =
            (zmq_pollitem_t){.socket = link->connections[i].monitor, .events = ZMQ_POLLIN};
    }
    return LINK_POLL;
}

/* Drops what is left of a message with more frames than ours have. Returns whether there was
 * any. */
static bool drop_rest(void *socket, zmq_msg_t *message)
{
    bool had_more = false;

    while (zmq_msg_more(message)) {
        had_more = true;
        if (zmq_msg_recv(message, socket, ZMQ_DONTWAIT) < 0)
            break;
    }
    return had_more;
}

/* The next event of a monitor: its number, 0 when there is none. */
static unsigned next_event(struct connection *connection, uint32_t *ret_value)
{
    zmq_msg_t frame;
    uint16_t event = 0;

    (void)zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, connection->monitor, ZMQ_DONTWAIT) >= 6) {
        memcpy(&event, zmq_msg_data(&frame), sizeof event);
        memcpy(ret_value, (const char *)zmq_msg_data(&frame) + 2, sizeof *ret_value);
        (void)drop_rest(connection->monitor, &frame);
    }
    (void)zmq_msg_close(&frame);
    return event;
}

static uint64_t jitter(uint64_t most)
{
    uint64_t random = 0;

    (void)getrandom(&random, sizeof random, GRND_NONBLOCK);
    return most ? random % most : 0;
}

/* Not sooner than libzmq's own slowest try, and not all nodes at once. */
static uint64_t retry_at(const struct link *link, uint64_t now_ms)
{
    return now_ms + link->options.reconnect_max_ms + jitter(link->options.reconnect_ms);
}

/* Follows a connection's events. Returns LINK_UP or LINK_DOWN when the state changed. */
static enum link_event follow(struct link *link, struct connection *connection, uint64_t now_ms)
{
    uint32_t value = 0;
    unsigned event;

    while ((event = next_event(connection, &value)) != 0) {
        bool was_up = connection->is_up;

        connection->is_up = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
            log_event(link->options.log, LOG_LEVEL_WARNING, "controller-refuses",
                      log_text("channel", connection->name), log_number("status", value),
                      log_text("reason", value == 400 ? "this node is revoked" : "not known yet"));
        else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL ||
                 event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
            log_event(link->options.log, LOG_LEVEL_WARNING, "handshake-failed",
                      log_text("channel", connection->name),
                      log_text("endpoint", connection->endpoint));
        if (!connection->is_up && (was_up || connection->retry_ms == 0))
            connection->retry_ms = retry_at(link, now_ms);
        if (connection->is_up != was_up)
            return connection->is_up ? LINK_UP : LINK_DOWN;
    }
    return LINK_NOTHING;
}

static bool receive(struct link *link, const struct connection *connection)
{
    while (zmq_msg_recv(&link->message, connection->socket, ZMQ_DONTWAIT) >= 0)
        if (!drop_rest(connection->socket, &link->message))
            return true;
    return false;
}

enum link_event link_next(struct link *link, uint64_t now_ms, const void **ret_bytes,
                          size_t *ret_size)
{
    (void)follow(link, &link->connections[1], now_ms);
    enum link_event event = follow(link, &link->connections[0], now_ms);
    if (event != LINK_NOTHING)
        return event;
    for (unsigned i = 0; i < 2; i++) {
        unsigned which = link->turn++ % 2;

        if (!receive(link, &link->connections[which]))
            continue;
        *ret_bytes = zmq_msg_data(&link->message);
        *ret_size = zmq_msg_size(&link->message);
        return which == 0 ? LINK_NODE : LINK_BROADCAST;
    }
    return LINK_NOTHING;
}

bool link_send(struct link *link, const void *bytes, size_t size)
{
    return zmq_send(link->connections[0].socket, bytes, size, ZMQ_DONTWAIT) >= 0;
}

uint64_t link_tick(struct link *link, uint64_t now_ms)
{
    uint64_t next_ms = now_ms + link->options.reconnect_max_ms;

    for (size_t i = 0; i < ARRAY_SIZE(link->connections); i++) {
        struct connection *connection = &link->connections[i];

        if (connection->is_up)
            continue;
        if (connection->retry_ms == 0)
            connection->retry_ms = retry_at(link, now_ms);
        if (connection->retry_ms <= now_ms) {
            connection->prefers_v4 = !connection->prefers_v4;
            (void)zmq_disconnect(connection->socket, connection->endpoint);
            (void)set_number(connection->socket, ZMQ_IPV6, !connection->prefers_v4);
            (void)zmq_connect(connection->socket, connection->endpoint);
            connection->retry_ms = retry_at(link, now_ms);
        }
        if (connection->retry_ms < next_ms)
            next_ms = connection->retry_ms;
    }
    return next_ms;
}
