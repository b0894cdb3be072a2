/* sealer.h - the controller's voice: closes messages with the current epoch and a rising sequence.
 * Part of the controller; the hub's thread only.
 *
 * The high half of a sequence is the number of this start, kept in the store, so that sequences
 * rise over restarts too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "authority.h"
#include "buffer.h"
#include "error.h"
#include "message.h"
#include "store.h"

struct sealer {
    const struct authority *authority;
    struct store *store;
    uint64_t epoch, sequence;
    uint8_t group_key[KEY_GROUP];
};

/* Takes a start number from the store and the epoch from mesh. */
int sealer_init(struct sealer *sealer, const struct authority *authority, struct store *store,
                const struct store_mesh *mesh, struct error *err);
void sealer_done(struct sealer *sealer); /* wipes the group key */

/* A new epoch, at least `least`, inside the caller's transaction; sealer_adopt makes it the one
 * that is used, once that transaction is committed. */
struct sealer_epoch {
    uint64_t epoch;
    uint8_t group_key[KEY_GROUP];
};
int sealer_next_epoch(struct sealer *sealer, uint64_t least, struct sealer_epoch *ret_epoch,
                      struct error *err);
void sealer_adopt(struct sealer *sealer, struct sealer_epoch *epoch); /* wipes it */

/* Writes a message's body and closes it: for all (encrypted with the group key) or for one node
 * (plain; CURVE carries it). ret_sealed is reset first. */
int sealer_close(struct sealer *sealer, const struct message *message, bool is_for_all,
                 struct buffer *ret_sealed, struct error *err);
