/* getaddrinfo.c - getaddrinfo, answered before libc is asked.
 *
 * For programs that are started with LD_PRELOAD. What no policy covers, and all that is no question
 * about a name (no node, a numeric one, flags that libc refuses), goes to the next getaddrinfo in
 * the process, with the arguments as they came. The rest follows glibc 2.36 to the letter
 * (sysdeps/posix/getaddrinfo.c): which nodes, in which order of types, with which codes. Where musl
 * differs, libc.h says so.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "libc.h"
#include "list.h"
#include "process.h"
#include "resolve.h"
#include "services.h"
#include "snapshot_map.h"

/* Asks the getaddrinfo that would have been called without us. */
static int pass(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret_list)
{
    static _Atomic(void *) known;
    services_getaddrinfo real;

    *(void **)&real = process_next("getaddrinfo", &known);
    return real ? real(node, service, hints, ret_list) : EAI_SYSTEM;
}

static bool is_ascii(const char *text)
{
    while (*text && !(*text & 0x80))
        text++;
    return *text == '\0';
}

/* glibc takes a lone star for no node. */
static bool is_number_or_star(const char *node)
{
    struct in_addr number;

    return (LIBC_HAS_STAR && node[0] == '*' && !node[1]) ||
           (node[0] >= '0' && node[0] <= '9' && inet_aton(node, &number));
}

/* Is this a question about a name, in a form that libc would accept? A numeric IPv6 address passes:
 * it has a colon, which no policy's name has. */
static bool is_ours(const char *node, const struct addrinfo *hints)
{
    if (SNAPSHOT_RARE(!node || (node[0] < 'A' && is_number_or_star(node))))
        return false;
    if (SNAPSHOT_RARE(hints->ai_flags & (~LIBC_FLAGS | AI_NUMERICHOST | LIBC_FLAGS_IDN)) &&
        !((hints->ai_flags & (~LIBC_FLAGS | AI_NUMERICHOST)) == 0 && is_ascii(node)))
        return false;
    if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET &&
        hints->ai_family != AF_INET6)
        return false;
    return true;
}

/* With AI_V4MAPPED, IPv4 stands in for missing IPv6, or with AI_ALL joins it. */
static bool is_mapping(const struct addrinfo *hints)
{
    return SNAPSHOT_RARE(hints->ai_family == AF_INET6) && hints->ai_flags & AI_V4MAPPED;
}

/* Draws for the family of the hints. */
static inline enum resolve_result draw(struct snapshot_reader *snapshot, const char *node,
                                       const struct addrinfo *hints, bool is_mapped,
                                       struct resolve_answer *ret_answer)
{
    struct resolve_request request = {
        .name = node,
        .family = hints->ai_family,
        .caller = RESOLVE_SHIM,
        .most = SNAPSHOT_ANSWERS_MAX,
        .is_configured_only = hints->ai_flags & AI_ADDRCONFIG,
        .rng = process_generator(),
        .is_nameless = !(hints->ai_flags & AI_CANONNAME),
    };

    if (SNAPSHOT_RARE(is_mapped && hints->ai_flags & AI_ALL))
        request.family = AF_UNSPEC;
    enum resolve_result result = resolve_name(snapshot, &request, ret_answer);
    if (SNAPSHOT_RARE(result == RESOLVE_NO_DATA && is_mapped && request.family == AF_INET6)) {
        request.family = AF_INET;
        result = resolve_name(snapshot, &request, ret_answer);
    }
    return result;
}

PROCESS_EXPORT int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                               struct addrinfo **ret_list)
{
    static const struct addrinfo defaults = {.ai_flags = LIBC_FLAGS_DEFAULT};
    const struct addrinfo *wanted = hints ? hints : &defaults;
    struct snapshot_reader *snapshot;
    struct resolve_answer answer;
    struct services services;
    enum resolve_result result;
    bool is_mapped = is_mapping(wanted);
    int error;

    if (SNAPSHOT_RARE(!is_ours(node, wanted) || !(snapshot = process_snapshot())))
        return pass(node, service, hints, ret_list);
    result = draw(snapshot, node, wanted, is_mapped, &answer);
    if (result == RESOLVE_MISS)
        return pass(node, service, hints, ret_list);
    /* As in libc, what is wrong with the service is said before what is wrong with the name. */
    if (LIBC_HAS_STAR && service && service[0] == '*' && !service[1])
        service = NULL;
    error = services_expand(pass, service, wanted, &services);
    if (SNAPSHOT_RARE(error))
        return error;
    if (SNAPSHOT_RARE(result != RESOLVE_FOUND))
        return result == RESOLVE_DENIED ? EAI_NONAME : EAI_NODATA;
    return list_build(&answer, &services, wanted->ai_flags, is_mapped, ret_list);
}
