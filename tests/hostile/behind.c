/* behind.c - a getaddrinfo that lies behind the shim, or before it.
 *
 * It asks getaddrinfo itself for BEHIND_FIRST, as a library that routes through a proxy would, and
 * gives every name that comes to it 192.0.2.77. No system call. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define EXPORT __attribute__((visibility("default")))

struct node {
    struct addrinfo info;
    struct sockaddr_in address;
};

static int depth; /* the programs that this is tried with have one thread */

EXPORT int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret_list)
{
    const char *first = getenv("BEHIND_FIRST");
    struct addrinfo *proxy;
    struct node *node;

    (void)name, (void)service, (void)hints;
    if (depth > 1)
        return EAI_AGAIN; /* asked by itself, twice: somebody loops */
    if (first && depth == 0) {
        depth++;
        if (getaddrinfo(first, NULL, hints, &proxy) == 0)
            freeaddrinfo(proxy);
        depth--;
    }
    node = calloc(1, sizeof(*node));
    if (!node)
        return EAI_MEMORY;
    node->address.sin_family = AF_INET;
    node->address.sin_addr.s_addr = inet_addr("192.0.2.77");
    node->info.ai_family = AF_INET;
    node->info.ai_socktype = SOCK_STREAM;
    node->info.ai_addrlen = sizeof(node->address);
    node->info.ai_addr = (struct sockaddr *)&node->address;
    *ret_list = &node->info;
    return 0;
}
