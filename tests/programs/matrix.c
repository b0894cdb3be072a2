/* matrix.c - one getaddrinfo for each combination of what it may be asked, a line for each.
 *
 *     matrix [short] NODE...      (a node of - is NULL; `short`: fewer types and services)
 *
 * The lines of two ways to answer (files, NSS, the shim) are compared by the test: the code, errno
 * with EAI_SYSTEM, and every field of every node of the list.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <locale.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX};
static const int socktypes[] = {0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, 77};
static const int protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
static const int flags[] = {
    0,
    AI_PASSIVE,
    AI_CANONNAME,
    AI_NUMERICHOST,
    AI_NUMERICSERV,
    AI_V4MAPPED,
    AI_V4MAPPED | AI_ALL,
    AI_ALL,
    AI_ADDRCONFIG,
    AI_V4MAPPED | AI_ADDRCONFIG,
    AI_CANONNAME | AI_V4MAPPED | AI_ALL,
    AI_CANONNAME | AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG,
    AI_PASSIVE | AI_CANONNAME | AI_NUMERICSERV,
    AI_PASSIVE | AI_CANONNAME | AI_NUMERICSERV | AI_ADDRCONFIG,
#ifdef AI_IDN
    AI_IDN,
    AI_CANONNAME | AI_CANONIDN,
    AI_IDN | AI_CANONNAME | AI_CANONIDN | AI_V4MAPPED,
#endif
    0x100,
    0x200,
    0x1000,
};
static const char *const services[] = {NULL,  "80", "http",   "",      "*",
                                       " 80", "-1", "domain", "70000", "no-such-service"};
static size_t used_socktypes = ARRAY_SIZE(socktypes), used_protocols = ARRAY_SIZE(protocols),
              used_services = ARRAY_SIZE(services);

static void print_node(const struct addrinfo *node)
{
    const struct sockaddr_in *v4 = (const void *)node->ai_addr;
    const struct sockaddr_in6 *v6 = (const void *)node->ai_addr;
    char address[INET6_ADDRSTRLEN] = "?";

    inet_ntop(node->ai_family,
              node->ai_family == AF_INET ? (const void *)&v4->sin_addr : &v6->sin6_addr, address,
              sizeof(address));
    printf(" [%s/%d flags %#x family %d/%d type %d protocol %d length %u", address,
           ntohs(v4->sin_port), (unsigned)node->ai_flags, node->ai_family, node->ai_addr->sa_family,
           node->ai_socktype, node->ai_protocol, node->ai_addrlen);
    if (node->ai_family == AF_INET6)
        printf(" scope %u flow %u", v6->sin6_scope_id, v6->sin6_flowinfo);
    if (node->ai_canonname)
        printf(" name %s", node->ai_canonname);
    printf("]");
}

static void ask(const char *node, const char *service, const struct addrinfo *hints)
{
    struct addrinfo *list = NULL;
    int error;

    printf("node %s service '%s'", node ? node : "NULL", service ? service : "NULL");
    if (hints)
        printf(" family %d type %d protocol %d flags %#x:", hints->ai_family, hints->ai_socktype,
               hints->ai_protocol, (unsigned)hints->ai_flags);
    else
        printf(" no hints:");
    errno = 0;
    error = getaddrinfo(node, service, hints, &list);
    printf(" %d", error);
    if (error == EAI_SYSTEM)
        printf(" errno %d", errno);
    for (const struct addrinfo *one = error ? NULL : list; one; one = one->ai_next)
        print_node(one);
    printf("\n");
    if (!error)
        freeaddrinfo(list);
}

static void ask_all(const char *node)
{
    size_t combinations =
        ARRAY_SIZE(families) * used_socktypes * used_protocols * ARRAY_SIZE(flags) * used_services;

    for (size_t s = 0; s < used_services; s++)
        ask(node, services[s], NULL);
    for (size_t i = 0; i < combinations; i++) {
        struct addrinfo hints = {0};
        size_t rest = i;
        const char *service = services[rest % used_services];

        rest /= used_services;
        hints.ai_flags = flags[rest % ARRAY_SIZE(flags)];
        rest /= ARRAY_SIZE(flags);
        hints.ai_protocol = protocols[rest % used_protocols];
        rest /= used_protocols;
        hints.ai_socktype = socktypes[rest % used_socktypes];
        rest /= used_socktypes;
        hints.ai_family = families[rest];
        ask(node, service, &hints);
    }
}

int main(int argc, char **argv)
{
    int first = 1;

    setlocale(LC_ALL, ""); /* AI_IDN converts from its character set */
    if (argc > 1 && strcmp(argv[1], "short") == 0) {
        first = 2;
        used_socktypes = 3;
        used_protocols = 2;
        used_services = 3;
    }
    for (int i = first; i < argc; i++)
        ask_all(strcmp(argv[i], "-") == 0 ? NULL : argv[i]);
    return 0;
}
