/* hub.c - the one thread that owns the store and the sockets.
 *
 * It sleeps in zmq_poll over the sockets, their monitors, ZAP, a descriptor for jobs and one for
 * signals, until the publisher's next deadline. Each source is served up to a bound before the
 * others get their turn, so nobody starves anybody.
 */
#include "hub.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <zmq.h>

#include "auto.h"
#include "broadcast.h"
#include "channel.h"
#include "clock.h"
#include "message.h"
#include "monitor.h"
#include "zap.h"

#define TURN            200    /* messages or jobs of one source before the next one's turn */
#define MUTE_MS         180000 /* past the handshake's limit, and still no word */
#define HANDSHAKE_MS    120000 /* 10,000 nodes come back at once: 1.8 ms of CPU each */
#define ALIVE_MS        10000
#define ROUTER_FRAME    (64 * 1024) /* bytes of one frame a node may send before it is dropped */
#define XPUB_FRAME      4096
#define QUEUE_TO_NODE   64 /* messages that wait for a node that does not read */
#define QUEUE_FROM_NODE 100
#define QUEUE_BROADCAST 200

struct hub {
    struct control *control;
    void *context, *zap, *monitors[2];
    const char *failed[2]; /* why the next closed connection of a monitor failed its handshake */
    int jobs_fd, signal_fd;
    pthread_mutex_t lock;
    struct hub_job *first, **last; /* under lock */
    _Atomic uint64_t worked_ms;    /* relaxed: read by others only to see it move */
};

static int zmq_error(const char *where, const char *what, struct error *err)
{
    int number = zmq_errno();

    error_set(err, number == EADDRINUSE ? ERROR_AGAIN : ERROR_IO, "%s: %s", what,
              zmq_strerror(number));
    if (number == EADDRINUSE)
        error_hint(err, "another program listens there; choose another address by 'listen:'");
    return error_where(err, where), number == EADDRINUSE ? ERROR_AGAIN : ERROR_IO;
}

static bool set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

/* What both sockets have in common: CURVE with ZAP, limits, heartbeats. */
static bool configure(const struct control *control, void *socket, bool is_v6, int64_t frame_max)
{
    int heartbeat_ms = 15000;

    return set(socket, ZMQ_LINGER, 0) && set(socket, ZMQ_IPV6, is_v6) &&
           set(socket, ZMQ_BACKLOG, 4096) && set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
           set(socket, ZMQ_HEARTBEAT_IVL, heartbeat_ms) &&
           set(socket, ZMQ_HEARTBEAT_TIMEOUT, 3 * heartbeat_ms) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof(frame_max)) == 0 &&
           zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, "meshdns", 7) == 0 &&
           set(socket, ZMQ_CURVE_SERVER, 1) &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, control->authority->curve.secret_key,
                          KEY_CURVE_SECRET) == 0;
}

static int bind_socket(void *socket, const struct endpoint *endpoint, struct error *err)
{
    char address[ENDPOINT_TEXT];

    endpoint_write("tcp", endpoint->host, endpoint->port, address);
    return zmq_bind(socket, address) < 0 ? zmq_error(address, "cannot listen", err) : 0;
}

static int open_router(struct hub *hub, struct error *err)
{
    struct control *control = hub->control;

    control->router = zmq_socket(hub->context, ZMQ_ROUTER);
    if (!control->router ||
        !configure(control, control->router, control->config->node.is_v6, ROUTER_FRAME) ||
        !set(control->router, ZMQ_ROUTER_MANDATORY, 1) ||
        !set(control->router, ZMQ_SNDHWM, QUEUE_TO_NODE) ||
        !set(control->router, ZMQ_RCVHWM, QUEUE_FROM_NODE))
        return zmq_error("node channel", "cannot make the socket", err);
    int r = monitor_open(hub->context, control->router, "router", &hub->monitors[CUT_ROUTER], err);
    return r < 0 ? r : bind_socket(control->router, &control->config->node, err);
}

