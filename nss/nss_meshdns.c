/* nss_meshdns.c - glibc's six questions, put to the reader.
 *
 * glibc loads this into any process that looks a host up: sshd, sudo, PID 1. So there is no thread
 * local storage (the static room for it may be used up), no environment, nothing to free, and every
 * doubt is "unavailable": the next source of nsswitch.conf answers as if this one were not there.
 *
 *     reader         status     h_errno          what [NOTFOUND=return] makes of it
 *     found          SUCCESS    -                the answer
 *     denied         NOTFOUND   HOST_NOT_FOUND   no such name; nothing leaks to files or DNS
 *     no data        NOTFOUND   NO_DATA          the name exists, without such an address
 *     miss           UNAVAIL    HOST_NOT_FOUND   the next source is asked
 *     small buffer   TRYAGAIN   NETDB_INTERNAL   with ERANGE: glibc comes again with a larger one
 *
 * One destination is returned, always: glibc sorts longer lists by RFC 6724, which destroys the
 * order of the draw and costs a socket for each address. gethostbyname() asks for gethostbyname_r
 * alone, so that is here beside 2_r, 3_r and 4_r; gethostbyaddr2_r is nscd's. gethostent is missing
 * on purpose: `getent hosts` would list this source only and no more of /etc/hosts than comes
 * behind it.
 */
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "choice.h"
#include "packing.h"
#include "resolve.h"
#include "snapshot_reader.h"
#include "tuples.h"

#define EXPORT __attribute__((visibility("default")))

/* glibc finds these by name; no header of its has them. */
enum nss_status _nss_meshdns_gethostbyname_r(const char *name, struct hostent *ret_host,
                                             char *buffer, size_t size, int *ret_errno,
                                             int *ret_h_errno);
enum nss_status _nss_meshdns_gethostbyname2_r(const char *name, int family,
                                              struct hostent *ret_host, char *buffer, size_t size,
                                              int *ret_errno, int *ret_h_errno);
enum nss_status _nss_meshdns_gethostbyname3_r(const char *name, int family,
                                              struct hostent *ret_host, char *buffer, size_t size,
                                              int *ret_errno, int *ret_h_errno, int32_t *ret_ttl,
                                              char **ret_canonical);
enum nss_status _nss_meshdns_gethostbyname4_r(const char *name, struct gaih_addrtuple **tuples,
                                              char *buffer, size_t size, int *ret_errno,
                                              int *ret_h_errno, int32_t *ret_ttl);
enum nss_status _nss_meshdns_gethostbyaddr_r(const void *address, socklen_t length, int family,
                                             struct hostent *ret_host, char *buffer, size_t size,
                                             int *ret_errno, int *ret_h_errno);
enum nss_status _nss_meshdns_gethostbyaddr2_r(const void *address, socklen_t length, int family,
                                              struct hostent *ret_host, char *buffer, size_t size,
                                              int *ret_errno, int *ret_h_errno, int32_t *ret_ttl);

/* This process's view of the snapshot; it survives fork and needs no end. */
static struct snapshot_reader snapshot = SNAPSHOT_READER(SNAPSHOT_PATH);

/* Every way out but success. errno is set because glibc hands a stale one on to the program, and
 * takes a stale ERANGE for a small buffer. */
static enum nss_status refuse(enum nss_status status, int h_error, int error, int *ret_errno,
                              int *ret_h_errno)
{
    *ret_errno = error;
    *ret_h_errno = h_error;
    return status;
}

static enum nss_status small_buffer(int *ret_errno, int *ret_h_errno)
{
    return refuse(NSS_STATUS_TRYAGAIN, NETDB_INTERNAL, ERANGE, ret_errno, ret_h_errno);
}

static enum nss_status unavailable(int *ret_errno, int *ret_h_errno)
{
    return refuse(NSS_STATUS_UNAVAIL, HOST_NOT_FOUND, ENOENT, ret_errno, ret_h_errno);
}

/* Draws one destination. SUCCESS means that the answer holds one with an address of the family. */
static enum nss_status draw(const char *name, int family, struct choice *ret_choice,
                            struct resolve_answer *ret_answer, int *ret_errno, int *ret_h_errno)
{
    struct resolve_request request = {
        .name = name,
        .family = family,
        .caller = RESOLVE_NSS,
        .most = 1,
    };

