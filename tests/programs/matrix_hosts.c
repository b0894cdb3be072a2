/* matrix_hosts.c - the older look-ups, one for each combination of what they may be asked.
 *
 *     matrix_hosts NAME|ADDRESS...
 *
 * Addresses are asked of gethostbyaddr and getnameinfo, names of gethostbyname and its kin. The
 * lines of two ways to answer are compared by the test. h_errno means nothing after success, and
 * how large a buffer must be is each source's own affair: both are left out. What is printed is
 * what the first buffer gets that is not too small, and whether there was one that is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <locale.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const int families[] = {AF_INET, AF_INET6, AF_UNSPEC, AF_UNIX};

static void print_host(const struct hostent *host)
{
    char text[INET6_ADDRSTRLEN];

    printf(" [%s", host->h_name);
    for (char **alias = host->h_aliases; *alias; alias++)
        printf(" alias %s", *alias);
    printf(" family %d length %d", host->h_addrtype, host->h_length);
    for (char **address = host->h_addr_list; *address; address++)
        printf(" %s", inet_ntop(host->h_addrtype, *address, text, sizeof(text)));
    printf("]");
}

static void print_end(const struct hostent *host, int error, int h_error)
{
    if (host)
        print_host(host);
    else
        printf(" nothing, h_errno %d", h_error);
    printf(" errno %d\n", error);
}

/* One of the functions that are not _r. */
static void print_static(struct hostent *(*function)(const void *, socklen_t, int),
                         const void *question, socklen_t length, int family)
{
    struct hostent *host;
    int error;

    errno = 77;
    h_errno = 55;
    host = function(question, length, family);
    error = errno;
    print_end(host, error, h_errno);
}

/* One of the _r functions, with larger and larger buffers until it fits. */
static void print_r(int (*function)(const void *, socklen_t, int, struct hostent *, char *, size_t,
                                    struct hostent **, int *),
                    const void *question, socklen_t length, int family)
{
    char memory[4096];
    bool was_small = false;

    for (size_t size = 0; size < sizeof(memory); size++) {
        struct hostent host, *found = NULL;
        int h_error = 55, code, error;

        memset(memory, 0xee, sizeof(memory));
        errno = 77;
        code = function(question, length, family, &host, memory, size, &found, &h_error);
        error = errno;
        for (size_t at = size; at < sizeof(memory); at++)
            if (memory[at] != (char)0xee)
                printf(" WRITTEN BEHIND %zu BYTES", size);
        if (code == ERANGE && error == ERANGE && !found && h_error == NETDB_INTERNAL) {
            was_small = true;
            continue;
        }
        printf(" %s%d%s", found && was_small ? "small, then " : "", code,
               found && found != &host ? " ANOTHER HOST" : "");
        print_end(found, error, h_error);
        return;
    }
    printf(" never fits\n");
}

static struct hostent *by_name(const void *name, socklen_t length, int family)
{
    (void)length;
    (void)family;
    return gethostbyname(name);
}

static struct hostent *by_name2(const void *name, socklen_t length, int family)
{
    (void)length;
    return gethostbyname2(name, family);
}

static int by_name_r(const void *name, socklen_t length, int family, struct hostent *host,
                     char *buffer, size_t size, struct hostent **found, int *h_error)
{
    (void)length;
    (void)family;
    return gethostbyname_r(name, host, buffer, size, found, h_error);
}

static int by_name2_r(const void *name, socklen_t length, int family, struct hostent *host,
                      char *buffer, size_t size, struct hostent **found, int *h_error)
{
    (void)length;
    return gethostbyname2_r(name, family, host, buffer, size, found, h_error);
}

static void ask_name(const char *name)
{
    printf("gethostbyname %s:", name);
    print_static(by_name, name, 0, 0);
    printf("gethostbyname_r %s:", name);
    print_r(by_name_r, name, 0, 0);
    for (size_t i = 0; i < 2; i++) { /* with another family libc itself crashes, or asks nobody */
        printf("gethostbyname2 %s family %d:", name, families[i]);
        print_static(by_name2, name, 0, families[i]);
        printf("gethostbyname2_r %s family %d:", name, families[i]);
        print_r(by_name2_r, name, 0, families[i]);
    }
}

