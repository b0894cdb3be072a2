/* list.h - builds what getaddrinfo returns.
 * Floor: preload (knows reader; allocates with malloc only; no lock or descriptor).
 */
#pragma once

#include <netdb.h>
#include <stdbool.h>

#include "resolve.h"
#include "services.h"

/* Builds the list: destinations in the drawn order, of each its IPv6 address before its IPv4 one,
 * each address once for each tuple. A destination's own port wins over the service's.
 *
 *   flags      the caller's ai_flags: each node repeats them, and AI_CANONNAME asks for the name
 *   is_mapped  IPv4 addresses are given as ::ffff:a.b.c.d
 *   ret_list   each node is one malloc'ed block, and so is the first node's ai_canonname: glibc's
 *              own freeaddrinfo frees them, under musl freeaddrinfo.c
 *
 * Returns 0, EAI_MEMORY, or EAI_NODATA when the answer holds no address. errno is left alone on
 * success. */
int list_build(const struct resolve_answer *answer, const struct services *services, int flags,
               bool is_mapped, struct addrinfo **ret_list);

#ifndef __GLIBC__
/* Whether a node is one of list_build's. Any list of getaddrinfo's may be asked about, also libc's
 * and other libraries'; a program must not have moved ai_addr. */
bool list_is_ours(const struct addrinfo *node);
#endif
