/* list.c - a node is one block: the addrinfo, and the address that it points at.
 *
 * That is glibc's own layout, and its freeaddrinfo frees a node and its canonical name, nothing
 * more. So a list of ours may be freed by whoever the program calls.
 */
#include "list.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct node4 {
    struct addrinfo info;
    struct sockaddr_in address;
};

struct node6 {
    struct addrinfo info;
    struct sockaddr_in6 address;
};

/* A list under construction. */
struct list {
    struct addrinfo **end; /* where the next node is hung */
    const struct services *services;
    int flags;
};

/* Fills what all nodes have, and hangs a node at the end. */
static inline void hang(struct list *list, struct addrinfo *info,
                        const struct services_tuple *tuple, struct sockaddr *address,
                        socklen_t size)
{
    *info = (struct addrinfo){
        .ai_flags = list->flags,
        .ai_family = size == sizeof(struct sockaddr_in) ? AF_INET : AF_INET6,
        .ai_socktype = tuple->socktype,
        .ai_protocol = tuple->protocol,
        .ai_addrlen = size,
        .ai_addr = address,
    };
    *list->end = info;
    list->end = &info->ai_next;
}

/* One address, once for each tuple; port is that of all, 0 = the tuple's. Returns false when memory
 * ran out. The second is kept apart: then the first, the usual one, finds registers enough. */
static bool append4(struct list *list, uint32_t v4, uint16_t port)
{
    const struct services_tuple *tuple = list->services->tuples;

    for (size_t left = list->services->count; left > 0; left--, tuple++) {
        struct node4 *node = malloc(sizeof(*node));

        if (!node)
            return false;
        hang(list, &node->info, tuple, (struct sockaddr *)&node->address, sizeof(node->address));
        node->address = (struct sockaddr_in){
            .sin_family = AF_INET,
            .sin_port = port ? port : tuple->port,
            .sin_addr.s_addr = v4,
        };
    }
    return true;
}

static __attribute__((noinline)) bool append6(struct list *list, const uint8_t v6[static 16],
                                              uint16_t port)
{
    const struct services_tuple *tuple = list->services->tuples;

    for (size_t left = list->services->count; left > 0; left--, tuple++) {
        struct node6 *node = malloc(sizeof(*node));

        if (!node)
            return false;
        hang(list, &node->info, tuple, (struct sockaddr *)&node->address, sizeof(node->address));
        node->address = (struct sockaddr_in6){
            .sin6_family = AF_INET6,
            .sin6_port = port ? port : tuple->port,
        };
        memcpy(&node->address.sin6_addr, v6, 16);
    }
    return true;
}

static bool append_mapped(struct list *list, uint32_t v4, uint16_t port)
{
    uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};

    memcpy(mapped + 12, &v4, 4);
    return append6(list, mapped, port);
}

static bool append(struct list *list, const struct resolve_destination *from, bool is_mapped)
{
    uint16_t port = from->port ? htons(from->port) : list->services->port;

    if (from->has_v6 && !append6(list, from->v6, port))
        return false;
    if (!from->has_v4)
        return true;
    return is_mapped ? append_mapped(list, from->v4, port) : append4(list, from->v4, port);
}

static int name_first(struct addrinfo *first, const struct resolve_answer *answer)
{
    size_t size = (size_t)answer->canonical_length + 1;

    first->ai_canonname = malloc(size);
    if (!first->ai_canonname)
        return EAI_MEMORY;
    memcpy(first->ai_canonname, answer->canonical, size);
    return 0;
}

int list_build(const struct resolve_answer *answer, const struct services *services, int flags,
               bool is_mapped, struct addrinfo **ret_list)
{
    struct addrinfo *first = NULL;
    struct list list = {&first, services, flags};
    int error = 0;

    for (size_t i = 0; i < answer->count; i++)
        if (!append(&list, &answer->destinations[i], is_mapped)) {
            error = EAI_MEMORY;
            break;
        }
    if (!error && !first)
        error = EAI_NODATA;
    if (!error && flags & AI_CANONNAME)
        error = name_first(first, answer);
    if (error) {
        freeaddrinfo(first);
        return error;
    }
    *ret_list = first;
    return 0;
}
