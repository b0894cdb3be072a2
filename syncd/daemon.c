/* daemon.c - one thread, one loop: ZeroMQ's sockets, and an epoll for all that is a descriptor.
 *
 * Order at start: the snapshot's lock, the stored documents, this machine's names, publish; only
 * then the network. Whatever fails later is told and tried again; only what a restart mends better
 * (memory) ends the program, since a dead agent hurts nobody.
 */
#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>
#include <zmq.h>

#include "auto.h"
#include "clock.h"
#include "file.h"
#include "host.h"
#include "join.h"
#include "link.h"
#include "local.h"
#include "mesh.h"
#include "node_status.h"
#include "sync.h"

#define FREE_PERCENT  25   /* of the snapshot's file system */
#define BEAT_MS       1000 /* the snapshot's heartbeat */
#define MENDING_MS    5000 /* between tries to publish what could not be */
#define MESSAGES_ONCE 256  /* before the others have their turn */

struct agent {
    const struct settings *settings;
    struct log *log;
    struct membership membership;
    struct key_curve key;
    struct mesh *mesh;
    struct host host;
    struct sync *sync;
    struct link *link;
    struct local *local;
    int epoll, signals;
    uint64_t beat_ms, mend_ms;
    bool was_behind, is_broken, stops;
};

static void agent_done(struct agent *agent)
{
    local_close(agent->local);
    link_close(agent->link);
    sync_free(agent->sync);
    host_done(&agent->host);
    mesh_close(agent->mesh);
    membership_done(&agent->membership);
    key_wipe(&agent->key, sizeof agent->key);
    if (agent->epoll >= 0)
        (void)close(agent->epoll);
    if (agent->signals >= 0)
        (void)close(agent->signals);
}

/* Who may write the folder may put another snapshot in the place of ours, and so say where every
 * name leads. */
static int refuse_open_folder(const char *folder, struct error *err)
{
    struct stat about;

    if (stat(folder, &about) < 0)
        return error_errno(err, folder, "cannot look at the folder");
    if (!(about.st_mode & (S_IWGRP | S_IWOTH)) || (about.st_mode & S_ISVTX))
        return 0;
    error_set(err, ERROR_REFUSED, "others may write this folder (mode %04o)",
              about.st_mode & 07777u);
    (void)error_where(err, folder);
    (void)error_hint(err, "chmod go-w %s", folder);
    return ERROR_REFUSED;
}

/* The folder that a file is to lie in. */
static int make_folder_of(const char *path, struct error *err)
{
    char folder[512];
    const char *slash = strrchr(path, '/');

    if (!slash || slash == path)
        return 0;
    if ((size_t)(slash - path) >= sizeof folder)
        return error_set(err, ERROR_CONFIG, "the path '%.100s...' is too long", path);
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    int r = file_make_folder(folder, 0755, err);
    return r < 0 ? r : refuse_open_folder(folder, err);
}

/* What sticks to "this node" sticks to its name in its mesh, over reinstallations too. */
static uint64_t host_key(const struct membership *membership)
{
    unsigned char hash[crypto_generichash_BYTES];
    crypto_generichash_state state;
    uint64_t key = 0;

    (void)crypto_generichash_init(&state, NULL, 0, sizeof hash);
    (void)crypto_generichash_update(&state, membership->mesh_id, sizeof membership->mesh_id);
    (void)crypto_generichash_update(&state, (const unsigned char *)membership->node,
                                    strlen(membership->node));
    (void)crypto_generichash_final(&state, hash, sizeof hash);
    for (unsigned i = 0; i < sizeof key; i++)
        key = key << 8 | hash[i];
    return key;
}

static int open_mesh(struct agent *agent, struct error *err)
{
    const struct settings *settings = agent->settings;
    char path[512];
    struct mesh_options options = {
        .state_path = path,
        .snapshot_path = settings->snapshot,
        .node = {.name = agent->membership.node,
                 .zone = agent->membership.zone,
                 .labels = agent->membership.labels,
                 .label_count = agent->membership.label_count,
                 .uid_of = users_uid_of,
                 .context = agent->host.users},
        .host_key = host_key(&agent->membership),
        .free_percent = FREE_PERCENT,
    };

    memcpy(options.mesh_id, agent->membership.mesh_id, sizeof options.mesh_id);
    (void)snprintf(path, sizeof path, "%s/state.db", settings->state);
    int r = make_folder_of(settings->snapshot, err);
    if (r == 0)
        r = make_folder_of(settings->socket, err);
    if (r == 0)
        r = mesh_open(&options, &agent->mesh, &agent->is_broken, err);
    if (r < 0)
        return r;
    if (agent->is_broken)
        log_event(agent->log, LOG_LEVEL_ERROR, "state-broken",
                  log_text("cure", "put aside as state.db.broken; the controller sends it again"));
    if (mesh_is_damaged(agent->mesh))
        log_event(agent->log, LOG_LEVEL_ERROR, "state-damaged",
                  log_text("cure", "the controller sends it again"));
    return 0;
}

