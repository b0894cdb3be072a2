/* bare.h - the floor: an in-process table that does the least a getaddrinfo can do.
 * Knows nobody. Any number of threads may look up once it is built.
 *
 * Fold, hash, probe, compare, draw, malloc, fill. No checks of bounds, no sequence words, no
 * growth, no wildcards, no families, no services: nothing that meshdns may leave out. A look-up
 * through the shim is measured as a multiple of this.
 */
#pragma once

#include <netdb.h>
#include <stddef.h>

#define BARE_NAME_MAX     40 /* bytes with the NUL */
#define BARE_NAME_STRIDE  64 /* bytes from name to name: each in a cache line of its own */
#define BARE_DESTINATIONS 4

/* Builds the table. Destination d of name i has the address 10.0.0.0 + i * destinations + d and the
 * weight 10 + d.
 *
 *   names         count strings, NUL-terminated, in lower case; the table copies them
 *   destinations  1..BARE_DESTINATIONS for each name
 *   answers       1 = one of them, drawn by weight; more = all of them, in an order drawn by weight
 *
 * Returns 0, or -1 when memory ran out. The table stays until the process ends. */
int bare_build(const char (*names)[BARE_NAME_STRIDE], size_t count, unsigned destinations,
               unsigned answers);

/* Gives the first destination of a name another weight, in place. Nobody may look up meanwhile:
 * there is nothing by which a reader could tell. Returns 0, or -1 when there is no such name. */
int bare_change(const char *name, unsigned weight);

/* As getaddrinfo for IPv4 and one socket type; the service is not looked at. EAI_NONAME for names
 * that are not in the table. freeaddrinfo frees the list. */
int bare_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo **ret_list);
