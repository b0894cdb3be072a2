/* test_services.c - the plain cases must be what libc says of them, and libc must be asked for the
 * rest. libc itself is the yardstick. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "services.h"

static int asked;

static int counting(const char *node, const char *service, const struct addrinfo *hints,
                    struct addrinfo **ret_list)
{
    asked++;
    return getaddrinfo(node, service, hints, ret_list);
}

static const int socktypes[] = {0,         SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET,
                                SOCK_DCCP, 77};
static const int protocols[] = {
    0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_ICMP, 250};
static const char *const services[] = {
    NULL,        "",           "0",          "80",         "065535",     "65536", "70000",
    "999999999", "9999999999", "4294967296", "4294967376", " 80",        "+80",   "-1",
    "80x",       "http",       "domain",     "ntp",        "no-service", "0x50"};

/* Writes an expansion as a line, so that a difference can be read. */
static void describe(int error, const struct services *found, char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "code %d", error);

    for (size_t i = 0; !error && i < found->count; i++)
        at += (size_t)snprintf(text + at, size - at, " %d/%d/%d", found->tuples[i].socktype,
                               found->tuples[i].protocol,
                               ntohs(found->port ? found->port : found->tuples[i].port));
}

/* The same from libc's own list for a numeric address. */
static int expand_by_libc(const char *service, const struct addrinfo *hints,
                          struct services *ret_services)
{
    struct addrinfo *list, wanted = *hints;
    int error;

    wanted.ai_flags |= AI_NUMERICHOST;
    wanted.ai_family = AF_INET;
    error = getaddrinfo("192.0.2.1", service, &wanted, &list);
    if (error)
        return error;
    *ret_services = (struct services){.tuples = ret_services->asked};
    for (struct addrinfo *one = list; one; one = one->ai_next)
        ret_services->asked[ret_services->count++] =
            (struct services_tuple){one->ai_socktype, one->ai_protocol,
                                    ((struct sockaddr_in *)(void *)one->ai_addr)->sin_port};
    freeaddrinfo(list);
    return 0;
}

static void compare(const char *service, const struct addrinfo *hints)
{
    struct services ours, libcs;
    char our_text[512], libc_text[512];

    describe(services_expand(counting, service, hints, &ours), &ours, our_text, sizeof(our_text));
    describe(expand_by_libc(service, hints, &libcs), &libcs, libc_text, sizeof(libc_text));
    cr_expect_str_eq(our_text, libc_text, "service '%s', type %d, protocol %d, flags %#x: %s, %s",
                     service ? service : "NULL", hints->ai_socktype, hints->ai_protocol,
                     (unsigned)hints->ai_flags, our_text, libc_text);
}

Test(services, every_service_type_and_protocol_expands_as_in_libc)
{
    for (size_t s = 0; s < ARRAY_SIZE(services); s++)
        for (size_t t = 0; t < ARRAY_SIZE(socktypes); t++)
            for (size_t p = 0; p < ARRAY_SIZE(protocols); p++)
                for (int flags = 0; flags <= AI_NUMERICSERV; flags += AI_NUMERICSERV)
                    compare(services[s], &(struct addrinfo){.ai_flags = flags,
                                                            .ai_socktype = socktypes[t],
                                                            .ai_protocol = protocols[p]});
}

Test(services, libc_is_not_asked_for_plain_ones_and_errno_stays)
{
    static const struct {
        const char *service;
        int socktype, protocol;
    } plain[] = {
        {NULL, SOCK_STREAM, 0},
        {"80", SOCK_STREAM, 0},
        {"80", 0, 0},
        {NULL, 0, 0},
        {"53", SOCK_DGRAM, 0},
        {"443", SOCK_STREAM, IPPROTO_TCP},
        {"53", SOCK_DGRAM, IPPROTO_UDP},
#ifdef __GLIBC__ /* musl refuses it */
        {"", SOCK_STREAM, 0},
#endif
    };
    struct services found;

    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        const struct addrinfo hints = {.ai_socktype = plain[i].socktype,
                                       .ai_protocol = plain[i].protocol};

        asked = 0;
        errno = 77;
        cr_expect_eq(services_expand(counting, plain[i].service, &hints, &found), 0);
        cr_expect_eq(asked, 0, "row %zu", i);
        cr_expect_eq(errno, 77);
    }
    cr_expect_eq(services_expand(counting, "http", &(struct addrinfo){0}, &found), 0);
    cr_expect_eq(asked, 1);
}
