/* store_nodes.h - the machines of the mesh in the store, and the invitations that are out.
 * Part of the controller; used by one thread. Labels are JSON text, a map of texts.
 */
#pragma once

#include <stdint.h>

#include "error.h"
#include "key.h"
#include "store.h"

/* A node, its texts borrowed during a visit. A machine that joined anew has a row for each key. */
struct store_nodes_row {
    const char *name, *zone, *labels; /* zone "" = none */
    uint8_t public_key[KEY_CURVE_PUBLIC];
    int64_t joined_at, revoked_at; /* seconds since 1970; revoked_at 0 = not revoked */
};

/* All, in the order in which they joined. */
int store_nodes_each(struct store *store,
                     int (*visit)(void *context, const struct store_nodes_row *row), void *context,
                     struct error *err);
int store_nodes_put(struct store *store, const struct store_nodes_row *row, struct error *err);
int store_nodes_revoke(struct store *store, const uint8_t public_key[static KEY_CURVE_PUBLIC],
                       struct error *err);

/* An invitation: one a node name, a newer one replaces it. Of its secret only the hash is kept. */
struct store_nodes_invitation {
    const char *node, *zone, *labels;
    int64_t created_at, expires_at;
    const uint8_t *used_by; /* the public key that joined by it; NULL = nobody yet */
};

typedef int (*store_nodes_visit)(void *context, const struct store_nodes_invitation *invitation);

int store_nodes_invite(struct store *store, const struct store_nodes_invitation *invitation,
                       const uint8_t secret_hash[static KEY_TOKEN_HASH], struct error *err);
/* Those that nobody has used yet. */
int store_nodes_invitations(struct store *store, store_nodes_visit visit, void *context,
                            struct error *err);

/* Fetches the invitation of a secret: 1 after one call of visit, or 0. */
int store_nodes_invited(struct store *store, const uint8_t secret_hash[static KEY_TOKEN_HASH],
                        store_nodes_visit visit, void *context, struct error *err);

/* Marks a node's invitation as used. The row stays, so that a node whose answer was lost can ask
 * again with the same key. */
int store_nodes_use(struct store *store, const char *node,
                    const uint8_t public_key[static KEY_CURVE_PUBLIC], struct error *err);

/* Takes a node's invitation away: 1, or 0 when there was none. */
int store_nodes_uninvite(struct store *store, const char *node, struct error *err);
