/* services.c - the plain cases from a table, the others from libc itself.
 *
 * Nearly every program asks for no service or a number, and for TCP, UDP or anything. Those are
 * answered here. For the rest (names of services, odd or contradicting protocols, numbers that
 * strtoul reads but people do not write) the table, the files and the error codes of the libc that
 * is running decide: it is asked about a numeric address, and its list is read off.
 */
#include "services.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "libc.h"

/* A port that is written in digits only: those few that cannot overflow an int. glibc cuts what is
 * above 65535 to 16 bits, so that is done here too; musl is asked what it says of them. */
static bool plain_port(const char *service, uint16_t *ret_port)
{
    unsigned number = 0;
    size_t i = 0;

    for (; service[i] >= '0' && service[i] <= '9'; i++) {
        if (i == 9)
            return false;
        number = number * 10 + (unsigned)(service[i] - '0');
    }
    if (i == 0 || service[i] != '\0' || number > LIBC_PORT_MAX)
        return false;
    *ret_port = htons((uint16_t)number);
    return true;
}

/* Asks libc, by way of an address that needs no look-up. */
static int ask_libc(services_getaddrinfo real, const char *service, const struct addrinfo *hints,
                    struct services *ret_services)
{
    const struct addrinfo about = {
        .ai_flags = AI_NUMERICHOST | (hints->ai_flags & AI_NUMERICSERV),
        .ai_family = AF_INET,
        .ai_socktype = hints->ai_socktype,
        .ai_protocol = hints->ai_protocol,
    };
    struct addrinfo *list;
    size_t count = 0;
    int error = real("127.0.0.1", service, &about, &list);

    if (error)
        return error;
    for (const struct addrinfo *one = list; one && count < SERVICES_MAX; one = one->ai_next)
        ret_services->asked[count++] = (struct services_tuple){
            .socktype = one->ai_socktype,
            .protocol = one->ai_protocol,
            .port = ((const struct sockaddr_in *)(const void *)one->ai_addr)->sin_port,
        };
    ret_services->tuples = ret_services->asked;
    ret_services->count = count;
    ret_services->port = 0;
    freeaddrinfo(list);
    return 0;
}

int services_expand(services_getaddrinfo real, const char *service, const struct addrinfo *hints,
                    struct services *ret_services)
{
    static const struct services_tuple any[3] = {
        {SOCK_STREAM, IPPROTO_TCP, 0},
        {SOCK_DGRAM, IPPROTO_UDP, 0},
        {SOCK_RAW, 0, 0},
    };
    int socktype = hints->ai_socktype, protocol = hints->ai_protocol;
    uint16_t port = 0;
    size_t from = 0, count = 1;

    /* To glibc an empty service is none, to musl a mistake. */
    if (service && (service[0] || !LIBC_HAS_STAR) && !plain_port(service, &port))
        return ask_libc(real, service, hints, ret_services);
    if (__builtin_expect(socktype == SOCK_STREAM, 1) && (protocol == 0 || protocol == IPPROTO_TCP))
        from = 0;
    else if (socktype == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP))
        from = 1;
    else if (socktype == 0 && protocol == 0)
        count = LIBC_TYPES;
    else
        return ask_libc(real, service, hints, ret_services);

    ret_services->tuples = &any[from];
    ret_services->count = count;
    ret_services->port = port;
    return 0;
}
