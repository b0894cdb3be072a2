/* keys.h - a set of snapshot keys, in the order they came.
 * Floor: policy, for policy_set*.c. Belongs to one thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "snapshot_format.h"

struct keys_item {
    uint8_t length;
    char bytes[SNAPSHOT_KEY_MAX + 1]; /* a NUL behind them */
};

/* Start from {0}. */
struct keys {
    struct keys_item **items; /* count of them */
    size_t count;
    void *tree;
};

/* Returns 1 when the key is new, 0 when it was there, or ERROR_INTERNAL. */
int keys_add(struct keys *keys, const void *key, size_t length);

void keys_done(struct keys *keys);
