/* fuzz_call.c - the two ways in as programs call them: any arguments, buffers of any size.
 *
 * The modules are loaded as they are built, and asked about a good snapshot. Input: which function,
 * its numbers, then the name and the service.
 *
 * NSS: all that a result points at lies in the caller's buffer, which is as large as it was said to
 * be; a buffer that is too small is told by ERANGE, and whether it is does not depend on the draw.
 * Shim: the list is one that libc's freeaddrinfo frees. What it passes on, libc answers from
 * /etc/hosts.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auto.h"
#include "cursor.h"
#include "fuzz.h"
#include "kinds.h"

#define BUFFER_MOST 1024
#define TEXT_MOST   300

enum { FOUND, SMALL, NOT_FOUND, UNAVAILABLE, NAMED, LISTED, REFUSED, SERVED, GOALS };
static struct fuzz_goal goals[GOALS] = {
    [FOUND] = {"nss-found"},      [SMALL] = {"nss-buffer-too-small"},
    [NOT_FOUND] = {"nss-denied"}, [UNAVAILABLE] = {"nss-unavailable"},
    [NAMED] = {"nss-named"},      [LISTED] = {"shim-listed"},
    [REFUSED] = {"shim-refused"}, [SERVED] = {"shim-service-by-name"},
};

typedef enum nss_status (*by_name)(const char *, struct hostent *, char *, size_t, int *, int *);
typedef enum nss_status (*by_name2)(const char *, int, struct hostent *, char *, size_t, int *,
                                    int *);
typedef enum nss_status (*by_name3)(const char *, int, struct hostent *, char *, size_t, int *,
                                    int *, int32_t *, char **);
typedef enum nss_status (*by_name4)(const char *, struct gaih_addrtuple **, char *, size_t, int *,
                                    int *, int32_t *);
typedef enum nss_status (*by_address)(const void *, socklen_t, int, struct hostent *, char *,
                                      size_t, int *, int *);
typedef int (*by_getaddrinfo)(const char *, const char *, const struct addrinfo *,
                              struct addrinfo **);

static by_name nss_name;
static by_name2 nss_name2;
static by_name3 nss_name3;
static by_name4 nss_name4;
static by_address nss_address;
static by_getaddrinfo shim;

/* libc's: which sources a database has, in this process. */
extern int __nss_configure_lookup(const char *database, const char *sources);

