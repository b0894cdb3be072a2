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
    int flags;
};

static struct addrinfo *append4(struct list *list, const struct services_tuple *tuple,
                                uint32_t address, uint16_t port)
{
    struct node4 *node = malloc(sizeof(*node));

    if (!node)
        return NULL;
    *node = (struct node4){
        .info = {.ai_flags = list->flags,
                 .ai_family = AF_INET,
                 .ai_socktype = tuple->socktype,
                 .ai_protocol = tuple->protocol,
                 .ai_addrlen = sizeof(node->address),
                 .ai_addr = (struct sockaddr *)&node->address},
        .address = {.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = address},
    };
    *list->end = &node->info;
    list->end = &node->info.ai_next;
    return &node->info;
}

static struct addrinfo *append6(struct list *list, const struct services_tuple *tuple,
                                const uint8_t address[static 16], uint16_t port)
{
    struct node6 *node = malloc(sizeof(*node));

    if (!node)
        return NULL;
    *node = (struct node6){
        .info = {.ai_flags = list->flags,
                 .ai_family = AF_INET6,
                 .ai_socktype = tuple->socktype,
                 .ai_protocol = tuple->protocol,
                 .ai_addrlen = sizeof(node->address),
                 .ai_addr = (struct sockaddr *)&node->address},
        .address = {.sin6_family = AF_INET6, .sin6_port = port},
    };
    memcpy(&node->address.sin6_addr, address, 16);
    *list->end = &node->info;
    list->end = &node->info.ai_next;
    return &node->info;
}

static struct addrinfo *append_mapped(struct list *list, const struct services_tuple *tuple,
                                      uint32_t address, uint16_t port)
{
    uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};

    memcpy(mapped + 12, &address, 4);
    return append6(list, tuple, mapped, port);
}

/* One destination. Returns false when memory ran out. */
static bool append(struct list *list, const struct resolve_destination *from,
                   const struct services *services, bool is_mapped)
{
    uint16_t own = htons(from->port);

    if (from->has_v6)
        for (size_t i = 0; i < services->count; i++) {
            const struct services_tuple *tuple = &services->tuples[i];

            if (!append6(list, tuple, from->v6, own ? own : tuple->port))
                return false;
        }
    if (from->has_v4)
        for (size_t i = 0; i < services->count; i++) {
            const struct services_tuple *tuple = &services->tuples[i];
            uint16_t port = own ? own : tuple->port;

            if (!(is_mapped ? append_mapped(list, tuple, from->v4, port)
                            : append4(list, tuple, from->v4, port)))
                return false;
        }
    return true;
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
    struct list list = {.end = &first, .flags = flags};
    int error = 0;

    for (size_t i = 0; i < answer->count; i++)
        if (!append(&list, &answer->destinations[i], services, is_mapped)) {
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