static int open_xpub(struct hub *hub, struct error *err)
{
    struct control *control = hub->control;

    control->xpub = zmq_socket(hub->context, ZMQ_XPUB);
    /* VERBOSER: else the second subscriber stays unseen, and could not be cut. */
    if (!control->xpub ||
        !configure(control, control->xpub, control->config->broadcast.is_v6, XPUB_FRAME) ||
        !set(control->xpub, ZMQ_XPUB_VERBOSER, 1) ||
        !set(control->xpub, ZMQ_SNDHWM, QUEUE_BROADCAST))
        return zmq_error("broadcasts", "cannot make the socket", err);
    int r = monitor_open(hub->context, control->xpub, "xpub", &hub->monitors[CUT_XPUB], err);
    return r < 0 ? r : bind_socket(control->xpub, &control->config->broadcast, err);
}

static int open_descriptors(struct hub *hub, struct error *err)
{
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    hub->jobs_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    hub->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (hub->jobs_fd < 0 || hub->signal_fd < 0)
        return error_errno(err, "", "cannot make a descriptor");
    return 0;
}

int hub_open(struct control *control, struct hub **ret_hub, struct error *err)
{
    struct hub *hub = calloc(1, sizeof(*hub));

    if (!hub)
        return error_set(err, ERROR_INTERNAL, "no memory for the hub");
    *hub = (struct hub){.control = control, .jobs_fd = -1, .signal_fd = -1};
    (void)pthread_mutex_init(&hub->lock, NULL);
    hub->last = &hub->first;
    hub->context = zmq_ctx_new();

    int r = hub->context ? open_descriptors(hub, err)
                         : error_set(err, ERROR_INTERNAL, "ZeroMQ cannot start");
    if (r == 0)
        (void)zmq_ctx_set(hub->context, ZMQ_MAX_SOCKETS, 64);
    if (r == 0)
        r = zap_open(hub->context, &hub->zap, err);
    if (r == 0)
        r = open_router(hub, err);
    if (r == 0)
        r = open_xpub(hub, err);
    if (r < 0)
        hub_close(hub);
    else
        *ret_hub = hub;
    return r;
}

static void close_socket(void **socket)
{
    if (*socket)
        (void)zmq_close(*socket);
    *socket = NULL;
}

void hub_close(struct hub *hub)
{
    if (!hub)
        return;
    close_socket(&hub->control->router);
    close_socket(&hub->control->xpub);
    close_socket(&hub->monitors[0]);
    close_socket(&hub->monitors[1]);
    close_socket(&hub->zap);
    if (hub->context)
        (void)zmq_ctx_term(hub->context);
    auto_close(&hub->jobs_fd);
    auto_close(&hub->signal_fd);
    (void)pthread_mutex_destroy(&hub->lock);
    free(hub);
}

void hub_submit(struct hub *hub, struct hub_job *job)
{
    uint64_t one = 1;

    job->next = NULL;
    (void)pthread_mutex_lock(&hub->lock);
    *hub->last = job;
    hub->last = &job->next;
    (void)pthread_mutex_unlock(&hub->lock);
    if (write(hub->jobs_fd, &one, sizeof(one)) < 0)
        return; /* the counter is full: the hub has been woken often enough */
}

static struct hub_job *take_job(struct hub *hub)
{
    (void)pthread_mutex_lock(&hub->lock);
    struct hub_job *job = hub->first;
    if (job) {
        hub->first = job->next;
        if (!hub->first)
            hub->last = &hub->first;
    }
    (void)pthread_mutex_unlock(&hub->lock);
    return job;
}

void hub_drain(struct hub *hub)
{
    struct hub_job *job;
    uint64_t count;

    if (read(hub->jobs_fd, &count, sizeof(count)) < 0)
        count = 0;
    while ((job = take_job(hub)) != NULL)
        job->run(job, hub->control);
}

static enum zap_verdict decide(void *context, const char *address, const uint8_t *public_key,
                               char ret_user_id[static 65])
{
    struct control *control = context;

    if (!public_key) {
        control_refuse(control, CONTROL_NO_CURVE, address, "no CURVE key");
        return ZAP_NEVER;
    }
    const struct nodes_node *node = nodes_find(&control->nodes, public_key);
    if (!node) {
        control_refuse(control, CONTROL_UNKNOWN_KEY, address, "its key is no node's");
        return ZAP_NOT_YET;
    }
    if (nodes_is_revoked(node)) {
        char why[128];

        (void)snprintf(why, sizeof(why), "node %s is revoked", node->name);
        control_refuse(control, CONTROL_REVOKED, address, why);
        return ZAP_NEVER;
    }
    (void)snprintf(ret_user_id, 65, "%s", node->key_text);
    return ZAP_ALLOW;
}

