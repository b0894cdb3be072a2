/* store_documents.h - the documents in the store, and the log of revisions.
 * Part of the controller; used by one thread. A deleted document stays as a row without bytes, so
 * that a node which was away learns of it by its revision alone.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "error.h"
#include "seal.h"
#include "store.h"

/* One document. bytes is borrowed and lives during the call; NULL = deleted. A nonzero result ends
 * the walk and is returned from it. */
typedef int (*store_documents_visit)(void *context, const char *name, uint64_t revision,
                                     const void *bytes, size_t size);

/* All that changed after a revision, deleted ones too, in order of revision and name. */
int store_documents_after(struct store *store, uint64_t revision, store_documents_visit visit,
                          void *context, struct error *err);

/* Those that exist, in name order, after a name ("" = from the start). */
int store_documents_from(struct store *store, const char *name, store_documents_visit visit,
                         void *context, struct error *err);

/* Fetches one: 1 after one call of visit, or 0 when there is none. */
int store_documents_get(struct store *store, const char *name, store_documents_visit visit,
                        void *context, struct error *err);

/* Inside a transaction: replaces, or with bytes NULL deletes. */
int store_documents_put(struct store *store, const char *name, uint64_t revision, const void *bytes,
                        size_t size, struct error *err);

/* The log holds each revision's digest. store_documents_digest returns 1, or 0 when it has none. */
int store_documents_log(struct store *store, uint64_t revision,
                        const uint8_t digest[static SEAL_DIGEST], struct error *err);
int store_documents_digest(struct store *store, uint64_t revision,
                           uint8_t ret_digest[static SEAL_DIGEST], struct error *err);
