/* state.h - what this node keeps on disk: the documents, their revision, digest and floor.
 * Knows base, wire; sqlite3. A state belongs to one thread.
 *
 * One sqlite3 file. A change of documents and the floor that goes with it are one transaction, so a
 * kill at any moment leaves the old state or the new one, never half of each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "seal.h"

struct state;

/* Where a state stands. All zero: nothing has been stored yet. */
struct state_head {
    uint64_t revision;
    uint8_t digest[SEAL_DIGEST];
    bool has_floor;
    uint8_t floor[KEY_SIGNATURE]; /* the controller's word for (revision, digest) */
};

/* Opens the file at `path`, or makes it with mode 0600.
 *
 *   mesh_id    the mesh that the documents belong to; what another mesh left is thrown away
 *   ret_state  state_close
 *
 * A file that sqlite3 cannot use is put aside as PATH.broken and an empty one is made:
 * ret_is_broken says so, since the floor is lost with it. Documents whose digest is not that of the
 * head are kept, and state_is_damaged is true. Returns 0 or a negative error code. */
int state_open(const char *path, const uint8_t mesh_id[static SEAL_MESH_ID],
               struct state **ret_state, bool *ret_is_broken, struct error *err);

/* NULL does nothing. */
void state_close(struct state *state);

/* The head as it was last committed; borrowed, changes with each commit. */
const struct state_head *state_head(const struct state *state);

/* Whether the documents on disk are not those that the head names: only the full state heals it. */
bool state_is_damaged(const struct state *state);

/* How many documents there are. */
uint64_t state_count(const struct state *state);

/* Calls `visit` for each document in name order; bytes are borrowed for the call. A nonzero return
 * ends the walk and is returned. The visitor must not change the state. */
int state_each(struct state *state,
               int (*visit)(void *context, const char *name, uint64_t revision, const void *bytes,
                            size_t size),
               void *context, struct error *err);

/* A transaction: begin, then any number of put and delete, then commit or rollback. Each returns 0
 * or a negative error code (ERROR_FULL when the disk is full); after a failure only rollback may
 * follow. */
int state_begin(struct state *state, struct error *err);

/* Keeps a document under its name. Returns 1 when its bytes are new, 0 when they stood there. */
int state_put(struct state *state, const char *name, uint64_t revision, const void *bytes,
              size_t size, struct error *err);

/* Returns 1, or 0 when there was none of that name. */
int state_delete(struct state *state, const char *name, struct error *err);

/* Ends the transaction with its new head. ERROR_CONFLICT when the documents do not have the head's
 * digest; the transaction is then still open. */
int state_commit(struct state *state, const struct state_head *head, struct error *err);

/* Drops the open transaction; does nothing when there is none. */
void state_rollback(struct state *state);