static void read_monitor(struct hub *hub, enum cut_channel channel, uint64_t now_ms)
{
    struct monitor_event event;

    for (unsigned i = 0; i < TURN && monitor_next(hub->monitors[channel], &event); i++) {
        char address[46];

        if (event.kind == MONITOR_OPENED)
            cut_opened(hub->control->cut, channel, event.fd, now_ms);
        if (event.kind == MONITOR_FAILED)
            hub->failed[channel] = event.why;
        if (event.kind != MONITOR_CLOSED)
            continue;
        channel_closed(hub->control, cut_closed(hub->control->cut, channel, event.fd, address));
        if (hub->failed[channel])
            control_refuse(hub->control, CONTROL_HANDSHAKE, address, hub->failed[channel]);
        hub->failed[channel] = NULL;
    }
}

static int timeout(uint64_t next_ms)
{
    return next_ms < 500 ? (int)next_ms : 500;
}

/* One turn of all sources. Returns whether a signal ends it. */
static bool turn(struct hub *hub, uint64_t next_ms)
{
    struct control *control = hub->control;
    enum { SIGNAL, ZAP, MONITOR_ROUTER, MONITOR_XPUB, ROUTER, XPUB, JOBS, SOURCES };
    zmq_pollitem_t items[SOURCES] = {
        [SIGNAL] = {NULL, hub->signal_fd, ZMQ_POLLIN, 0},
        [ZAP] = {hub->zap, -1, ZMQ_POLLIN, 0},
        [MONITOR_ROUTER] = {hub->monitors[CUT_ROUTER], -1, ZMQ_POLLIN, 0},
        [MONITOR_XPUB] = {hub->monitors[CUT_XPUB], -1, ZMQ_POLLIN, 0},
        [ROUTER] = {control->router, -1, ZMQ_POLLIN, 0},
        [XPUB] = {control->xpub, -1, ZMQ_POLLIN, 0},
        [JOBS] = {NULL, hub->jobs_fd, ZMQ_POLLIN, 0},
    };

    if (zmq_poll(items, SOURCES, timeout(next_ms)) < 0 && zmq_errno() != EINTR)
        return true;
    uint64_t now_ms = clock_boot_ms();
    if (items[ZAP].revents)
        zap_answer(hub->zap, decide, control);
    /* Always before the messages: a connection has to be known when its first message is read. */
    read_monitor(hub, CUT_ROUTER, now_ms);
    read_monitor(hub, CUT_XPUB, now_ms);
    if (items[ROUTER].revents)
        channel_read(control, TURN, now_ms);
    if (items[XPUB].revents)
        channel_read_subscriptions(control, TURN);
    if (items[JOBS].revents)
        hub_drain(hub);
    return items[SIGNAL].revents != 0;
}

void hub_run(struct hub *hub, void (*tick)(void *context), void *context)
{
    uint64_t next_ms = 0, ticked_ms = 0;

    while (!turn(hub, next_ms)) {
        uint64_t now_ms = clock_boot_ms();

        atomic_store_explicit(&hub->worked_ms, now_ms, memory_order_relaxed);
        next_ms = broadcast_tick(hub->control, now_ms);
        if (now_ms - ticked_ms < 200)
            continue;
        ticked_ms = now_ms;
        tick(context);
        size_t mute = cut_mute(hub->control->cut, now_ms, MUTE_MS);
        if (mute > 0)
            log_event(hub->control->log, LOG_LEVEL_WARNING, "mute-cut",
                      log_number("count", (int64_t)mute));
    }
}

bool hub_is_alive(const struct hub *hub)
{
    uint64_t worked_ms = atomic_load_explicit(&hub->worked_ms, memory_order_relaxed);

    return worked_ms != 0 && clock_boot_ms() - worked_ms < ALIVE_MS;
}
