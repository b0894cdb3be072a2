/* key_set.h - a sorted set of snapshot keys.
 * Floor: policy (knows base). No globals; a set belongs to one thread.
 *
 * Add as many as you like in any order, sort once, then ask. Start from {0}.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

struct key_set_item {
    uint32_t at; /* in bytes */
    uint8_t length;
};

struct key_set {
    struct buffer bytes;
    struct key_set_item *items;
    size_t count, room;
    bool failed; /* memory ran out: the set is not whole */
};

void key_set_done(struct key_set *keys);

/* Adds a key of 1..255 bytes; others are left out. */
void key_set_add(struct key_set *keys, const void *key, size_t length);

/* Adds a domain as people write it ("*.Shop.mesh." too) in the form of a snapshot key: folded,
 * without the last dot, "*.x" as ".x". Returns false, adding nothing, when it is no domain. */
bool key_set_add_domain(struct key_set *keys, const char *domain);

/* Brings the keys into order, each once. Before key_set_has and key_set_diff. */
void key_set_sort(struct key_set *keys);

bool key_set_has(const struct key_set *keys, const void *key, size_t length);

/* The bytes of one key; its length is items[index].length. */
const uint8_t *key_set_view(const struct key_set *keys, size_t index);

/* Calls `visit` for each key that is in one of the sets only; is_new tells that it is in `now`. A
 * nonzero return ends the walk and is returned. */
int key_set_diff(const struct key_set *before, const struct key_set *now,
                 int (*visit)(void *context, const void *key, size_t length, bool is_new),
                 void *context);