    switch (choice_resolve(&snapshot, &request, ret_choice, ret_answer)) {
    case RESOLVE_FOUND:
        return NSS_STATUS_SUCCESS;
    case RESOLVE_DENIED:
        return refuse(NSS_STATUS_NOTFOUND, HOST_NOT_FOUND, ENOENT, ret_errno, ret_h_errno);
    case RESOLVE_NO_DATA:
        return refuse(NSS_STATUS_NOTFOUND, NO_DATA, ENOENT, ret_errno, ret_h_errno);
    case RESOLVE_MISS:
        break;
    }
    return unavailable(ret_errno, ret_h_errno);
}

EXPORT enum nss_status _nss_meshdns_gethostbyname3_r(const char *name, int family,
                                                     struct hostent *ret_host, char *buffer,
                                                     size_t size, int *ret_errno, int *ret_h_errno,
                                                     int32_t *ret_ttl, char **ret_canonical)
{
    struct resolve_answer answer;
    struct choice choice;
    enum nss_status status;
    bool is_given;

    if (family != AF_INET && family != AF_INET6)
        return unavailable(ret_errno, ret_h_errno);
    status = draw(name, family, &choice, &answer, ret_errno, ret_h_errno);
    if (status != NSS_STATUS_SUCCESS)
        return status;
    is_given = packing_host(&answer, family, buffer, size, ret_host);
    choice_end(&choice, is_given);
    if (!is_given)
        return small_buffer(ret_errno, ret_h_errno);
    if (ret_ttl)
        *ret_ttl = 0; /* nobody may keep a draw */
    if (ret_canonical)
        *ret_canonical = ret_host->h_name;
    *ret_h_errno = NETDB_SUCCESS;
    return NSS_STATUS_SUCCESS;
}

EXPORT enum nss_status _nss_meshdns_gethostbyname2_r(const char *name, int family,
                                                     struct hostent *ret_host, char *buffer,
                                                     size_t size, int *ret_errno, int *ret_h_errno)
{
    return _nss_meshdns_gethostbyname3_r(name, family, ret_host, buffer, size, ret_errno,
                                         ret_h_errno, NULL, NULL);
}

EXPORT enum nss_status _nss_meshdns_gethostbyname_r(const char *name, struct hostent *ret_host,
                                                    char *buffer, size_t size, int *ret_errno,
                                                    int *ret_h_errno)
{
    return _nss_meshdns_gethostbyname3_r(name, AF_INET, ret_host, buffer, size, ret_errno,
                                         ret_h_errno, NULL, NULL);
}

EXPORT enum nss_status _nss_meshdns_gethostbyname4_r(const char *name,
                                                     struct gaih_addrtuple **tuples, char *buffer,
                                                     size_t size, int *ret_errno, int *ret_h_errno,
                                                     int32_t *ret_ttl)
{
    struct resolve_answer answer;
    struct choice choice;
    enum nss_status status = draw(name, AF_UNSPEC, &choice, &answer, ret_errno, ret_h_errno);
    bool is_given;

    if (status != NSS_STATUS_SUCCESS)
        return status;
    is_given = tuples_pack(&answer, buffer, size, tuples);
    choice_end(&choice, is_given);
    if (!is_given)
        return small_buffer(ret_errno, ret_h_errno);
    if (ret_ttl)
        *ret_ttl = 0;
    *ret_h_errno = NETDB_SUCCESS;
    return NSS_STATUS_SUCCESS;
}

EXPORT enum nss_status _nss_meshdns_gethostbyaddr2_r(const void *address, socklen_t length,
                                                     int family, struct hostent *ret_host,
                                                     char *buffer, size_t size, int *ret_errno,
                                                     int *ret_h_errno, int32_t *ret_ttl)
{
    struct resolve_answer answer;

    family = packing_family(length, family);
    if (family < 0 || resolve_address(&snapshot, address, length, &answer) != RESOLVE_FOUND)
        return unavailable(ret_errno, ret_h_errno);
    if (!packing_host(&answer, family, buffer, size, ret_host))
        return small_buffer(ret_errno, ret_h_errno);
    if (ret_ttl)
        *ret_ttl = 0;
    *ret_h_errno = NETDB_SUCCESS;
    return NSS_STATUS_SUCCESS;
}

EXPORT enum nss_status _nss_meshdns_gethostbyaddr_r(const void *address, socklen_t length,
                                                    int family, struct hostent *ret_host,
                                                    char *buffer, size_t size, int *ret_errno,
                                                    int *ret_h_errno)
{
    return _nss_meshdns_gethostbyaddr2_r(address, length, family, ret_host, buffer, size, ret_errno,
                                         ret_h_errno, NULL);
}
