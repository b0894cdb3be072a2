/* lists.c - frees lists of getaddrinfo in every way that a program may, and a great many of them.
 *
 *     lists NAME...
 *     lists -r ADDRESS     the name of an IPv4 address, by gethostbyaddr and by getnameinfo
 *
 * Each name's list is freed whole, node by node, and joined with another name's list. Then each is
 * asked for and freed 100,000 times. Prints how many KiB the process grew by meanwhile.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MANY 100000

static struct addrinfo *ask(const char *name, int flags)
{
    const struct addrinfo hints = {.ai_flags = flags}; /* of each type: more than one node */
    struct addrinfo *list = NULL;
    int error = getaddrinfo(name, "80", &hints, &list);

    if (error) {
        fprintf(stderr, "%s: %s\n", name, gai_strerror(error));
        exit(1);
    }
    return list;
}

static struct addrinfo *last_of(struct addrinfo *list)
{
    while (list->ai_next)
        list = list->ai_next;
    return list;
}

static void free_each(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        list->ai_next = NULL;
        freeaddrinfo(list);
        list = next;
    }
}

static long resident_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");

    while (status && fgets(line, sizeof(line), status))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = atol(line + 6);
    if (status)
        fclose(status);
    return kib;
}

static int reverse(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char name[256] = "?", service[32] = "?";
    struct hostent *host;

    inet_pton(AF_INET, text, &address.sin_addr);
    address.sin_port = htons(80);
    host = gethostbyaddr(&address.sin_addr, sizeof(address.sin_addr), AF_INET);
    int error = getnameinfo((const struct sockaddr *)&address, sizeof(address), name, sizeof(name),
                            service, sizeof(service), NI_NAMEREQD | NI_NUMERICSERV);
    printf("%s %d %s %s\n", host ? host->h_name : "-", error, name, service);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "-r") == 0)
        return reverse(argv[2]);
    for (int i = 1; i < argc; i++) {
        freeaddrinfo(ask(argv[i], AI_CANONNAME));
        free_each(ask(argv[i], AI_CANONNAME));
        for (int j = 1; j < argc; j++) {
            struct addrinfo *joined = ask(argv[i], 0);
            last_of(joined)->ai_next = ask(argv[j], AI_CANONNAME);
            /* Two lists of one libc may be one block each, which only ours tells apart. */
            if (i != j)
                freeaddrinfo(joined);
            else
                free_each(joined);
        }
    }
    freeaddrinfo(NULL);

    long before = 0;
    for (int k = 0; k < MANY; k++) {
        if (k == MANY / 10)
            before = resident_kib();
        for (int i = 1; i < argc; i++)
            freeaddrinfo(ask(argv[i], k % 2 ? AI_CANONNAME : 0));
    }
    printf("%ld\n", resident_kib() - before);
    return 0;
}
