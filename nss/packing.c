/* packing.c - a bump allocator over the caller's buffer, and the two shapes made with it.
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

/* What the largest host and the largest pair of tuples take, with the gap before the first. */
#define GAP         alignof(max_align_t)
#define NAME_ROOM   (SNAPSHOT_KEY_MAX + 1)
#define HOST_ROOM   (GAP + 3 * sizeof(char *) + 16 + NAME_ROOM)
#define TUPLES_ROOM (GAP + 2 * sizeof(struct gaih_addrtuple) + NAME_ROOM)
_Static_assert(HOST_ROOM <= PACKING_ROOM && TUPLES_ROOM <= PACKING_ROOM, "as promised to glibc");

/* The first aligned place in the buffer; the gap is part of the room that was checked. */
static char *aligned(char *buffer)
{
    return buffer + (-(uintptr_t)buffer & (GAP - 1));
}

bool packing_host(const char *name, int family, const void *address, char *buffer, size_t size,
                  struct hostent *ret_host)
{
    size_t length = family == AF_INET6 ? 16 : 4;
    struct {
        char *aliases[1], *addresses[2];
        char address[16];
        char name[];
    } * host;

    if (size < HOST_ROOM)
        return false;
    host = (void *)aligned(buffer);
    host->aliases[0] = NULL;
    host->addresses[0] = host->address;
    host->addresses[1] = NULL;
    memcpy(host->address, address, length);
    memcpy(host->name, name, strlen(name) + 1);
    *ret_host = (struct hostent){
        .h_name = host->name,
        .h_aliases = host->aliases,
        .h_addrtype = family,
        .h_length = (int)length,
        .h_addr_list = host->addresses,
    };
    return true;
}

bool packing_tuples(const struct resolve_answer *answer, char *buffer, size_t size,
                    struct gaih_addrtuple **tuples)
{
    const struct resolve_destination *from = &answer->destinations[0];
    struct gaih_addrtuple *tuple, *first;
    char *name;

    if (size < TUPLES_ROOM)
        return false;
    tuple = (void *)aligned(buffer);
    name = (char *)(tuple + 2);
    memcpy(name, answer->canonical, (size_t)answer->canonical_length + 1);
    tuple[1] = (struct gaih_addrtuple){.name = name, .family = AF_INET};
    if (from->has_v4)
        memcpy(tuple[1].addr, &from->v4, sizeof(from->v4));
    tuple[0] = (struct gaih_addrtuple){.name = name, .family = AF_INET6};
    if (from->has_v6)
        memcpy(tuple[0].addr, from->v6, sizeof(from->v6));
    tuple[0].next = from->has_v4 ? &tuple[1] : NULL;
    first = from->has_v6 ? &tuple[0] : &tuple[1];
    if (*tuples)
        **tuples = *first;
    else
        *tuples = first;
    return true;
}
