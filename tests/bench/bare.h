/* bare.h - the floor: an in-process table that does the least a getaddrinfo can do.
 * Knows nobody. One thread.
 *
 * Fold, hash, probe, compare, draw, malloc, fill. No checks of bounds, no sequence words, no
 * growth, no wildcards, no families, no services: nothing that meshdns may leave out. A look-up
 * through the shim is measured as a multiple of this.
 */
#pragma once

#include <netdb.h>
#include <stddef.h>

#define BARE_NAME_MAX     40 /* bytes with the NUL */
#define BARE_DESTINATIONS 4

/* Builds the table.
 *
 *   names         count strings of BARE_NAME_MAX bytes each, in lower case
 *   destinations  1..BARE_DESTINATIONS for each name, of equal weight
 *
 * Returns 0, or -1 when memory ran out. The table stays until the process ends. */
int bare_build(const char (*names)[BARE_NAME_MAX], size_t count, unsigned destinations);

/* As getaddrinfo for IPv4 and one socket type; the service is not looked at. EAI_NONAME for names
 * that are not in the table. freeaddrinfo frees the list. */
int bare_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo **ret_list);
