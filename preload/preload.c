/* preload.c - getaddrinfo, answered before libc is asked.
 *
 * For programs that are started with LD_PRELOAD. What no policy covers, and all that is no question
 * about a name (no node, a numeric one, flags that libc refuses), goes to the next getaddrinfo in
 * the process, with the arguments as they came. The rest follows glibc 2.36 to the letter
 * (sysdeps/posix/getaddrinfo.c): which nodes, in which order of types, with which codes.
 *
 * What this process may be at the moment of a call is unknown: starting, many-threaded, in a signal
 * handler, forked, sandboxed. So there is no lock, no descriptor, and no system call before the
 * first name. The next getaddrinfo is looked for at the first call, not in a constructor: dlsym
 * may allocate, and an allocator that is starting up may be who calls.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "list.h"
#include "resolve.h"
#include "services.h"
#include "snapshot_reader.h"

#define EXPORT __attribute__((visibility("default")))

/* glibc knows these flags; 0x300 are two of its old ones for IDN. Others it refuses. */
#define FLAGS                                                                                      \
    (AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_ADDRCONFIG | AI_V4MAPPED | AI_IDN |           \
     AI_CANONIDN | 0x300 | AI_NUMERICSERV | AI_ALL)

/* Absent under musl, whose freeaddrinfo cannot free what we build. */
extern const char *gnu_get_libc_version(void) __attribute__((weak));

/* This thread's generator. Initial-exec: found with one instruction, and without an allocation in
 * threads that look a name up in a signal handler. Preloaded objects always have room for it. */
static _Thread_local struct rng generator __attribute__((tls_model("initial-exec")));

/* The snapshot's path is copied: programs move and overwrite their environment. */
static char path[PATH_MAX] = SNAPSHOT_PATH;
static struct snapshot_reader snapshot = SNAPSHOT_READER(path);

enum environment { UNREAD, BUSY, READ };
static _Atomic(enum environment) environment;

/* Takes MESHDNS_SNAPSHOT over, once. Returns false under musl, and while another caller is about
 * it, which needs a look-up before this library's constructor: then libc answers. Nobody waits. */
static __attribute__((noinline)) bool read_environment(void)
{
    enum environment seen = UNREAD;
    const char *value;
    size_t size;

    if (!gnu_get_libc_version)
        return false;
    if (!atomic_compare_exchange_strong_explicit(&environment, &seen, BUSY, memory_order_acquire,
                                                 memory_order_acquire))
        return seen == READ;
    value = secure_getenv("MESHDNS_SNAPSHOT");
    if (value && value[0]) {
        size = strlen(value) + 1;
        if (size <= sizeof(path))
            memcpy(path, value, size);
        else
            path[0] = '\0'; /* it could not be opened either: there is no snapshot */
    }
    atomic_store_explicit(&environment, READ, memory_order_release);
    return true;
}

static inline bool is_environment_read(void)
{
    /* Acquire: pairs with the release above, so that the path is whole. */
    return atomic_load_explicit(&environment, memory_order_acquire) == READ || read_environment();
}

__attribute__((constructor)) static void start(void)
{
    (void)read_environment();
}

/* The getaddrinfo that would have been called without us. */
static services_getaddrinfo next(void)
{
    static _Atomic(services_getaddrinfo) known;
    /* Relaxed: every thread that looks finds the same function. */
    services_getaddrinfo real = atomic_load_explicit(&known, memory_order_relaxed);

    if (!real) {
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
        atomic_store_explicit(&known, real, memory_order_relaxed);
    }
    return real;
}

static int pass(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret_list)
{
    services_getaddrinfo real = next();

    if (!real) {
        errno = ENOSYS;
        return EAI_SYSTEM;
    }
    return real(node, service, hints, ret_list);
}

static bool is_ascii(const char *text)
{
    while (*text && !(*text & 0x80))
        text++;
    return *text == '\0';
}

/* libc takes a lone star for no node. */
static bool is_number_or_star(const char *node)
{
    struct in_addr number;

    return (node[0] == '*' && !node[1]) ||
           (node[0] >= '0' && node[0] <= '9' && inet_aton(node, &number));
}

/* Is this a question about a name, in a form that libc would accept? A numeric IPv6 address passes:
 * it has a colon, which no policy's name has. */
static bool is_ours(const char *node, const struct addrinfo *hints)
{
    if (!node || (node[0] < 'A' && is_number_or_star(node)))
        return false;
    if (hints->ai_flags & (~FLAGS | AI_NUMERICHOST | AI_IDN) &&
        !((hints->ai_flags & (~FLAGS | AI_NUMERICHOST)) == 0 && is_ascii(node)))
        return false;
    if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET &&
        hints->ai_family != AF_INET6)
        return false;
    return true;
}

/* Draws for the family of the hints. With AI_V4MAPPED, IPv4 stands in for missing IPv6, or with
 * AI_ALL joins it; ret_is_mapped tells that the answer is to be given so. */
static enum resolve_result draw(const char *node, const struct addrinfo *hints,
                                struct resolve_answer *ret_answer, bool *ret_is_mapped)
{
    struct resolve_request request = {
        .name = node,
        .family = hints->ai_family,
        .caller = RESOLVE_SHIM,
        .most = SNAPSHOT_ANSWERS_MAX,
        .is_configured_only = hints->ai_flags & AI_ADDRCONFIG,
        .rng = &generator,
        .is_nameless = !(hints->ai_flags & AI_CANONNAME),
    };
    enum resolve_result result;
    bool is_mapping = hints->ai_family == AF_INET6 && hints->ai_flags & AI_V4MAPPED;

    *ret_is_mapped = is_mapping;
    if (is_mapping && hints->ai_flags & AI_ALL)
        request.family = AF_UNSPEC;
    /* Called in one place only, so that it is inlined. */
    while ((result = resolve_name(&snapshot, &request, ret_answer)) == RESOLVE_NO_DATA &&
           is_mapping && request.family == AF_INET6)
        request.family = AF_INET;
    return result;
}

EXPORT int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret_list)
{
    static const struct addrinfo defaults = {.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG};
    const struct addrinfo *wanted = hints ? hints : &defaults;
    struct resolve_answer answer;
    struct services services;
    enum resolve_result result;
    bool is_mapped;
    int error;

    if (!is_ours(node, wanted) || !is_environment_read())
        return pass(node, service, hints, ret_list);
    result = draw(node, wanted, &answer, &is_mapped);
    if (result == RESOLVE_MISS)
        return pass(node, service, hints, ret_list);
    /* As in libc, what is wrong with the service is said before what is wrong with the name. */
    if (service && service[0] == '*' && !service[1])
        service = NULL;
    error = services_expand(pass, service, wanted, &services);
    if (error)
        return error;
    if (result != RESOLVE_FOUND)
        return result == RESOLVE_DENIED ? EAI_NONAME : EAI_NODATA;
    return list_build(&answer, &services, wanted->ai_flags, is_mapped, ret_list);
}
