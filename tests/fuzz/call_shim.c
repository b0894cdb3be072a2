/* call_shim.c - libc's look-ups as a program under the shim calls them. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "auto.h"
#include "call.h"
#include "kinds.h"

static int (*shim_getaddrinfo)(const char *, const char *, const struct addrinfo *,
                               struct addrinfo **);
static struct hostent *(*shim_name)(const char *);
static struct hostent *(*shim_name2)(const char *, int);
static struct hostent *(*shim_address)(const void *, socklen_t, int);
static int (*shim_name_r)(const char *, struct hostent *, char *, size_t, struct hostent **, int *);
static int (*shim_name2_r)(const char *, int, struct hostent *, char *, size_t, struct hostent **,
                           int *);
static int (*shim_address_r)(const void *, socklen_t, int, struct hostent *, char *, size_t,
                             struct hostent **, int *);
static int (*shim_getnameinfo)(const struct sockaddr *, socklen_t, char *, socklen_t, char *,
                               socklen_t, int);

void call_shim_load(void *library)
{
    *(void **)&shim_getaddrinfo = call_find(library, "getaddrinfo");
    *(void **)&shim_name = call_find(library, "gethostbyname");
    *(void **)&shim_name2 = call_find(library, "gethostbyname2");
    *(void **)&shim_address = call_find(library, "gethostbyaddr");
    *(void **)&shim_name_r = call_find(library, "gethostbyname_r");
    *(void **)&shim_name2_r = call_find(library, "gethostbyname2_r");
    *(void **)&shim_address_r = call_find(library, "gethostbyaddr_r");
    *(void **)&shim_getnameinfo = call_find(library, "getnameinfo");
}

static void check_list(const struct addrinfo *list, const struct addrinfo *hints)
{
    size_t count = 0;

    fuzz_claim(list != NULL, "success has a list");
    for (const struct addrinfo *one = list; one; one = one->ai_next, count++) {
        fuzz_claim(one->ai_addr && one->ai_addr->sa_family == one->ai_family, "families agree");
        fuzz_claim(one->ai_addrlen == (one->ai_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                  : sizeof(struct sockaddr_in)),
                   "an address has its length");
        fuzz_claim(!hints || hints->ai_family == AF_UNSPEC || one->ai_family == hints->ai_family,
                   "a node is of the family asked for");
        fuzz_claim(!one->ai_canonname || one == list, "the first node alone has the name");
    }
    fuzz_claim(count <= (size_t)SNAPSHOT_ANSWERS_MAX * 2 * 9, "a list is bounded");
}

static void ask_getaddrinfo(struct call *call)
{
    static const int protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
    unsigned flags = (unsigned)cursor_number(&call->numbers, 2), socktype, protocol;
    struct addrinfo hints = {.ai_family = call->family}, *list = NULL;

    socktype = (unsigned)cursor_number(&call->numbers, 1);
    protocol = (unsigned)cursor_number(&call->numbers, 1);
    hints.ai_flags = (int)(flags & 0x7fff);
    hints.ai_socktype = (int)(socktype % 12);
    hints.ai_protocol = protocols[protocol % ARRAY_SIZE(protocols)];
    const struct addrinfo *given = flags & 0x8000 ? NULL : &hints;
    const char *service = socktype & 0x80 ? NULL : call->service;
    int error = shim_getaddrinfo(protocol & 0x80 ? NULL : call->name, service, given, &list);
    if (error) {
        call_goals[CALL_REFUSED].count++;
        fuzz_claim(gai_strerror(error) != NULL && error < 0, "an error is one of libc's");
        return;
    }
    call_goals[CALL_LISTED].count++;
    call_goals[CALL_SERVED].count += service && service[0] >= 'a' && service[0] <= 'z';
    check_list(list, given);
    freeaddrinfo(list);
}

/* The _r forms: the host or NULL, and the error that was returned. */
static void check_r(const struct call *call, int error, int family, const struct hostent *host,
                    const struct hostent *found)
{
    fuzz_claim(!found || found == host, "what is found is what the caller gave");
    fuzz_claim(!found || error == 0, "what is found is no error");
    call_goals[CALL_SMALL].count += error == ERANGE;
    call_goals[found ? CALL_HOST : CALL_NO_HOST].count++;
    if (found)
        call_check_host(call, family, found);
}

