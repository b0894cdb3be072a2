/* packing.h - lays an answer out in the caller's buffer, in the shapes that glibc reads.
 * Floor: nss (knows reader; no lock, log, allocation or descriptor; errno untouched).
 *
 * Everything that a result points at lies in the caller's buffer, whatever its alignment. A buffer
 * is refused unless it holds the largest answer that there can be, not just this one: so whether
 * the caller has to come again tells nothing of the draw, and the shares stay as asked for.
 */
#pragma once

#include <netdb.h>
#include <nss.h>
#include <stdbool.h>
#include <stddef.h>

#include "resolve.h"

/* Bytes that are always enough. glibc comes with 1,024 at first. */
#define PACKING_ROOM 512

/* Lays out a host with one address.
 *
 *   name      NUL-terminated, at most SNAPSHOT_KEY_MAX bytes
 *   family    AF_INET or AF_INET6
 *   address   4 or 16 bytes, as the family says
 *   buffer    `size` bytes of the caller, any alignment
 *   ret_host  h_name, no aliases, one address
 *
 * Returns false, and leaves ret_host alone, when the buffer is too small for some answer. */
bool packing_host(const char *name, int family, const void *address, char *buffer, size_t size,
                  struct hostent *ret_host);

/* Lays out the first destination of an answer, IPv6 before IPv4 when it has both.
 *
 *   answer  its first destination has an address
 *   tuples  as gethostbyname4_r is given it: *tuples is NULL, or room for the first tuple
 *
 * Returns false, and leaves *tuples alone, when the buffer is too small for some answer. */
bool packing_tuples(const struct resolve_answer *answer, char *buffer, size_t size,
                    struct gaih_addrtuple **tuples);
