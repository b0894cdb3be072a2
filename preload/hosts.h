/* hosts.h - what the gethostby functions have in common: how they end.
 * Floor: preload (knows reader; no lock, allocation or descriptor).
 *
 * Codes, h_errno and errno are glibc 2.36's: errno is 0 after all but a small buffer, and a name
 * that there is not is no error of a gethostby..._r.
 */
#pragma once

#include <netdb.h>
#include <stddef.h>

#include "packing.h"
#include "resolve.h"

/* Where a gethostby..._r leaves its result: its arguments. */
struct hosts_place {
    struct hostent *host;
    char *buffer;
    size_t size;
    struct hostent **ret_found;
    int *ret_h_errno;
};

/* The result of a function that is not _r: one of each function's own, in the process, until the
 * next call. As in libc a program that shares it between threads brings a lock. */
struct hosts_kept {
    struct hostent host;
    char buffer[PACKING_ROOM];
};

/* Lays an answer out. Returns 0, or ERANGE with LIBC_H_INTERNAL when the buffer is too small. */
int hosts_fill(const struct resolve_answer *answer, int family, const struct hosts_place *place);

/* Tells that there is no such host: HOST_NOT_FOUND or NO_DATA. Returns 0. */
int hosts_refuse(int h_error, const struct hosts_place *place);

/* Tells that libc has no such function, which errno says. Returns ENOSYS. */
int hosts_lack(const struct hosts_place *place);

/* The end of a function that is not _r: sets h_errno when nothing was found. Returns found. */
struct hostent *hosts_end(struct hostent *found, int h_error);
