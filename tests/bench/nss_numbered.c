/* nss_numbered.c - an NSS module that nscd is filled from: fast, and content for as long as asked.
 *
 * svc0000123.team26.mesh.internal is 10.0.0.0 + 123, plus the number in GENERATION shifted by 22
 * bits: so a test can change every address at once. All other names do not exist.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <nss.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXPORT     __attribute__((visibility("default")))
#define GENERATION "/run/generation" /* one digit; none = 0 */
#define TTL        864000            /* seconds */

enum nss_status _nss_numbered_gethostbyname4_r(const char *name, struct gaih_addrtuple **tuples,
                                               char *buffer, size_t size, int *ret_errno,
                                               int *ret_h_errno, int32_t *ret_ttl);

static uint32_t generation(void)
{
    char digit = '0';
    int fd = open(GENERATION, O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        if (read(fd, &digit, 1) != 1)
            digit = '0';
        close(fd);
    }
    return (uint32_t)(digit - '0') << 22;
}

EXPORT enum nss_status _nss_numbered_gethostbyname4_r(const char *name,
                                                      struct gaih_addrtuple **tuples, char *buffer,
                                                      size_t size, int *ret_errno, int *ret_h_errno,
                                                      int32_t *ret_ttl)
{
    struct gaih_addrtuple *tuple = (void *)(buffer + -(uintptr_t)buffer % 16);
    size_t length = strlen(name) + 1;
    unsigned number;
    int end = 0;

    if (sscanf(name, "svc%7u.team26.mesh.internal%n", &number, &end) != 1 || end == 0 ||
        name[end]) {
        *ret_errno = ENOENT;
        *ret_h_errno = HOST_NOT_FOUND;
        return NSS_STATUS_NOTFOUND;
    }
    if (size < 16 + sizeof(*tuple) + length) {
        *ret_errno = ERANGE;
        *ret_h_errno = NETDB_INTERNAL;
        return NSS_STATUS_TRYAGAIN;
    }
    *tuple = (struct gaih_addrtuple){.name = (char *)(tuple + 1), .family = AF_INET};
    memcpy(tuple->name, name, length);
    tuple->addr[0] = htonl(0x0a000000 + generation() + number);
    *tuples = tuple;
    if (ret_ttl)
        *ret_ttl = TTL;
    return NSS_STATUS_SUCCESS;
}
