/* cut.c - which connection belongs to which key, and the scissors. An array by descriptor. */
#include "cut.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "auto.h"

struct connection {
    uint64_t cookie, since_ms; /* cookie 0 = none on this descriptor */
    enum cut_channel channel;
    bool has_key;
    uint8_t public_key[KEY_CURVE_PUBLIC];
    char address[INET6_ADDRSTRLEN];
};

struct cut {
    struct connection *connections; /* by descriptor */
    size_t count;
};

struct cut *cut_new(void)
{
    return calloc(1, sizeof(struct cut));
}

void cut_free(struct cut *cut)
{
    if (cut)
        free(cut->connections);
    free(cut);
}

static uint64_t cookie_of(int fd)
{
    uint64_t cookie = 0;
    socklen_t size = sizeof(cookie);

    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

static void address_of(int fd, char ret_address[static INET6_ADDRSTRLEN])
{
    struct sockaddr_storage peer = {0};
    socklen_t size = sizeof(peer);
    const void *address = NULL;

    (void)snprintf(ret_address, INET6_ADDRSTRLEN, "unknown");
    if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0)
        return;
    if (peer.ss_family == AF_INET)
        address = &((const struct sockaddr_in *)&peer)->sin_addr;
    else if (peer.ss_family == AF_INET6)
        address = &((const struct sockaddr_in6 *)&peer)->sin6_addr;
    if (address)
        (void)inet_ntop(peer.ss_family, address, ret_address, INET6_ADDRSTRLEN);
}

/* The entry of a descriptor, made when needed; NULL without memory. */
static struct connection *find(struct cut *cut, int fd)
{
    size_t index = (size_t)fd;

    if (fd < 0)
        return NULL;
    if (index >= cut->count) {
        struct connection *larger = reallocarray(cut->connections, index + 1, sizeof(*larger));
        if (!larger)
            return NULL;
        memset(larger + cut->count, 0, (index + 1 - cut->count) * sizeof(*larger));
        cut->connections = larger;
        cut->count = index + 1;
    }
    return &cut->connections[index];
}

void cut_opened(struct cut *cut, enum cut_channel channel, int fd, uint64_t now_ms)
{
    uint64_t cookie = cookie_of(fd);
    struct connection *connection = cookie ? find(cut, fd) : NULL;

    if (connection) {
        *connection = (struct connection){.cookie = cookie, .since_ms = now_ms, .channel = channel};
        address_of(fd, connection->address);
    }
}

uint64_t cut_closed(struct cut *cut, enum cut_channel channel, int fd, char *ret_address)
{
    (void)snprintf(ret_address, INET6_ADDRSTRLEN, "unknown");
    if (fd < 0 || (size_t)fd >= cut->count)
        return 0;

    struct connection *connection = &cut->connections[fd];
    uint64_t cookie = connection->cookie;
    /* libzmq tells before it closes, so the socket may still be there. One channel's events come in
     * order; what came in through the other is a newer socket of the same number. */
    if (cookie == 0 || (connection->channel != channel && cookie == cookie_of(fd)))
        return 0;
    (void)snprintf(ret_address, INET6_ADDRSTRLEN, "%s", connection->address);
    connection->cookie = 0;
    return cookie;
}

/* Between a look at the cookie and the shutdown libzmq may close the descriptor, and an HTTP client
 * get its number. A duplicate stays the socket that was looked at. Without one (no descriptor is
 * left, and to cut is the cure) it is the number itself. */
static bool shut(struct connection *connection, int fd)
{
    AUTO_CLOSE int same = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    int looked_at = same < 0 && errno == EMFILE ? fd : same;

    if (connection->cookie != cookie_of(looked_at)) {
        connection->cookie = 0;
        return false;
    }
    return shutdown(looked_at, SHUT_RDWR) == 0;
}

static bool is_of(const struct connection *connection, const uint8_t *public_key)
{
    return connection->cookie && connection->has_key &&
           memcmp(connection->public_key, public_key, KEY_CURVE_PUBLIC) == 0;
}

/* One joined node must not take all descriptors. */
static void limit(struct cut *cut, const uint8_t *public_key)
{
    size_t count = 0, oldest = 0;

    for (size_t fd = 0; fd < cut->count; fd++) {
        if (!is_of(&cut->connections[fd], public_key))
            continue;
        if (count++ == 0 || cut->connections[fd].since_ms < cut->connections[oldest].since_ms)
            oldest = fd;
    }
    if (count > CUT_PER_KEY)
        (void)shut(&cut->connections[oldest], (int)oldest);
}

uint64_t cut_seen(struct cut *cut, enum cut_channel channel, int fd,
                  const uint8_t public_key[static KEY_CURVE_PUBLIC])
{
    if (fd < 0 || (size_t)fd >= cut->count)
        return 0;

    /* A message that is read after its peer has left names a descriptor that may be anything by
     * now, an HTTP client for one; only what was accepted here, and still is, is taken for the
     * peer. */
    struct connection *connection = &cut->connections[fd];
    if (connection->cookie == 0 || connection->channel != channel ||
        connection->cookie != cookie_of(fd))
        return 0;
    bool is_news = !is_of(connection, public_key);
    connection->has_key = true;
    memcpy(connection->public_key, public_key, KEY_CURVE_PUBLIC);
    if (is_news)
        limit(cut, public_key);
    return connection->cookie;
}

void cut_one(struct cut *cut, int fd)
{
    if (fd >= 0 && (size_t)fd < cut->count && cut->connections[fd].cookie)
        (void)shut(&cut->connections[fd], fd);
}

size_t cut_key(struct cut *cut, const uint8_t public_key[static KEY_CURVE_PUBLIC])
{
    size_t shut_count = 0;

    for (size_t fd = 0; fd < cut->count; fd++) {
        struct connection *connection = &cut->connections[fd];

        if (connection->cookie && (!connection->has_key || is_of(connection, public_key)))
            shut_count += shut(connection, (int)fd);
    }
    return shut_count;
}

size_t cut_mute(struct cut *cut, uint64_t now_ms, uint64_t limit_ms)
{
    size_t shut_count = 0;

    for (size_t fd = 0; fd < cut->count; fd++) {
        struct connection *connection = &cut->connections[fd];

        if (connection->cookie && !connection->has_key && now_ms - connection->since_ms > limit_ms)
            shut_count += shut(connection, (int)fd);
    }
    return shut_count;
}
