/* test_list.c - the list's shape, order and ports, and that libc can free it. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <criterion/criterion.h>

#include "list.h"

static const struct services_tuple tuples[] = {
    {SOCK_STREAM, IPPROTO_TCP, 0}, {SOCK_DGRAM, IPPROTO_UDP, 0}, {SOCK_RAW, 0, 0}};
static const struct services tcp80 = {.tuples = tuples, .count = 1, .port = 0x5000};
static const struct services any80 = {.tuples = tuples, .count = 3, .port = 0x5000};
/* As libc may tell of a name: each protocol with its own port. */
static const struct services_tuple ports[] = {{SOCK_STREAM, IPPROTO_TCP, 0x5000},
                                              {SOCK_DGRAM, IPPROTO_UDP, 0x5100}};
static const struct services named = {.tuples = ports, .count = 2};

static struct resolve_answer sample(void)
{
    struct resolve_answer answer = {
        .count = 2,
        .destinations = {{.has_v4 = true, .has_v6 = true}, {.has_v4 = true, .port = 8443}},
        .canonical_length = 9,
        .canonical = "shop.mesh",
    };

    answer.destinations[0].v4 = inet_addr("10.0.0.1");
    inet_pton(AF_INET6, "fd00::1", answer.destinations[0].v6);
    answer.destinations[1].v4 = inet_addr("10.0.0.2");
    return answer;
}

/* One node as `address:port/type/protocol`, the nodes joined by spaces. */
static const char *text_of(const struct addrinfo *list)
{
    static char text[2048];
    size_t at = 0;

    text[0] = '\0';
    for (; list; list = list->ai_next) {
        char address[64];
        const struct sockaddr_in *v4 = (void *)list->ai_addr;
        const struct sockaddr_in6 *v6 = (void *)list->ai_addr;

        cr_expect_eq(list->ai_family, list->ai_addr->sa_family);
        cr_expect_eq(list->ai_addrlen, list->ai_family == AF_INET ? sizeof(*v4) : sizeof(*v6));
        inet_ntop(list->ai_family,
                  list->ai_family == AF_INET ? (const void *)&v4->sin_addr : &v6->sin6_addr,
                  address, sizeof(address));
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s:%d/%d/%d", at ? " " : "",
                               address, ntohs(v4->sin_port), list->ai_socktype, list->ai_protocol);
    }
    return text;
}

Test(list, destinations_keep_their_order_and_their_own_port_wins)
{
    struct resolve_answer answer = sample();
    struct addrinfo *list = NULL;

    errno = 77;
    cr_assert_eq(list_build(&answer, &tcp80, 0, false, &list), 0);
    cr_expect_eq(errno, 77);
    cr_expect_str_eq(text_of(list), "fd00::1:80/1/6 10.0.0.1:80/1/6 10.0.0.2:8443/1/6");
    freeaddrinfo(list);

    cr_assert_eq(list_build(&answer, &any80, 0, false, &list), 0);
    cr_expect_str_eq(text_of(list), "fd00::1:80/1/6 fd00::1:80/2/17 fd00::1:80/3/0 "
                                    "10.0.0.1:80/1/6 10.0.0.1:80/2/17 10.0.0.1:80/3/0 "
                                    "10.0.0.2:8443/1/6 10.0.0.2:8443/2/17 10.0.0.2:8443/3/0");
    freeaddrinfo(list);

    cr_assert_eq(list_build(&answer, &named, 0, false, &list), 0);
    cr_expect_str_eq(text_of(list), "fd00::1:80/1/6 fd00::1:81/2/17 10.0.0.1:80/1/6 "
                                    "10.0.0.1:81/2/17 10.0.0.2:8443/1/6 10.0.0.2:8443/2/17");
    freeaddrinfo(list);

    cr_assert_eq(list_build(&answer, &tcp80, 0, true, &list), 0);
    cr_expect_str_eq(text_of(list),
                     "fd00::1:80/1/6 ::ffff:10.0.0.1:80/1/6 ::ffff:10.0.0.2:8443/1/6");
    freeaddrinfo(list);
}

Test(list, flags_are_repeated_and_only_the_first_node_has_the_name)
{
    struct resolve_answer answer = sample();
    struct addrinfo *list = NULL;

    cr_assert_eq(list_build(&answer, &tcp80, AI_CANONNAME | AI_PASSIVE, false, &list), 0);
    cr_expect_str_eq(list->ai_canonname, "shop.mesh");
    cr_expect_null(list->ai_next->ai_canonname);
    cr_expect_eq(list->ai_flags, AI_CANONNAME | AI_PASSIVE);
    cr_expect_eq(list->ai_next->ai_flags, AI_CANONNAME | AI_PASSIVE);
    freeaddrinfo(list);

    cr_assert_eq(list_build(&answer, &tcp80, 0, false, &list), 0);
    cr_expect_null(list->ai_canonname);
    freeaddrinfo(list);
}

Test(list, an_answer_without_an_address_is_no_data)
{
    struct resolve_answer answer = {.count = 1};
    struct addrinfo *list = (struct addrinfo *)&answer;

    cr_expect_eq(list_build(&answer, &tcp80, AI_CANONNAME, false, &list), EAI_NODATA);
    cr_expect_eq(list, (struct addrinfo *)&answer, "untouched on failure");
}

/* The sanitizer and an emulator have an address space of their own. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(CRITERION_EMULATED)

/* Takes all blocks of a node's size that the process may still get. They hang in a chain. */
static size_t take_all(void **chain)
{
    size_t count = 0;

    for (void **block; (block = malloc(sizeof(struct addrinfo) + sizeof(struct sockaddr_in6)));) {
        *block = *chain;
        *chain = block;
        count++;
    }
    return count;
}

static void give_back(void **chain, size_t count)
{
    for (; count > 0 && *chain; count--) {
        void **block = *chain;

        *chain = *block;
        free(block);
    }
}

Test(list, when_memory_runs_out_nothing_is_kept_and_nothing_returned)
{
    struct resolve_answer answer = sample();
    struct addrinfo *untouched = (struct addrinfo *)&answer, *list = untouched;
    struct rlimit limit;
    void *chain = NULL;

    cr_assert_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = 1; /* the process keeps what it has */
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    take_all(&chain);
    for (size_t room = 0; room < 9; room++) { /* the list has nine nodes */
        int error;

        give_back(&chain, room);
        error = list_build(&answer, &any80, 0, true, &list); /* mapped: all of one size */
        if (error != EAI_MEMORY || list != untouched || take_all(&chain) != room)
            abort(); /* an assertion that fails would need memory */
    }
    give_back(&chain, SIZE_MAX);
    cr_expect_eq(list_build(&answer, &any80, 0, false, &list), 0);
    freeaddrinfo(list);
}

#endif
