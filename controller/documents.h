/* documents.h - the policies in force: in the store, in memory, and the way from one revision to
 * the next.
 * Part of the controller; the hub's thread only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "authority.h"
#include "error.h"
#include "policy_set.h"
#include "seal.h"
#include "store.h"
#include "unfit.h"
#include "value.h"

struct documents {
    const struct authority *authority;
    struct store *store;
    struct policy_set *set;
    uint64_t revision;
    uint8_t digest[SEAL_DIGEST], floor[KEY_SIGNATURE]; /* of revision */
    struct unfit unfit;                                /* in the store and not in the set */
};

/* Loads all documents of a store, checks each, and compares the digest with the log's. What was
 * stored and is refused today is no failure: see unfit. */
int documents_init(struct documents *documents, const struct authority *authority,
                   struct store *store, uint64_t revision, struct error *err);
void documents_done(struct documents *documents);

/* How many there are, unfit ones too. */
size_t documents_count(const struct documents *documents);

/* One change, all or nothing: parsed and checked, committed to the store, then in force.
 *
 *   upserts    a list of documents, or NULL
 *   deletes    a list of names, or NULL; a name that is not there is no mistake
 *   ret_index  with an error: the upsert that caused it, SIZE_MAX when none did; err's where is
 *              then the policy's name
 *
 * A change that changes nothing keeps the revision. An unfit document that is among the upserts
 * must be fit, and is in the set from then on. Returns 0, or a negative error code and
 * everything is as before. */
struct documents_change {
    uint64_t revision;
    size_t changed, unchanged;
};
int documents_apply(struct documents *documents, const struct value *upserts,
                    const struct value *deletes, struct documents_change *ret_change,
                    size_t *ret_index, struct error *err);
