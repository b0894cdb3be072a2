/* freeaddrinfo.c - for musl: frees our lists, and leaves musl's to musl.
 *
 * musl keeps a whole list in one block and counts in it how many nodes are still in use, so its own
 * freeaddrinfo can free nothing else. Each node of ours is a block of its own, as under glibc, and
 * is known by list_is_ours. A list may be a part of one, and may be put together from several.
 */
#include <netdb.h>
#include <stdlib.h>

#include "list.h"
#include "process.h"

#ifndef __GLIBC__

PROCESS_EXPORT void freeaddrinfo(struct addrinfo *list)
{
    static _Atomic(void *) known;
    void (*real)(struct addrinfo * list);

    while (list) {
        struct addrinfo *first = list, *last = list;
        if (list_is_ours(list)) {
            list = list->ai_next;
            free(first->ai_canonname);
            free(first);
            continue;
        }
        while (last->ai_next && !list_is_ours(last->ai_next))
            last = last->ai_next;
        list = last->ai_next;
        last->ai_next = NULL;
        *(void **)&real = process_next("freeaddrinfo", &known);
        if (real)
            real(first);
    }
}

#endif
