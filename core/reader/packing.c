/* packing.c - pointers first, then addresses, then the name, all in the caller's buffer.
 *
 * Programs keep pointers into these results for long, and copy the buffer's owner only: a string
 * outside it is a use after free in somebody else's process (a systemd module did so). Hence the
 * name is copied too, although the answer holds it.
 */
#include "packing.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define POINTERS_MAX (1 + SNAPSHOT_ANSWERS_MAX + 1) /* the aliases' end, the addresses, their end */
_Static_assert(alignof(char *) + POINTERS_MAX * sizeof(char *) + SNAPSHOT_ANSWERS_MAX * 16 +
                       SNAPSHOT_KEY_MAX + 1 <=
                   PACKING_ROOM,
               "as promised");

int packing_family(size_t length, int family)
{
    int of_length = length == 4 ? AF_INET : length == 16 ? AF_INET6 : -1;

    return family == AF_UNSPEC || family == of_length ? of_length : -1;
}

void *packing_place(char *buffer, size_t size, size_t need)
{
    size_t gap = -(uintptr_t)buffer & (alignof(char *) - 1);

    return size < gap || size - gap < need ? NULL : buffer + gap;
}

/* The address of a family, or NULL when the destination has none. */
static const void *address_of(const struct resolve_destination *from, int family)
{
    if (family == AF_INET6)
        return from->has_v6 ? from->v6 : NULL;
    return from->has_v4 ? &from->v4 : NULL;
}

static size_t count_of(const struct resolve_answer *answer, int family)
{
    size_t count = 0;

    for (size_t i = 0; i < answer->count; i++)
        count += address_of(&answer->destinations[i], family) != NULL;
    return count;
}

bool packing_host(const struct resolve_answer *answer, int family, char *buffer, size_t size,
                  struct hostent *ret_host)
{
    size_t count = count_of(answer, family), length = family == AF_INET6 ? 16 : 4;
    size_t pointers = 1 + count + 1, name_size = (size_t)answer->canonical_length + 1;
    char **aliases =
        packing_place(buffer, size, pointers * sizeof(char *) + count * length + name_size);
    char **end, *address;

    if (!aliases)
        return false;
    aliases[0] = NULL;
    end = aliases + 1;
    address = (char *)(aliases + pointers);
    for (size_t i = 0; i < answer->count; i++) {
        const void *from = address_of(&answer->destinations[i], family);
        if (!from)
            continue;
        if (length == 4) /* sizes that are known need no call */
            memcpy(address, from, 4);
        else
            memcpy(address, from, 16);
        *end++ = address;
        address += length;
    }
    *end = NULL;
    memcpy(address, answer->canonical, name_size);
    *ret_host = (struct hostent){
        .h_name = address,
        .h_aliases = aliases,
        .h_addrtype = family,
        .h_length = (int)length,
        .h_addr_list = aliases + 1,
    };
    return true;
}