/* Publishes all that is known, before any network. What could not be is tried again later. */
static void serve_last_state(struct agent *agent)
{
    struct error err = {0};
    uint64_t now_ms = clock_boot_ms();

    host_look(&agent->host, agent->mesh, now_ms);
    int r = mesh_publish(agent->mesh, &err);
    mesh_beat(agent->mesh);
    if (r < 0)
        log_event(agent->log, LOG_LEVEL_ERROR, "not-published",
                  log_text("reason", error_line(&err)));
    log_event(agent->log, LOG_LEVEL_NOTICE, "serving",
              log_number("revision", (int64_t)mesh_head(agent->mesh)->revision),
              log_number("documents", (int64_t)mesh_count(agent->mesh)),
              log_text("snapshot", agent->settings->snapshot));
}

static bool send_message(void *context, const void *bytes, size_t size)
{
    struct agent *agent = context;

    return agent->link && link_send(agent->link, bytes, size);
}

static int answer(void *context, const struct value *request, struct value *ret_answer,
                  struct error *err)
{
    struct agent *agent = context;
    const char *what = value_get_text(request, "request");
    const char *name = value_get_text(request, "name");

    if (what && strcmp(what, "status") == 0) {
        const struct node_status_source source = {.settings = agent->settings,
                                                  .membership = &agent->membership,
                                                  .mesh = agent->mesh,
                                                  .sync = agent->sync,
                                                  .trouble = &agent->host.trouble};

        node_status_describe(&source, clock_boot_ms(), ret_answer);
        return 0;
    }
    if (what && strcmp(what, "explain") == 0 && name)
        return mesh_explain(agent->mesh, name, ret_answer, err);
    error_set(err, ERROR_USAGE, "the request is none that this agent knows");
    (void)error_hint(err, "{\"request\":\"status\"} or {\"request\":\"explain\",\"name\":\"...\"}");
    return ERROR_USAGE;
}

static int open_network(struct agent *agent, struct error *err)
{
    const struct settings *settings = agent->settings;
    struct sync_options sync = {.report_ms = settings->report_ms,
                                .mesh = agent->mesh,
                                .log = agent->log,
                                .send = send_message,
                                .context = agent};
    struct link_options link = {.endpoint_node = agent->membership.endpoint_node,
                                .endpoint_broadcast = agent->membership.endpoint_broadcast,
                                .key = &agent->key,
                                .reconnect_ms = settings->reconnect_ms,
                                .reconnect_max_ms = settings->reconnect_max_ms,
                                .log = agent->log};
    const struct local_options local = {
        .path = settings->socket, .answer = answer, .context = agent};

    memcpy(sync.mesh_id, agent->membership.mesh_id, sizeof sync.mesh_id);
    memcpy(sync.sign_key, agent->membership.sign_key, sizeof sync.sign_key);
    memcpy(link.controller_key, agent->membership.controller_key, sizeof link.controller_key);
    int r = sync_new(&sync, &agent->sync, err);
    if (r == 0)
        r = local_open(&local, &agent->local, err);
    if (r == 0)
        r = link_open(&link, &agent->link, err);
    return r;
}

static int add(struct agent *agent, int fd, struct error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    return epoll_ctl(agent->epoll, EPOLL_CTL_ADD, fd, &event) < 0
               ? error_errno(err, "epoll", "cannot wait for events")
               : 0;
}

static int open_events(struct agent *agent, struct error *err)
{
    const char *const files[] = {agent->settings->hosts, agent->settings->resolv_conf};
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
        return error_errno(err, "signals", "cannot block");
    agent->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    agent->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (agent->signals < 0 || agent->epoll < 0)
        return error_errno(err, "epoll", "cannot wait for events");
    int r = add(agent, agent->signals, err);
    return r == 0 ? watch_open(files, ARRAY_SIZE(files), &agent->host.watch, err) : r;
}

static void serve_descriptors(struct agent *agent, uint64_t now_ms)
{
    struct epoll_event events[8];
    struct signalfd_siginfo signal;
    int count = epoll_wait(agent->epoll, events, (int)ARRAY_SIZE(events), 0);

    for (int i = 0; i < count; i++) {
        if (events[i].data.fd == local_fd(agent->local)) {
            local_serve(agent->local, now_ms);
        } else if (read(agent->signals, &signal, sizeof signal) == sizeof signal) {
            agent->stops = true;
            log_event(agent->log, LOG_LEVEL_NOTICE, "stopping",
                      log_text("signal", signal.ssi_signo == SIGTERM ? "TERM" : "INT"));
        }
    }
}

/* Takes what the controller sent, but not for ever. */
static int serve_link(struct agent *agent)
{
    const void *bytes = NULL;
    size_t size = 0;
    int r = 0;

    for (unsigned i = 0; r == 0 && i < MESSAGES_ONCE; i++) {
        uint64_t now_ms = clock_boot_ms();

        switch (link_next(agent->link, now_ms, &bytes, &size)) {
        case LINK_NOTHING:
            return 0;
        case LINK_UP:
            sync_online(agent->sync, now_ms);
            break;
        case LINK_DOWN:
            sync_offline(agent->sync, now_ms);
            break;
        case LINK_NODE:
            r = sync_receive(agent->sync, SESSION_NODE, bytes, size, now_ms);
            break;
        case LINK_BROADCAST:
            r = sync_receive(agent->sync, SESSION_BROADCAST, bytes, size, now_ms);
            break;
        }
    }
    return r;
}

