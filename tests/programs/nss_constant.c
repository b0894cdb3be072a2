/* nss_constant.c - an NSS module that gives every name the address 192.0.2.1 and does nothing else.
 *
 * The system calls and the time of a look-up through it are those of glibc alone; libnss_meshdns is
 * measured against that.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <nss.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define EXPORT __attribute__((visibility("default")))

enum nss_status _nss_constant_gethostbyname2_r(const char *name, int family,
                                               struct hostent *ret_host, char *buffer, size_t size,
                                               int *ret_errno, int *ret_h_errno);
enum nss_status _nss_constant_gethostbyname_r(const char *name, struct hostent *ret_host,
                                              char *buffer, size_t size, int *ret_errno,
                                              int *ret_h_errno);
enum nss_status _nss_constant_gethostbyname4_r(const char *name, struct gaih_addrtuple **tuples,
                                               char *buffer, size_t size, int *ret_errno,
                                               int *ret_h_errno, int32_t *ret_ttl);

static char constant_name[] = "constant", constant_address[] = {(char)192, 0, 2, 1};
static char *constant_aliases[] = {NULL}, *constant_addresses[] = {constant_address, NULL};

EXPORT enum nss_status _nss_constant_gethostbyname2_r(const char *name, int family,
                                                      struct hostent *ret_host, char *buffer,
                                                      size_t size, int *ret_errno, int *ret_h_errno)
{
    (void)name, (void)buffer, (void)size, (void)ret_errno;
    if (family != AF_INET) {
        *ret_h_errno = NO_DATA;
        return NSS_STATUS_NOTFOUND;
    }
    *ret_host = (struct hostent){constant_name, constant_aliases, AF_INET, 4, constant_addresses};
    return NSS_STATUS_SUCCESS;
}

EXPORT enum nss_status _nss_constant_gethostbyname_r(const char *name, struct hostent *ret_host,
                                                     char *buffer, size_t size, int *ret_errno,
                                                     int *ret_h_errno)
{
    return _nss_constant_gethostbyname2_r(name, AF_INET, ret_host, buffer, size, ret_errno,
                                          ret_h_errno);
}

EXPORT enum nss_status _nss_constant_gethostbyname4_r(const char *name,
                                                      struct gaih_addrtuple **tuples, char *buffer,
                                                      size_t size, int *ret_errno, int *ret_h_errno,
                                                      int32_t *ret_ttl)
{
    static struct gaih_addrtuple tuple;

    (void)name, (void)buffer, (void)size, (void)ret_errno, (void)ret_h_errno, (void)ret_ttl;
    tuple = (struct gaih_addrtuple){.name = constant_name, .family = AF_INET};
    memcpy(tuple.addr, constant_address, 4);
    *tuples = &tuple;
    return NSS_STATUS_SUCCESS;
}
