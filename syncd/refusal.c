/* refusal.c - the names of the counters. */
#include "refusal.h"

#include <stddef.h>

const char *refusal_name(unsigned refusal)
{
    static const char *const names[REFUSALS] = {
        [REFUSAL_REPLAYED] = "replayed",         [REFUSAL_OVERTAKEN] = "overtaken",
        [REFUSAL_OLD_REVISION] = "old-revision", [REFUSAL_OTHER_DIGEST] = "other-digest",
        [REFUSAL_BAD_DIGEST] = "bad-digest",     [REFUSAL_BAD_FLOOR] = "bad-floor",
        [REFUSAL_WRONG_NONCE] = "wrong-nonce",   [REFUSAL_WRONG_CHANNEL] = "wrong-channel",
        [REFUSAL_UNKNOWN_KIND] = "unknown-kind", [REFUSAL_TOO_LARGE] = "too-large",
    };

    if (refusal < SEAL_REFUSALS)
        return seal_refusal_name((enum seal_refusal)refusal);
    return refusal < REFUSALS ? names[refusal] : "unknown";
}
