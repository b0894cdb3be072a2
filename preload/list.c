/* list.c - a node is one block: the addrinfo, and the address that it points at.
 *
 * That is glibc's own layout, and its freeaddrinfo frees a node and its canonical name, nothing
 * more. So a list of ours may be freed by whoever the program calls. Under musl our own
 * freeaddrinfo must tell our nodes from musl's, whose address too lies right behind the addrinfo:
 * there a mark lies between the two.
 */
#include "list.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifdef __GLIBC__
#define MARK
#define SET_MARK(node) ((void)0)
#else
/* Every node must have it: without it, it is handed to musl, which crashes.
 * In musl's nodes a sockaddr begins here; its family, the first two bytes, is never this. */
#define MARK_WORD      UINT64_C(0x736e64687365ffff)
#define MARK           uint64_t mark;
#define SET_MARK(node) ((node)->mark = MARK_WORD)
#endif

struct node4 {
    struct addrinfo info;
    MARK struct sockaddr_in address;
};

struct node6 {
    struct addrinfo info;
    MARK struct sockaddr_in6 address;
};

/* What all nodes of a list have in common. */
struct common {
    const struct services *services;
    int flags;
    bool is_mapped;
};

/* The port of one of the tuples. */
static inline uint16_t port_of(const struct resolve_destination *from,
                               const struct services *services, size_t tuple)
{
    return from->port       ? htons(from->port)
           : services->port ? services->port
                            : services->tuples[tuple].port;
}

/* A node that ends the list; NULL when memory ran out. All is read behind malloc, so that nothing
 * has to be kept over it. */
static inline struct addrinfo *new4(const struct services *services, size_t tuple, int flags,
                                    const struct resolve_destination *from)
{
    struct node4 *node = malloc(sizeof(*node));

    if (!node)
        return NULL;
    *node = (struct node4){
        .info = {.ai_flags = flags,
                 .ai_family = AF_INET,
                 .ai_socktype = services->tuples[tuple].socktype,
                 .ai_protocol = services->tuples[tuple].protocol,
                 .ai_addrlen = sizeof(node->address),
                 .ai_addr = (struct sockaddr *)&node->address},
        .address = {.sin_family = AF_INET,
                    .sin_port = port_of(from, services, tuple),
                    .sin_addr.s_addr = from->v4},
    };
    SET_MARK(node);
    return &node->info;
}

static struct addrinfo *new6(const struct services *services, size_t tuple, int flags,
                             const struct resolve_destination *from, const uint8_t v6[static 16])
{
    struct node6 *node = malloc(sizeof(*node));

    if (!node)
        return NULL;
    *node = (struct node6){
        .info = {.ai_flags = flags,
                 .ai_family = AF_INET6,
                 .ai_socktype = services->tuples[tuple].socktype,
                 .ai_protocol = services->tuples[tuple].protocol,
                 .ai_addrlen = sizeof(node->address),
                 .ai_addr = (struct sockaddr *)&node->address},
        .address = {.sin6_family = AF_INET6, .sin6_port = port_of(from, services, tuple)},
    };
    memcpy(&node->address.sin6_addr, v6, 16);
    SET_MARK(node);
    return &node->info;
}

/* Hangs one address at the end of a list, once for each tuple. Returns the new end, or NULL when
 * memory ran out: then the list is as long as it got. */
static struct addrinfo **append4(struct addrinfo **end, const struct common *common,
                                 const struct resolve_destination *from)
{
    for (size_t i = 0; i < common->services->count; i++) {
        *end = new4(common->services, i, common->flags, from);
        if (!*end)
            return NULL;
        end = &(*end)->ai_next;
    }
    return end;
}

static struct addrinfo **append6(struct addrinfo **end, const struct common *common,
                                 const struct resolve_destination *from,
                                 const uint8_t v6[static 16])
{
    for (size_t i = 0; i < common->services->count; i++) {
        *end = new6(common->services, i, common->flags, from, v6);
        if (!*end)
            return NULL;
        end = &(*end)->ai_next;
    }
    return end;
}

static struct addrinfo **append(struct addrinfo **end, const struct common *common,
                                const struct resolve_destination *from)
{
    uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};

    if (from->has_v6)
        end = append6(end, common, from, from->v6);
    if (!end || !from->has_v4)
        return end;
    if (!common->is_mapped)
        return append4(end, common, from);
    memcpy(mapped + 12, &from->v4, 4);
    return append6(end, common, from, mapped);
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

static __attribute__((noinline)) int build(const struct resolve_answer *answer,
                                           const struct common *common, struct addrinfo **ret_list)
{
    struct addrinfo *first = NULL, **end = &first;
    int error = 0;

    for (size_t i = 0; i < answer->count && end; i++) {
        const struct resolve_destination *from = &answer->destinations[i];
        /* append would do; this is what nearly all lists consist of. */
        if (from->has_v4 && !from->has_v6 && !common->is_mapped)
            end = append4(end, common, from);
        else
            end = append(end, common, from);
    }
    if (!end)
        error = EAI_MEMORY;
    else if (!first)
        error = EAI_NODATA;
    else if (common->flags & AI_CANONNAME)
        error = name_first(first, answer);
    if (error) {
        freeaddrinfo(first);
        return error;
    }
    *ret_list = first;
    return 0;
}

int list_build(const struct resolve_answer *answer, const struct services *services, int flags,
               bool is_mapped, struct addrinfo **ret_list)
{
    const struct resolve_destination *from = &answer->destinations[0];
    struct addrinfo *only;

    /* The straight way of most calls, one IPv4 address of one type: 33 instructions of 885 less. */
    if (__builtin_expect(answer->count != 1 || services->count != 1 || !from->has_v4 ||
                             from->has_v6 || is_mapped || flags & AI_CANONNAME,
                         0))
        return build(answer, &(struct common){services, flags, is_mapped}, ret_list);
    only = new4(services, 0, flags, from);
    if (!only)
        return EAI_MEMORY;
    *ret_list = only;
    return 0;
}

#ifndef __GLIBC__

bool list_is_ours(const struct addrinfo *node)
{
    const struct node4 *ours = (const void *)node; /* as far as the address, both kinds are alike */

    /* The place first: a node of anybody else's may end before the mark. */
    return (const void *)node->ai_addr == (const void *)&ours->address && ours->mark == MARK_WORD;
}

#endif
