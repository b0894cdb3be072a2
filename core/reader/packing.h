/* packing.h - lays a host out in the caller's buffer, as the gethostby functions return it.
 * Floor: reader (libc only; no lock, log, allocation or descriptor; errno untouched).
 *
 * Everything that a result points at lies in the caller's buffer, whatever its alignment. How much
 * room is needed depends on the name, the family and the policy, never on what was drawn: so
 * whether the caller has to come again tells nothing of the draw, and the shares stay as asked for.
 */
#pragma once

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

#include "resolve.h"

/* Bytes that are always enough for a host with the most addresses. glibc comes with 1,024. */
#define PACKING_ROOM 768

/* The family of an address that is asked about: 4 bytes are AF_INET, 16 are AF_INET6.
 *
 *   family  as asked: that one, or AF_UNSPEC, as glibc's files take it
 *
 * Returns -1 when these contradict each other. */
int packing_family(size_t length, int family);

/* Takes aligned room from a buffer.
 *
 *   buffer  `size` bytes, any alignment
 *   need    bytes
 *
 * Returns the first aligned place in the buffer, or NULL when less than need follows it. */
void *packing_place(char *buffer, size_t size, size_t need);

/* Lays out a host: the answer's name, no aliases, and its addresses of a family in their order.
 *
 *   answer    its canonical name is filled; addresses of other families are left out
 *   family    AF_INET or AF_INET6
 *   buffer    `size` bytes of the caller, any alignment
 *   ret_host  filled
 *
 * Returns false, and leaves ret_host and buffer alone, when the buffer is too small. */
bool packing_host(const struct resolve_answer *answer, int family, char *buffer, size_t size,
                  struct hostent *ret_host);
