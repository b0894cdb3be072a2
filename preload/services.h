/* services.h - which socket types, protocols and ports an answer is given for.
 * Floor: preload (knows reader; no lock, allocation or descriptor of its own).
 */
#pragma once

#include <netdb.h>
#include <stddef.h>
#include <stdint.h>

#define SERVICES_MAX 16 /* glibc has room for 9 */

struct services_tuple {
    int socktype, protocol;
    uint16_t port; /* network order; 0 = that of struct services */
};

struct services {
    const struct services_tuple *tuples; /* static, or asked */
    size_t count;                        /* 1..SERVICES_MAX */
    uint16_t port;                       /* network order; 0 = none */
    struct services_tuple asked[SERVICES_MAX];
};

typedef int (*services_getaddrinfo)(const char *node, const char *service,
                                    const struct addrinfo *hints, struct addrinfo **ret_list);

/* Expands a service and hints into tuples, exactly as glibc does.
 *
 *   real         libc's own getaddrinfo, asked about what is not plain: then, and only then, there
 *                may be system calls (/etc/services), allocations and a changed errno
 *   service      NULL, a number, or a name
 *   hints        never NULL; ai_flags, ai_socktype and ai_protocol are looked at
 *
 * Returns 0, or the EAI code that libc gives for them. */
int services_expand(services_getaddrinfo real, const char *service, const struct addrinfo *hints,
                    struct services *ret_services);
