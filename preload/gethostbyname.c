/* gethostbyname.c - gethostbyname and gethostbyname2, and both with _r.
 *
 * What no policy covers goes to the next function in the process, as it came. A host has no port:
 * so these ask as NSS does, and destinations that require theirs are left out. Several answers are
 * given, in the order drawn.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "choice.h"
#include "hosts.h"
#include "libc.h"
#include "process.h"
#include "resolve.h"

/* Answers, if a policy covers the name. Returns false when libc is to be asked: ret_code and place
 * are as they were. */
static bool is_answered(const char *name, int family, const struct hosts_place *place,
                        int *ret_code)
{
    struct resolve_request request = {
        .name = name,
        .family = family,
        .caller = RESOLVE_NSS,
        .most = SNAPSHOT_ANSWERS_MAX,
    };
    struct snapshot_reader *snapshot = process_snapshot();
    struct resolve_answer answer;
    struct choice choice;
    struct in_addr number;

    if (!snapshot || !name || (family != AF_INET && family != AF_INET6) ||
        (name[0] >= '0' && name[0] <= '9' && inet_aton(name, &number)))
        return false;
    switch (choice_resolve(snapshot, &request, &choice, &answer)) {
    case RESOLVE_FOUND:
        *ret_code = hosts_fill(&answer, family, place);
        choice_end(&choice, *ret_code == 0);
        return true;
    case RESOLVE_DENIED:
        *ret_code = hosts_refuse(HOST_NOT_FOUND, place);
        return true;
    case RESOLVE_NO_DATA:
        *ret_code = hosts_refuse(NO_DATA, place);
        return true;
    case RESOLVE_MISS:
    default:
        return false;
    }
}

PROCESS_EXPORT int gethostbyname2_r(const char *name, int family, struct hostent *ret_host,
                                    char *buffer, size_t size, struct hostent **ret_found,
                                    int *ret_h_errno)
{
    const struct hosts_place place = {ret_host, buffer, size, ret_found, ret_h_errno};
    static _Atomic(void *) known;
    int (*real)(const char *, int, struct hostent *, char *, size_t, struct hostent **, int *);
    int code;

    if (is_answered(name, family, &place, &code))
        return code;
    *(void **)&real = process_next("gethostbyname2_r", &known);
    if (!real)
        return hosts_lack(&place);
    return real(name, family, ret_host, buffer, size, ret_found, ret_h_errno);
}

PROCESS_EXPORT int gethostbyname_r(const char *name, struct hostent *ret_host, char *buffer,
                                   size_t size, struct hostent **ret_found, int *ret_h_errno)
{
    const struct hosts_place place = {ret_host, buffer, size, ret_found, ret_h_errno};
    static _Atomic(void *) known;
    int (*real)(const char *, struct hostent *, char *, size_t, struct hostent **, int *);
    int code;

    if (is_answered(name, AF_INET, &place, &code))
        return code;
    *(void **)&real = process_next("gethostbyname_r", &known);
    if (!real)
        return hosts_lack(&place);
    return real(name, ret_host, buffer, size, ret_found, ret_h_errno);
}

/* Answers into a function's own storage. Returns false when libc is to be asked. */
static bool is_kept(const char *name, int family, struct hosts_kept *kept,
                    struct hostent **ret_found)
{
    int code, h_error = LIBC_H_SUCCESS;
    const struct hosts_place place = {&kept->host, kept->buffer, sizeof(kept->buffer), ret_found,
                                      &h_error};

    if (!is_answered(name, family, &place, &code))
        return false;
    *ret_found = hosts_end(*ret_found, h_error);
    return true;
}

PROCESS_EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
    static struct hosts_kept kept;
    static _Atomic(void *) known;
    struct hostent *(*real)(const char *, int);
    struct hostent *found;

    if (is_kept(name, family, &kept, &found))
        return found;
    *(void **)&real = process_next("gethostbyname2", &known);
    return real ? real(name, family) : hosts_end(NULL, LIBC_H_INTERNAL);
}

PROCESS_EXPORT struct hostent *gethostbyname(const char *name)
{
    static struct hosts_kept kept;
    static _Atomic(void *) known;
    struct hostent *(*real)(const char *);
    struct hostent *found;

    if (is_kept(name, AF_INET, &kept, &found))
        return found;
    *(void **)&real = process_next("gethostbyname", &known);
    return real ? real(name) : hosts_end(NULL, LIBC_H_INTERNAL);
}