static void *load(const char *variable, const char *path)
{
    const char *other = getenv(variable);
    void *library = dlopen(other ? other : path, RTLD_NOW | RTLD_LOCAL);

    if (!library) {
        (void)fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return library;
}

static void *find(void *library, const char *name)
{
    void *found = dlsym(library, name);

    fuzz_claim(found != NULL, name);
    return found;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct snapshot_writer_options options = {.host_key = 1};
    struct snapshot_writer *writer;

    (void)argc;
    (void)argv;
    fuzz_goals(goals, GOALS);
    void *module = load("FUZZ_NSS", NSS_MODULE), *preload = load("FUZZ_SHIM", SHIM_MODULE);
    fuzz_isolate();
    if (mkdir("/run/meshdns", 0755) < 0 || mkdir("/run/meshdns/v1", 0755) < 0)
        abort();
    fuzz_claim(snapshot_writer_open(SNAPSHOT_PATH, &options, &writer, NULL) == 0, "a snapshot");
    kinds_put(writer, 40);
    snapshot_writer_close(writer);
    fuzz_claim(__nss_configure_lookup("hosts", "files") == 0, "misses end at /etc/hosts");
    *(void **)&nss_name = find(module, "_nss_meshdns_gethostbyname_r");
    *(void **)&nss_name2 = find(module, "_nss_meshdns_gethostbyname2_r");
    *(void **)&nss_name3 = find(module, "_nss_meshdns_gethostbyname3_r");
    *(void **)&nss_name4 = find(module, "_nss_meshdns_gethostbyname4_r");
    *(void **)&nss_address = find(module, "_nss_meshdns_gethostbyaddr_r");
    *(void **)&shim = find(preload, "getaddrinfo");
    return 0;
}

/* What an NSS function is given, and what came out. */
struct call {
    char name[TEXT_MOST + 1], service[TEXT_MOST + 1];
    char *buffer;
    size_t size;
    int family, error, h_error;
    enum nss_status status;
};

static void is_within(const struct call *call, const void *at, size_t size)
{
    const char *from = at;

    fuzz_claim(from >= call->buffer && size <= call->size &&
                   from + size <= call->buffer + call->size,
               "a result lies in the caller's buffer");
}

static void is_text_within(const struct call *call, const char *text)
{
    is_within(call, text, 1);
    fuzz_claim(memchr(text, 0, call->size - (size_t)(text - call->buffer)) != NULL, "a name ends");
    fuzz_claim(text[0] != '\0', "a name is there");
}

static void check_host(const struct call *call, const struct hostent *host)
{
    is_text_within(call, host->h_name);
    is_within(call, host->h_aliases, sizeof(char *));
    is_within(call, host->h_addr_list, 2 * sizeof(char *));
    fuzz_claim(host->h_addrtype == call->family, "a host is of the family asked for");
    fuzz_claim(host->h_length == (call->family == AF_INET6 ? 16 : 4), "of its length");
    for (char **alias = host->h_aliases; *alias; alias++)
        is_text_within(call, *alias);
    for (char **address = host->h_addr_list; *address; address++)
        is_within(call, *address, (size_t)host->h_length);
}

static void check_tuples(const struct call *call, const struct gaih_addrtuple *tuple,
                         const struct gaih_addrtuple *given)
{
    size_t count = 0;

    for (; tuple; tuple = tuple->next, count++) {
        if (tuple != given)
            is_within(call, tuple, sizeof(*tuple));
        fuzz_claim(tuple->family == AF_INET || tuple->family == AF_INET6, "a tuple has a family");
        is_text_within(call, tuple->name);
    }
    fuzz_claim(count == 1 || count == 2, "one destination is returned");
}

static void check_status(const struct call *call)
{
    switch (call->status) {
    case NSS_STATUS_SUCCESS:
        goals[FOUND].count++;
        fuzz_claim(call->h_error == NETDB_SUCCESS, "success is no error");
        break;
    case NSS_STATUS_TRYAGAIN:
        goals[SMALL].count++;
        fuzz_claim(call->error == ERANGE && call->h_error == NETDB_INTERNAL &&
                       call->size < BUFFER_MOST,
                   "only a small buffer is tried again");
        break;
    case NSS_STATUS_NOTFOUND:
        goals[NOT_FOUND].count++;
        fuzz_claim(call->h_error == HOST_NOT_FOUND || call->h_error == NO_DATA, "no such name");
        break;
    case NSS_STATUS_UNAVAIL:
        goals[UNAVAILABLE].count++;
        break;
    case NSS_STATUS_RETURN:
    default:
        fuzz_claim(0, "the status is one that glibc knows");
    }
}

static void ask_nss(struct call *call, unsigned which, unsigned how)
{
    struct hostent host = {0};
    struct gaih_addrtuple given = {0}, *tuples = how & 1 ? &given : NULL;
    char *canonical = NULL;
    int32_t ttl = 1, *ret_ttl = how & 2 ? &ttl : NULL;
    size_t length = strlen(call->name);

    switch (which) {
    case 0:
        call->family = AF_INET;
        call->status =
            nss_name(call->name, &host, call->buffer, call->size, &call->error, &call->h_error);
        break;
    case 1:
        call->status = nss_name2(call->name, call->family, &host, call->buffer, call->size,
                                 &call->error, &call->h_error);
        break;
    case 2:
        call->status =
            nss_name3(call->name, call->family, &host, call->buffer, call->size, &call->error,
                      &call->h_error, ret_ttl, how & 4 ? &canonical : NULL);
        if (canonical)
            is_text_within(call, canonical);
        break;
    case 3:
        call->status = nss_name4(call->name, &tuples, call->buffer, call->size, &call->error,
                                 &call->h_error, ret_ttl);
        break;
    default:
        call->status = nss_address(how & 8 ? KINDS_ADDRESS : call->name,
                                   (socklen_t)(how & 8 ? 4 : length), call->family, &host,
                                   call->buffer, call->size, &call->error, &call->h_error);
        goals[NAMED].count += call->status == NSS_STATUS_SUCCESS;
    }
    check_status(call);
    if (call->status != NSS_STATUS_SUCCESS)
        return;
    if (which == 3)
        check_tuples(call, tuples, &given);
    else
        check_host(call, &host);
}

static void check_list(const struct addrinfo *list, const struct addrinfo *hints)
{
    size_t count = 0;

    fuzz_claim(list != NULL, "success has a list");
    for (const struct addrinfo *one = list; one; one = one->ai_next, count++) {
        fuzz_claim(one->ai_addr && one->ai_addr->sa_family == one->ai_family, "families agree");
        fuzz_claim(one->ai_addrlen == (one->ai_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                  : sizeof(struct sockaddr_in)),
                   "an address has its length");
        fuzz_claim(!hints || hints->ai_family == AF_UNSPEC || one->ai_family == hints->ai_family,
                   "a node is of the family asked for");
        fuzz_claim(!one->ai_canonname || one == list, "the first node alone has the name");
    }
    fuzz_claim(count <= (size_t)SNAPSHOT_ANSWERS_MAX * 2 * 9, "a list is bounded");
}

static void ask_shim(const struct call *call, struct cursor *cursor)
{
    static const int protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
    unsigned flags = (unsigned)cursor_number(cursor, 2), socktype, protocol;
    struct addrinfo hints = {.ai_family = call->family}, *list = NULL;

    socktype = (unsigned)cursor_number(cursor, 1);
    protocol = (unsigned)cursor_number(cursor, 1);
    hints.ai_flags = (int)(flags & 0x7fff);
    hints.ai_socktype = (int)(socktype % 12);
    hints.ai_protocol = protocols[protocol % ARRAY_SIZE(protocols)];
    const struct addrinfo *given = flags & 0x8000 ? NULL : &hints;
    const char *service = socktype & 0x80 ? NULL : call->service;
    int error = shim(protocol & 0x80 ? NULL : call->name, service, given, &list);
    if (error) {
        goals[REFUSED].count++;
        fuzz_claim(gai_strerror(error) != NULL && error < 0, "an error is one of libc's");
        return;
    }
    goals[LISTED].count++;
    goals[SERVED].count += service && service[0] >= 'a' && service[0] <= 'z';
    check_list(list, given);
    freeaddrinfo(list);
}

/* Text up to a NUL, or the end. */
static void read_text(struct cursor *cursor, char ret_text[static TEXT_MOST + 1])
{
    size_t length = 0;

    while (length < TEXT_MOST && cursor_left(cursor) > 0 &&
           (ret_text[length] = (char)cursor_number(cursor, 1)) != '\0')
        length++;
    ret_text[length] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNSPEC, AF_UNIX};
    struct cursor cursor = cursor_view(bytes, size);
    unsigned which = (unsigned)cursor_number(&cursor, 1), how = (unsigned)cursor_number(&cursor, 1);
    struct call call = {.size = (size_t)cursor_number(&cursor, 2) % (BUFFER_MOST + 1)};
    size_t gap = (size_t)cursor_number(&cursor, 1) % 16;
    struct cursor numbers = cursor;

    call.family = families[how >> 4 & 3];
    if (which % 8 >= 5)
        (void)cursor_take(&cursor, 4);
    read_text(&cursor, call.name);
    read_text(&cursor, call.service);
    if (which % 8 >= 5) {
        ask_shim(&call, &numbers);
        return 0;
    }
    char *whole = malloc(gap + call.size ? gap + call.size : 1); /* nothing lies behind it */
    if (!whole)
        abort();
    call.buffer = whole;
    call.buffer += gap;
    ask_nss(&call, which % 8, how);
    free(whole);
    return 0;
}
