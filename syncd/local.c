/* local.c - a small server on a UNIX socket. */
#include "local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "auto.h"
#include "buffer.h"
#include "json.h"

#define CLIENTS     32
#define REQUEST_MAX 4096 /* bytes of a line */
#define PATIENCE_MS 3000 /* from connecting to the last byte of the answer */
#define QUIET_MS    3600000

struct client {
    int fd; /* -1 = free */
    uint64_t until_ms;
    size_t got;
    char request[REQUEST_MAX + 1];
    struct buffer answer;
    size_t sent;
};

struct local {
    struct local_options options;
    char *path;
    int epoll, listener;
    bool is_listening; /* in epoll: not while all places are taken */
    struct client clients[CLIENTS];
};

static void drop(struct client *client)
{
    if (client->fd >= 0)
        (void)close(client->fd);
    buffer_done(&client->answer);
    client->fd = -1;
    client->got = client->sent = 0;
}

static int watch(struct local *local, int operation, int fd, uint32_t events, size_t which)
{
    struct epoll_event event = {.events = events, .data.u64 = which};

    return epoll_ctl(local->epoll, operation, fd, &event);
}

/* Takes new clients only when there is a place for one; the rest waits in the kernel's queue. */
static void listen_when_free(struct local *local)
{
    bool has_room = false;

    for (size_t i = 0; i < CLIENTS; i++)
        has_room |= local->clients[i].fd < 0;
    if (has_room == local->is_listening)
        return;
    if (watch(local, has_room ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, local->listener, EPOLLIN, CLIENTS) ==
        0)
        local->is_listening = has_room;
}

/* Binds the name; a socket file whose program is gone is removed first. */
static int bind_path(int fd, const char *path, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO_CLOSE int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (strlen(path) >= sizeof address.sun_path)
        return error_set(err, ERROR_CONFIG, "socket: '%s' is above %zu bytes, the most", path,
                         sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(probe, (const struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN) {
        error_set(err, ERROR_AGAIN, "another meshdns-syncd answers here");
        (void)error_where(err, path);
        return ERROR_AGAIN;
    }
    if (errno == ECONNREFUSED && unlink(path) < 0)
        return error_errno(err, path, "cannot replace the socket of a former agent");

    mode_t before = umask(0111);
    int bound = bind(fd, (const struct sockaddr *)&address, sizeof address);
    int failure = errno;
    umask(before);
    errno = failure;
    if (bound < 0 || listen(fd, SOMAXCONN) < 0)
        return error_errno(err, path, "cannot listen");
    return 0;
}

int local_open(const struct local_options *options, struct local **ret_local, struct error *err)
{
    struct local *local = calloc(1, sizeof *local);

    if (!local)
        return error_set(err, ERROR_INTERNAL, "out of memory");
    local->options = *options;
    for (size_t i = 0; i < CLIENTS; i++)
        local->clients[i].fd = -1;
    local->epoll = epoll_create1(EPOLL_CLOEXEC);
    local->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int r = local->epoll < 0 || local->listener < 0
                ? error_errno(err, options->path, "cannot make a socket")
                : bind_path(local->listener, options->path, err);
    if (r == 0) {
        local->path = strdup(options->path);
        if (!local->path)
            r = error_set(err, ERROR_INTERNAL, "out of memory");
    }
    if (r < 0) {
        local_close(local);
        return r;
    }
    listen_when_free(local);
    *ret_local = local;
    return 0;
}

void local_close(struct local *local)
{
    if (!local)
        return;
    for (size_t i = 0; i < CLIENTS; i++)
        drop(&local->clients[i]);
    if (local->path)
        (void)unlink(local->path);
    if (local->listener >= 0)
        (void)close(local->listener);
    if (local->epoll >= 0)
        (void)close(local->epoll);
    free(local->path);
    free(local);
}

int local_fd(const struct local *local)
{
    return local->epoll;
}

static void accept_client(struct local *local, uint64_t now_ms)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &local->clients[i];

        if (client->fd >= 0)
            continue;
        client->fd = accept4(local->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client->fd < 0)
            return;
        client->until_ms = now_ms + PATIENCE_MS;
        if (watch(local, EPOLL_CTL_ADD, client->fd, EPOLLIN, i) < 0)
            drop(client);
    }
}

static void write_error(struct value *answer, const struct error *err)
{
    AUTO_VALUE struct value error = {0};

    value_put_text(&error, "code", error_name(err->code));
    value_put_text(&error, "text", err->text);
    value_put_text(&error, "hint", err->hint);
    (void)value_put(answer, "error", &error);
}

/* Answers the line that is in client->request. */
static void answer(struct local *local, struct client *client, size_t length)
{
    AUTO_VALUE struct value request = {0}, reply = {0};
    struct error err = {0};
    int r = json_read(client->request, length, &request, &err);

    if (r == 0)
        r = local->options.answer(local->options.context, &request, &reply, &err);
    if (r < 0) {
        value_done(&reply);
        write_error(&reply, &err);
    }
    json_write(&reply, 0, &client->answer);
    buffer_append(&client->answer, "\n", 1);
}

/* Writes on. Returns false when the client is done, one way or the other. */
static bool write_on(struct client *client)
{
    while (client->sent < client->answer.size) {
        ssize_t sent = send(client->fd, client->answer.bytes + client->sent,
                            client->answer.size - client->sent, MSG_NOSIGNAL);

        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        client->sent += (size_t)sent;
    }
    return false;
}

/* Reads on. Returns false when nothing more is to be expected of this client. */
static bool read_on(struct local *local, struct client *client, size_t which)
{
    ssize_t got = recv(client->fd, client->request + client->got, REQUEST_MAX - client->got, 0);

    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    client->got += (size_t)got;
    const char *end = memchr(client->request, '\n', client->got);
    if (!end)
        return client->got < REQUEST_MAX;
    answer(local, client, (size_t)(end - client->request));
    if (!buffer_is_good(&client->answer) || !write_on(client))
        return false;
    return watch(local, EPOLL_CTL_MOD, client->fd, EPOLLOUT, which) == 0;
}

void local_serve(struct local *local, uint64_t now_ms)
{
    struct epoll_event events[CLIENTS + 1];
    int count = epoll_wait(local->epoll, events, (int)ARRAY_SIZE(events), 0);

    for (int i = 0; i < count; i++) {
        size_t which = (size_t)events[i].data.u64;

        if (which >= CLIENTS) {
            accept_client(local, now_ms);
            continue;
        }
        struct client *client = &local->clients[which];
        bool goes_on = client->answer.size > 0 ? write_on(client) : read_on(local, client, which);
        if (!goes_on)
            drop(client);
    }
    listen_when_free(local);
}

uint64_t local_tick(struct local *local, uint64_t now_ms)
{
    uint64_t next_ms = now_ms + QUIET_MS;

    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *client = &local->clients[i];

        if (client->fd < 0)
            continue;
        if (client->until_ms <= now_ms)
            drop(client);
        else if (client->until_ms < next_ms)
            next_ms = client->until_ms;
    }
    listen_when_free(local);
    return next_ms;
}
