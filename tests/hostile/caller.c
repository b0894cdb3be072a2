/* caller.c - a library that looks a name up: when it is asked, and if CALLER_NAME is set, when it
 * is loaded and when the program ends. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

uint32_t caller_look(const char *name);

EXPORT uint32_t caller_look(const char *name)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    uint32_t address;

    if (getaddrinfo(name, NULL, &hints, &list) != 0)
        return 0;
    address = ntohl(((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr.s_addr);
    freeaddrinfo(list);
    return address;
}

static void tell(const char *when)
{
    const char *name = getenv("CALLER_NAME");

    if (name)
        (void)dprintf(STDOUT_FILENO, "%s %08x\n", when, caller_look(name));
}

static __attribute__((constructor)) void begin(void)
{
    tell("constructor");
}

static __attribute__((destructor)) void end(void)
{
    tell("destructor");
}
