/* delta.h - documents gathered from the store for one message.
 * Part of the controller; the hub's thread only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "error.h"
#include "message.h"
#include "store.h"

struct delta {
    struct message message; /* upserts and deletes filled, their bytes in `bytes` */
    struct buffer bytes;
};

/* All that changed after a revision. Returns 0, or 1 when it does not fit into `most` bytes. */
int delta_after(struct store *store, uint64_t revision, size_t most, struct delta *ret_delta,
                struct error *err);

/* The documents that follow a name, up to `most` bytes but at least one; message.next is where to
 * go on, "" at the end. */
int delta_chunk(struct store *store, const char *cursor, size_t most, struct delta *ret_delta,
                struct error *err);

void delta_done(struct delta *delta);
