/* early.c - a program that asks for an address before any library's constructor but libc's has run.
 * Prints what it got. (Earlier still, while it is being linked, libc's own getaddrinfo crashes.) */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

static uint32_t before_constructors;

static void look(int argc, char **argv, char **environment)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;

    (void)argc, (void)argv, (void)environment;
    if (getaddrinfo("hit.mesh", NULL, &hints, &list) == 0) {
        before_constructors = ntohl(((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr.s_addr);
        freeaddrinfo(list);
    }
}

static void (*const first)(int, char **, char **)
    __attribute__((section(".preinit_array"), used)) = look;

int main(void)
{
    (void)printf("%08x\n", before_constructors);
    return 0;
}
