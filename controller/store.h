/* store.h - what the controller must never forget, in one sqlite3 file.
 * Part of the controller; used by one thread, the hub's (or by init and recover).
 *
 * WAL and synchronous=FULL: what store_commit has said yes to survives kill -9 and power loss. A
 * full disk fails the transaction, never half of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "error.h"
#include "key.h"
#include "seal.h"

struct store;

/* The mesh's own row. */
struct store_mesh {
    char name[64];
    uint8_t mesh_id[SEAL_MESH_ID];
    char advertise[256];
    uint64_t revision, epoch;
    uint64_t floor_revision, floor_epoch; /* the highest that a node has proved, or claimed */
    char read_only[256];                  /* why; "" = changes are taken */
    uint8_t group_key[KEY_GROUP];         /* of epoch; wipe it */
};

/* Makes the store of a new mesh: revision 0, epoch 1, a fresh group key. Its file is 0600 from the
 * first instant. token_hash is the first administrator's. */
int store_create(const char *path, const struct store_mesh *mesh,
                 const uint8_t token_hash[static KEY_TOKEN_HASH], struct error *err);

/* Opens a store that is there, and checks its integrity. */
int store_open(const char *path, struct store **ret_store, struct error *err);
void store_close(struct store *store);    /* NULL does nothing */
void store_release(struct store **store); /* the same, for AUTO */

int store_mesh_read(struct store *store, struct store_mesh *ret_mesh, struct error *err);

/* Transactions. store_rollback without an open one does nothing. */
int store_begin(struct store *store, struct error *err);
int store_commit(struct store *store, struct error *err);
void store_rollback(struct store *store);

/* Takes the next revision, inside a transaction: gapless, in commit order. */
int store_next_revision(struct store *store, uint64_t *ret_revision, struct error *err);

/* Takes the next start number, from which sequences are made. */
int store_next_start(struct store *store, uint64_t *ret_start, struct error *err);

/* A new epoch with its key, at least `least`; the old key is forgotten. */
int store_next_epoch(struct store *store, uint64_t least, const uint8_t key[static KEY_GROUP],
                     uint64_t *ret_epoch, struct error *err);

/* Keeps what nodes have proved, and why changes are refused. */
int store_set_read_only(struct store *store, const char *why, uint64_t floor_revision,
                        uint64_t floor_epoch, struct error *err);

/* Inside a transaction: moves the revision to `revision` and takes changes again. */
int store_recover(struct store *store, uint64_t revision, struct error *err);

/* The tokens' hashes, one after another. */
int store_tokens(struct store *store, struct buffer *ret_hashes, struct error *err);