/* The others: libc's memory. */
static void check_kept(const struct call *call, int family, const struct hostent *found)
{
    struct call without = *call;

    without.buffer = NULL;
    call_goals[found ? CALL_HOST : CALL_NO_HOST].count++;
    if (found)
        call_check_host(&without, family, found);
}

static void ask_name_info(struct call *call)
{
    unsigned flags = (unsigned)cursor_number(&call->numbers, 2);
    size_t length = (size_t)cursor_number(&call->numbers, 1) % 32;
    size_t host_size = (size_t)cursor_number(&call->numbers, 1) * 2;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        char bytes[32];
    } from = {.v4 = {.sin_family = AF_INET}};
    char service[32];

    memcpy(&from.v4.sin_addr, KINDS_ADDRESS, 4);
    if (flags & 0x8000) { /* the bytes that the input says */
        size_t size = strlen(call->name);
        memcpy(from.bytes + 2, call->name, size < 30 ? size : 30);
        from.any.sa_family = (sa_family_t)call->family;
    }
    /* Of the buffer's own size, so that a byte behind it is seen. */
    AUTO_FREE char *host = malloc(host_size ? host_size : 1);
    if (!host)
        abort();
    if (host_size)
        host[0] = '\0';
    int error =
        shim_getnameinfo(&from.any, (socklen_t)(length < 16 ? sizeof(from.v4) : length),
                         flags & 0x4000 ? NULL : host, flags & 0x4000 ? 0 : (socklen_t)host_size,
                         service, sizeof(service), (int)(flags & 0x3f));
    if (error)
        return;
    call_goals[CALL_NAMEINFO].count++;
    if (!(flags & 0x4000) && host_size)
        fuzz_claim(memchr(host, 0, host_size) != NULL, "a host's name ends");
}

void call_shim_ask(struct call *call, unsigned which)
{
    struct cursor ahead = call->numbers; /* getaddrinfo and getnameinfo read on from there */
    bool is_known = cursor_number(&ahead, 1) & 1;
    const void *address = is_known ? KINDS_ADDRESS : call->name;
    socklen_t length = is_known ? 4 : (socklen_t)strlen(call->name);
    int by_length = length == 16 ? AF_INET6 : AF_INET, h_error = 0, error;
    int of_address = call->family == AF_UNSPEC ? by_length : call->family;
    /* Of other families the shim knows nothing, and glibc's files end the program by an assertion
     * when the name is in /etc/hosts: that is not ours to find. */
    int of_name = call->family == AF_INET6 ? AF_INET6 : AF_INET;
    struct hostent host = {0}, *found = NULL;

    switch (which % 10) {
    case 0:
        error = shim_name_r(call->name, &host, call->buffer, call->size, &found, &h_error);
        check_r(call, error, AF_INET, &host, found);
        break;
    case 1:
        error =
            shim_name2_r(call->name, of_name, &host, call->buffer, call->size, &found, &h_error);
        check_r(call, error, of_name, &host, found);
        break;
    case 2:
        error = shim_address_r(address, length, call->family, &host, call->buffer, call->size,
                               &found, &h_error);
        check_r(call, error, of_address, &host, found);
        break;
    case 3:
        check_kept(call, AF_INET, shim_name(call->name));
        break;
    case 4:
        check_kept(call, of_name, shim_name2(call->name, of_name));
        break;
    case 5:
        check_kept(call, of_address, shim_address(address, length, call->family));
        break;
    case 6:
        ask_name_info(call);
        break;
    default:
        ask_getaddrinfo(call);
    }
}
