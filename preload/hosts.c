/* hosts.c - how glibc's gethostby functions end (nss/getXXbyYY_r.c). */
#include "hosts.h"

#include <errno.h>

#include "libc.h"

static int end(int error, int h_error, struct hostent *found, const struct hosts_place *place)
{
    *place->ret_found = found;
    *place->ret_h_errno = h_error;
    errno = error;
    return error;
}

int hosts_fill(const struct resolve_answer *answer, int family, const struct hosts_place *place)
{
    if (!packing_host(answer, family, place->buffer, place->size, place->host))
        return end(ERANGE, LIBC_H_INTERNAL, NULL, place);
    return end(0, LIBC_H_SUCCESS, place->host, place);
}

int hosts_refuse(int h_error, const struct hosts_place *place)
{
    return end(0, h_error, NULL, place);
}

int hosts_lack(const struct hosts_place *place)
{
    return end(ENOSYS, LIBC_H_INTERNAL, NULL, place);
}

struct hostent *hosts_end(struct hostent *found, int h_error)
{
    if (!found)
        h_errno = h_error;
    return found;
}
