/* getnameinfo.c - the host's half of getnameinfo, for policies with `reverse`.
 *
 * The service's half is libc's, and so is everything about other addresses, NI_NUMERICHOST, no room
 * for a host, and arguments that libc refuses. What libc does with a name is done here as there
 * (inet/getnameinfo.c of glibc 2.36), but that NI_IDN leaves xn-- as it is: libc does so too where
 * libidn2 is missing.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libc.h"
#include "process.h"
#include "resolve.h"

#define DOMAIN_ROOM 1024 /* of a host name, and of what libc tells about one */

typedef int (*getnameinfo_function)(const struct sockaddr *, socklen_t, char *, socklen_t, char *,
                                    socklen_t, int);

static int pass(const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size,
                char *service, socklen_t service_size, int flags)
{
    static _Atomic(void *) known;
    getnameinfo_function real;

    *(void **)&real = process_next("getnameinfo", &known);
    return real ? real(address, length, host, host_size, service, service_size, flags) : EAI_SYSTEM;
}

/* Finds the name of an address that a policy names. */
static bool is_named(const struct sockaddr *address, socklen_t length,
                     struct resolve_answer *ret_answer)
{
    struct snapshot_reader *snapshot = process_snapshot();
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (!snapshot || !address || length < sizeof(v4))
        return false;
    memcpy(&v4, address, sizeof(v4));
    if (v4.sin_family == AF_INET)
        return resolve_address(snapshot, &v4.sin_addr, 4, ret_answer) == RESOLVE_FOUND;
    if (v4.sin_family != AF_INET6 || length < sizeof(v6))
        return false;
    memcpy(&v6, address, sizeof(v6));
    return resolve_address(snapshot, &v6.sin6_addr, 16, ret_answer) == RESOLVE_FOUND;
}

/* What follows a name's first dot, in a buffer of DOMAIN_ROOM; NULL when it has none. */
static char *keep_domain(const char *name, char *buffer)
{
    const char *dot = name ? strchr(name, '.') : NULL;
    size_t size = dot ? strlen(dot + 1) + 1 : 0;

    if (!dot || size > DOMAIN_ROOM)
        return NULL;
    memmove(buffer, dot + 1, size);
    return buffer;
}

/* The host's name in libc's own sources for `name`, or for 127.0.0.1 with NULL. */
static char *domain_of(const char *name, char *buffer)
{
    const struct in_addr loopback = {htonl(INADDR_LOOPBACK)};
    char room[DOMAIN_ROOM];
    struct hostent host, *found = NULL;
    int h_error;

    if (name)
        (void)gethostbyname_r(name, &host, room, sizeof(room), &found, &h_error);
    else
        (void)gethostbyaddr_r(&loopback, sizeof(loopback), AF_INET, &host, room, sizeof(room),
                              &found, &h_error);
    return keep_domain(found ? found->h_name : NULL, buffer);
}

/* This machine's domain, for NI_NOFQDN; the order is glibc's. Asked each time: nothing is kept. */
static const char *machine_domain(char buffer[static DOMAIN_ROOM])
{
    char name[DOMAIN_ROOM];
    const char *domain = domain_of("localhost", buffer);

    if (domain)
        return domain;
    if (gethostname(name, sizeof(name)) < 0)
        return NULL;
    name[sizeof(name) - 1] = '\0';
    domain = keep_domain(name, buffer);
    if (!domain)
        domain = domain_of(name, buffer);
    return domain ? domain : domain_of(NULL, buffer);
}

/* Takes this machine's domain off a name, if it ends in it (or, as in libc, has it somewhere). */
static void shorten(char *name)
{
    char buffer[DOMAIN_ROOM];
    const char *domain = machine_domain(buffer);
    char *at = domain ? strstr(name, domain) : NULL;

    if (at && at != name && at[-1] == '.')
        at[-1] = '\0';
}

PROCESS_EXPORT int getnameinfo(const struct sockaddr *address, socklen_t length, char *host,
                               socklen_t host_size, char *service, socklen_t service_size,
                               int flags)
{
    struct resolve_answer answer;
    size_t size;

    if (flags & (~LIBC_NAME_FLAGS | NI_NUMERICHOST) || !host || host_size == 0 ||
        !is_named(address, length, &answer))
        return pass(address, length, host, host_size, service, service_size, flags);
    if (flags & NI_NOFQDN)
        shorten(answer.canonical);
    size = strlen(answer.canonical) + 1;
    if (size > host_size)
        return EAI_OVERFLOW;
    memcpy(host, answer.canonical, size);
    errno = 0; /* libc leaves it so */
    if (!service || service_size == 0)
        return 0;
    return pass(address, length, NULL, 0, service, service_size, flags);
}
