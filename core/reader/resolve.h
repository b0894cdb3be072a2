/* resolve.h - one look-up: the name, who asks, the rule, the draw.
 * Floor: reader (libc only; no lock, log, allocation or descriptor kept; errno untouched).
 *
 * All here is safe in any thread, in signal handlers and after fork and vfork, and gives an
 * answer or a miss for any bytes in the snapshot. After a process's first look-up no system calls
 * but these: geteuid for rules with uids or sticky by uid, the interfaces for
 * is_configured_only (at most every 5 s), and reopening after growth (at most every second).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rng.h"
#include "snapshot_format.h"
#include "snapshot_reader.h"

enum resolve_result {
    RESOLVE_MISS = 0, /* no policy, no snapshot, any doubt: ask the standard resolvers */
    RESOLVE_FOUND,    /* the answer is filled */
    RESOLVE_DENIED,   /* there is no such name, by policy */
    RESOLVE_NO_DATA,  /* the name exists, but has no address of this family for this caller */
};

enum resolve_caller { RESOLVE_SHIM, RESOLVE_NSS };

struct resolve_request {
    const char *name; /* as the program typed it, NUL-terminated; never NULL */
    int family;       /* AF_UNSPEC, AF_INET or AF_INET6 */
    enum resolve_caller caller;
    unsigned most;           /* destinations wanted at most, 1..SNAPSHOT_ANSWERS_MAX */
    bool is_configured_only; /* AI_ADDRCONFIG: leave out a family that no interface has */
    struct rng *rng;         /* this thread's generator; NULL = the process's shared one */
    bool is_nameless;        /* the canonical name is not wanted: it is left empty */
    bool is_whole;           /* of a destination that has the family, tell its other address too */
};

struct resolve_destination {
    uint32_t v4;   /* network order, as in struct in_addr; valid with has_v4 */
    uint16_t port; /* host order; 0 = none, the service decides */
    bool has_v4, has_v6;
    uint8_t v6[16];
};

/* With RESOLVE_FOUND filled as far as `count` goes, the rest being left as it was; with any other
 * result its content means nothing. has_v4 and has_v6 already respect the family asked for. */
struct resolve_answer {
    size_t count;                                                  /* 1..most */
    struct resolve_destination destinations[SNAPSHOT_ANSWERS_MAX]; /* in the drawn order */
    uint8_t canonical_length;
    char canonical[SNAPSHOT_KEY_MAX + 1]; /* NUL-terminated: the full name, or the alias's target */
};

/* Resolves a name: as typed, then along the search list (meshdns-policy(5), NAMES). The caller must
 * not pass numeric addresses. Bounded time. */
enum resolve_result resolve_name(struct snapshot_reader *reader,
                                 const struct resolve_request *request,
                                 struct resolve_answer *ret_answer);

/* Resolves an address to a name, which is left in ret_answer->canonical; the only destination is
 * the address itself.
 *
 *   address  4 or 16 bytes, network order
 *   size     4 or 16; anything else is a miss
 *
 * Returns RESOLVE_FOUND or RESOLVE_MISS. */
enum resolve_result resolve_address(struct snapshot_reader *reader, const void *address,
                                    size_t size, struct resolve_answer *ret_answer);