/* Tells of a snapshot that cannot be written, and tries again. */
static void mend(struct agent *agent, uint64_t now_ms)
{
    const struct error *why = NULL;
    bool is_behind = mesh_is_behind(agent->mesh, &why);

    if (is_behind && agent->was_behind && agent->mend_ms <= now_ms)
        is_behind = mesh_publish(agent->mesh, NULL) < 0;
    if (is_behind && agent->mend_ms <= now_ms)
        agent->mend_ms = now_ms + MENDING_MS;
    if (is_behind == agent->was_behind)
        return;
    agent->was_behind = is_behind;
    if (is_behind && mesh_is_behind(agent->mesh, &why)) {
        struct error copy = *why;

        log_event(agent->log, LOG_LEVEL_ERROR, "not-published",
                  log_text("reason", error_line(&copy)),
                  log_text("serving", "the old records go on"));
    } else {
        log_event(agent->log, LOG_LEVEL_NOTICE, "published",
                  log_number("revision", (int64_t)mesh_head(agent->mesh)->revision));
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Everything that is done by time. Returns how long to wait, in ms. */
static long tick(struct agent *agent)
{
    uint64_t now_ms = clock_boot_ms();

    if (agent->beat_ms <= now_ms) {
        mesh_beat(agent->mesh);
        agent->beat_ms = now_ms + BEAT_MS;
    }
    mend(agent, now_ms);
    uint64_t next_ms = agent->beat_ms;
    next_ms = least(next_ms, host_tick(&agent->host, agent->mesh, now_ms));
    next_ms = least(next_ms, sync_tick(agent->sync, now_ms));
    next_ms = least(next_ms, link_tick(agent->link, now_ms));
    next_ms = least(next_ms, local_tick(agent->local, now_ms));
    return next_ms > now_ms ? (long)(next_ms - now_ms) : 0;
}

#define ITEMS (LINK_POLL + 1 + WATCH_POLL)

/* Waits until something happens, or it is time for something. */
static int wait_for_events(struct agent *agent, zmq_pollitem_t items[static ITEMS],
                           struct error *err)
{
    struct pollfd fds[WATCH_POLL];
    size_t count = link_poll(agent->link, items);

    items[count++] = (zmq_pollitem_t){.fd = agent->epoll, .events = ZMQ_POLLIN};
    watch_poll(agent->host.watch, fds);
    for (size_t i = 0; i < WATCH_POLL; i++)
        if (fds[i].fd >= 0)
            items[count++] = (zmq_pollitem_t){
                .fd = fds[i].fd, .events = fds[i].events == POLLPRI ? ZMQ_POLLPRI : ZMQ_POLLIN};
    if (zmq_poll(items, (int)count, tick(agent)) < 0 && errno != EINTR)
        return error_errno(err, "zeromq", "cannot wait for events");
    for (size_t i = 0, at = LINK_POLL + 1; i < WATCH_POLL; i++)
        fds[i].revents = fds[i].fd >= 0 ? items[at++].revents : 0;
    host_notice(&agent->host, fds, clock_boot_ms());
    return 0;
}

static int loop(struct agent *agent, struct error *err)
{
    zmq_pollitem_t items[ITEMS];

    while (!agent->stops) {
        int r = wait_for_events(agent, items, err);

        if (r < 0)
            return r;
        serve_descriptors(agent, clock_boot_ms());
        r = serve_link(agent);
        if (r < 0)
            return error_set(err, r, "out of memory behind a commit: the next start heals it");
    }
    return 0;
}

int daemon_run(const struct settings *settings, struct log *log, struct error *err)
{
    AUTO(agent_done)
    struct agent agent = {.settings = settings,
                          .log = log,
                          .host = {.settings = settings, .log = log},
                          .epoll = -1,
                          .signals = -1};
    char path[512];

    agent.host.membership = &agent.membership;
    (void)snprintf(path, sizeof path, "%s/" JOIN_MESH_FILE, settings->state);
    int r = membership_read(path, &agent.membership, err);
    if (r == 0) {
        (void)snprintf(path, sizeof path, "%s/" JOIN_KEY_FILE, settings->state);
        r = key_curve_load(path, &agent.key, err);
    }
    if (r == 0) {
        agent.host.users = users_new();
        r = agent.host.users ? open_events(&agent, err)
                             : error_set(err, ERROR_INTERNAL, "out of memory");
    }
    if (r == 0)
        r = open_mesh(&agent, err);
    if (r < 0)
        return r;
    serve_last_state(&agent);
    r = open_network(&agent, err);
    if (r < 0)
        return r;
    log_event(log, LOG_LEVEL_NOTICE, "ready", log_text("node", agent.membership.node),
              log_text("mesh", agent.membership.mesh),
              log_text("controller", agent.membership.endpoint_node));
    r = add(&agent, local_fd(agent.local), err);
    return r < 0 ? r : loop(&agent, err);
}