static void ask_address(const char *name, const uint8_t address[static 16], socklen_t length)
{
    static const socklen_t lengths[] = {0, 3, 4, 5, 15, 16, 17};

    (void)length;
    for (size_t i = 0; i < ARRAY_SIZE(families) * ARRAY_SIZE(lengths); i++) {
        int family = families[i % ARRAY_SIZE(families)];
        socklen_t given = lengths[i / ARRAY_SIZE(families)];

        printf("gethostbyaddr %s length %u family %d:", name, given, family);
        print_static(gethostbyaddr, address, given, family);
        printf("gethostbyaddr_r %s length %u family %d:", name, given, family);
        print_r(gethostbyaddr_r, address, given, family);
    }
}

/* One getnameinfo, with rooms of a size; 0 = no pointer, -1 = a pointer without room. */
static void print_names(const char *title, const struct sockaddr *address, socklen_t length,
                        int host_size, int service_size, int flags)
{
    char host[1100], service[64];
    int code;

    memset(host, 0xee, sizeof(host));
    memset(service, 0xee, sizeof(service));
    errno = 77;
    code = getnameinfo(address, length, host_size ? host : NULL,
                       host_size < 0 ? 0 : (socklen_t)host_size, service_size ? service : NULL,
                       service_size < 0 ? 0 : (socklen_t)service_size, flags);
    printf("getnameinfo %s length %u room %d/%d flags %#x: %d", title, length, host_size,
           service_size, (unsigned)flags, code);
    if (code == EAI_SYSTEM)
        printf(" errno %d", errno);
    if (host[0] != (char)0xee)
        printf(" host %s", host);
    if (host_size >= 0 && host[host_size] != (char)0xee)
        printf(" WRITTEN BEHIND THE HOST");
    if (service[0] != (char)0xee)
        printf(" service %s", service);
    printf("\n");
}

static void ask_names(const char *title, const struct sockaddr *address, socklen_t length)
{
    static const int rooms[] = {1025, 0, -1, 1, 4, 5, 9, 10, 11};
    static const int services[] = {32, 0, -1, 1, 3};

    for (int flags = 0; flags < 1 << 9; flags++) {
        print_names(title, address, length, 1025, 32, flags);
        print_names(title, address, length, 1025, 0, flags);
    }
    for (size_t i = 0; i < ARRAY_SIZE(rooms) * ARRAY_SIZE(services) * 16; i++)
        print_names(title, address, length, rooms[i / 16 % ARRAY_SIZE(rooms)],
                    services[i / 16 / ARRAY_SIZE(rooms)], (int)(i % 16));
    for (socklen_t shorter = 0; shorter < length; shorter++)
        print_names(title, address, shorter, 1025, 32, 0);
    print_names(title, address, sizeof(struct sockaddr_storage), 1025, 32, 0);
}

static void ask(const char *text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *v4 = (void *)&storage;
    struct sockaddr_in6 *v6 = (void *)&storage;
    uint8_t address[17] = {0};

    if (inet_pton(AF_INET, text, address) == 1) {
        ask_address(text, address, 4);
        *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(80)};
        memcpy(&v4->sin_addr, address, 4);
        ask_names(text, (const void *)&storage, sizeof(*v4));
    } else if (inet_pton(AF_INET6, text, address) == 1) {
        ask_address(text, address, 16);
        *v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(64999)};
        memcpy(&v6->sin6_addr, address, 16);
        ask_names(text, (const void *)&storage, sizeof(*v6));
    }
    ask_name(text);
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    print_names("NULL", NULL, 16, 1025, 32, 0);
    print_names("another family", &(struct sockaddr){.sa_family = AF_UNIX}, 16, 1025, 32, 0);
    for (int i = 1; i < argc; i++)
        ask(argv[i]);
    return 0;
}
