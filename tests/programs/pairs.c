/* pairs.c - asks for both addresses of a name many times, and tells whether they belong together.
 *
 *     pairs HOW NAME COUNT
 *
 * The two addresses of destination N are 10.2.0.N and fd00:2::N. HOW is
 *
 *     any      getaddrinfo for both families
 *     mapped   getaddrinfo for IPv6, with all IPv4 addresses mapped: through NSS two questions
 *     host2    gethostbyname2 for IPv6, then for IPv4
 *     host2_r  the same with _r; before each a call whose buffer is too small
 *     mixed    getaddrinfo for IPv4, then `mapped`, of which the result counts
 *
 * Prints `N NUMBER` for each destination that both addresses were of, and `apart NUMBER`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int v4_number, v6_number; /* of what was found; 0 = nothing */

static void note(int family, const void *address)
{
    const unsigned char *bytes = address;

    if (family == AF_INET)
        v4_number = bytes[3] + 1;
    else if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)address))
        v4_number = bytes[15] + 1;
    else
        v6_number = bytes[14] * 256 + bytes[15] + 1;
}

static void ask_list(const char *name, int family, int flags)
{
    struct addrinfo *list,
        hints = {.ai_family = family, .ai_flags = flags, .ai_socktype = SOCK_STREAM};

    if (getaddrinfo(name, NULL, &hints, &list) != 0)
        return;
    for (const struct addrinfo *one = list; one; one = one->ai_next) {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;

        if (one->ai_family == AF_INET) {
            memcpy(&v4, one->ai_addr, sizeof(v4));
            note(AF_INET, &v4.sin_addr);
        } else {
            memcpy(&v6, one->ai_addr, sizeof(v6));
            note(AF_INET6, &v6.sin6_addr);
        }
    }
    freeaddrinfo(list);
}

static void ask_host2(const char *name, int family)
{
    const struct hostent *host = gethostbyname2(name, family);

    if (host)
        note(family, host->h_addr_list[0]);
}

static void ask_host2_r(const char *name, int family)
{
    struct hostent host, *found = NULL;
    char buffer[2048];
    int h_error;

    if (gethostbyname2_r(name, family, &host, buffer, 30, &found, &h_error) != ERANGE) {
        fputs("a buffer of 30 bytes was enough\n", stderr);
        exit(70);
    }
    if (gethostbyname2_r(name, family, &host, buffer, sizeof(buffer), &found, &h_error) == 0 &&
        found)
        note(family, found->h_addr_list[0]);
}

static void ask(const char *how, const char *name)
{
    if (strcmp(how, "any") == 0) {
        ask_list(name, AF_UNSPEC, 0);
    } else if (strcmp(how, "mapped") == 0) {
        ask_list(name, AF_INET6, AI_V4MAPPED | AI_ALL);
    } else if (strcmp(how, "mixed") == 0) {
        ask_list(name, AF_INET, 0);
        v4_number = 0;
        ask_list(name, AF_INET6, AI_V4MAPPED | AI_ALL);
    } else if (strcmp(how, "host2") == 0) {
        ask_host2(name, AF_INET6);
        ask_host2(name, AF_INET);
    } else {
        ask_host2_r(name, AF_INET6);
        ask_host2_r(name, AF_INET);
    }
}

int main(int argc, char **argv)
{
    static long counts[65537], apart;

    if (argc < 4)
        return 64;
    for (long i = 0; i < atol(argv[3]); i++) {
        v4_number = v6_number = 0;
        ask(argv[1], argv[2]);
        if (v4_number == v6_number && v4_number != 0)
            counts[v4_number]++;
        else
            apart++;
    }
    for (int i = 1; i < 65537; i++)
        if (counts[i])
            printf("%d %ld\n", i - 1, counts[i]);
    printf("apart %ld\n", apart);
    return 0;
}
