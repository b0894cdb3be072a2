/* libc.h - where glibc and musl differ in what getaddrinfo and getnameinfo take and give.
 * Floor: preload (knows nobody).
 *
 * The same sources make two libraries: one for programs with glibc, which passes everything on in
 * programs with another C library, and one for programs with musl (tests/cross/musl.ini). musl's
 * side is that of its 1.2 (src/network/getaddrinfo.c, lookup_serv.c).
 */
#pragma once

#include <netdb.h>

#ifdef __GLIBC__
/* The flags that are not refused; 0x300 are two of the old ones for IDN. */
#define LIBC_FLAGS                                                                                 \
    (AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_ADDRCONFIG | AI_V4MAPPED | AI_IDN |           \
     AI_CANONIDN | 0x300 | AI_NUMERICSERV | AI_ALL)
#define LIBC_FLAGS_DEFAULT (AI_V4MAPPED | AI_ADDRCONFIG) /* without hints */
#define LIBC_FLAGS_IDN     AI_IDN
#define LIBC_HAS_STAR      1         /* a lone star is no node, and no service */
#define LIBC_PORT_MAX      999999999 /* numbers above 65535 are cut to 16 bits */
#define LIBC_TYPES         3         /* type 0 is these: stream, datagram, raw */
/* getnameinfo's flags that are not refused; 0xc0 are two of the old ones for IDN. */
#define LIBC_NAME_FLAGS                                                                            \
    (NI_NUMERICHOST | NI_NUMERICSERV | NI_NOFQDN | NI_NAMEREQD | NI_DGRAM | NI_IDN | 0xc0)
#define LIBC_H_INTERNAL NETDB_INTERNAL /* h_errno says: look at errno */
#define LIBC_H_SUCCESS  NETDB_SUCCESS
#else
#define LIBC_FLAGS                                                                                 \
    (AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG |           \
     AI_NUMERICSERV)
#define LIBC_FLAGS_DEFAULT 0
#define LIBC_FLAGS_IDN     0
#define LIBC_HAS_STAR      0
#define LIBC_PORT_MAX      65535
#define LIBC_TYPES         2
#define LIBC_NAME_FLAGS    (NI_NUMERICHOST | NI_NUMERICSERV | NI_NAMEREQD | NI_DGRAM)
#define LIBC_H_INTERNAL    NO_RECOVERY
#define LIBC_H_SUCCESS     0
#endif
