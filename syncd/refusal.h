/* refusal.h - why messages were refused, and how often.
 * Knows wire. No globals.
 */
#pragma once

#include <stdint.h>

#include "seal.h"

enum refusal {
    /* below SEAL_REFUSALS: as seal.h has them */
    REFUSAL_REPLAYED = SEAL_REFUSALS, /* its sequence does not rise */
    REFUSAL_OVERTAKEN,                /* a broadcast of before the welcome, heard after it */
    REFUSAL_OLD_REVISION,             /* goes back behind what is in force */
    REFUSAL_OTHER_DIGEST,             /* my revision, other documents: the controller has forked */
    REFUSAL_BAD_DIGEST,               /* the documents do not have the digest they came with */
    REFUSAL_BAD_FLOOR,                /* the controller's word for (revision, digest) is wrong */
    REFUSAL_WRONG_NONCE,              /* a welcome that answers no hello of ours */
    REFUSAL_WRONG_CHANNEL,            /* a kind that must not come this way */
    REFUSAL_UNKNOWN_KIND,             /* of a later meshdns: skipped */
    REFUSAL_TOO_LARGE,
    REFUSALS
};

struct refusal_counts {
    uint64_t counts[REFUSALS];
};

/* "replayed" and the like: in status, logs and the manual. */
const char *refusal_name(unsigned refusal);
