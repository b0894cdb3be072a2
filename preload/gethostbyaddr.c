/* gethostbyaddr.c - gethostbyaddr and gethostbyaddr_r, for policies with `reverse`.
 *
 * All other addresses, and what is no address, go to the next function in the process.
 */
#include <netdb.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "hosts.h"
#include "libc.h"
#include "process.h"
#include "resolve.h"

/* Answers, if a policy names the address. Returns false when libc is to be asked. */
static bool is_answered(const void *address, socklen_t length, int family,
                        const struct hosts_place *place, int *ret_code)
{
    struct snapshot_reader *snapshot = process_snapshot();
    struct resolve_answer answer;

    family = packing_family(length, family);
    if (!snapshot || !address || family < 0 ||
        resolve_address(snapshot, address, length, &answer) != RESOLVE_FOUND)
        return false;
    *ret_code = hosts_fill(&answer, family, place);
    return true;
}

PROCESS_EXPORT int gethostbyaddr_r(const void *address, socklen_t length, int family,
                                   struct hostent *ret_host, char *buffer, size_t size,
                                   struct hostent **ret_found, int *ret_h_errno)
{
    const struct hosts_place place = {ret_host, buffer, size, ret_found, ret_h_errno};
    static _Atomic(void *) known;
    int (*real)(const void *, socklen_t, int, struct hostent *, char *, size_t, struct hostent **,
                int *);
    int code;

    if (is_answered(address, length, family, &place, &code))
        return code;
    *(void **)&real = process_next("gethostbyaddr_r", &known);
    if (!real)
        return hosts_lack(&place);
    return real(address, length, family, ret_host, buffer, size, ret_found, ret_h_errno);
}

PROCESS_EXPORT struct hostent *gethostbyaddr(const void *address, socklen_t length, int family)
{
    static struct hosts_kept kept;
    static _Atomic(void *) known;
    struct hostent *(*real)(const void *, socklen_t, int);
    struct hostent *found;
    int code, h_error = LIBC_H_SUCCESS;
    const struct hosts_place place = {&kept.host, kept.buffer, sizeof(kept.buffer), &found,
                                      &h_error};

    if (is_answered(address, length, family, &place, &code))
        return hosts_end(found, h_error);
    *(void **)&real = process_next("gethostbyaddr", &known);
    return real ? real(address, length, family) : hosts_end(NULL, LIBC_H_INTERNAL);
}
