/* protect.h - the names that no policy overrides on this machine.
 * Floor: policy (knows base). No globals; a set belongs to one thread.
 *
 * localhost and all below it, the machine's own names, every name and address in the hosts file; in
 * a mesh the hosts of the controller's endpoints too, and what is configured as `protect:`.
 */
#pragma once

#include <stddef.h>

#include "error.h"
#include "key_set.h"

struct protect_source {
    const char *hosts;            /* path of the hosts file; a missing one is an empty one */
    const char *host_name;        /* of this machine, as gethostname gives it */
    const char *const *domains;   /* this machine's search list: HOST.DOMAIN is its own name */
    size_t domain_count;          /* only the first counts */
    const char *const *endpoints; /* URLs "scheme://HOST:PORT" */
    size_t endpoint_count;
    char *const *names; /* `protect:`, such as db.internal and *.corp.example */
    size_t name_count;
};

/* Collects the keys, sorted. ret_keys is filled anew (what it held is given back) and untouched on
 * failure: a hosts file that is there but cannot be read, or memory. */
int protect_collect(const struct protect_source *source, struct key_set *ret_keys,
                    struct error *err);

enum protect_verdict {
    PROTECT_NO,
    PROTECT_PASS,   /* the key itself is protected: it has a record that passes */
    PROTECT_ABSENT, /* it must have no record: an address, or a name below a protected wildcard,
                       whose own record would hide the wildcard's */
};

/* What protection says of a snapshot key. */
enum protect_verdict protect_judge(const struct key_set *protected_keys, const void *key,
                                   size_t length);
