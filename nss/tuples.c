/* tuples.c - two tuples and the name that both point at, in the caller's buffer. */
#include "tuples.h"

#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

#include "packing.h"

_Static_assert(alignof(struct gaih_addrtuple) <= alignof(char *), "as packing_place aligns");

bool tuples_pack(const struct resolve_answer *answer, char *buffer, size_t size,
                 struct gaih_addrtuple **tuples)
{
    const struct resolve_destination *from = &answer->destinations[0];
    size_t name_size = (size_t)answer->canonical_length + 1;
    struct gaih_addrtuple *first,
        *tuple = packing_place(buffer, size, 2 * sizeof(*tuple) + name_size);
    char *name;

    if (!tuple)
        return false;
    name = (char *)(tuple + 2);
    memcpy(name, answer->canonical, name_size);
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
