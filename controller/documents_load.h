/* documents_load.h - the documents of a store into memory, for documents.c.
 * Part of the controller; the hub's thread only.
 */
#pragma once

#include "documents.h"

/* Fills set, digest and unfit, and compares the digest with the log's. A document that today's
 * checks refuse is in the digest and in unfit, and not in the set. Returns 0, ERROR_IO for a
 * damaged store, or another negative code. The set's transaction stays open, checked. */
int documents_load(struct documents *documents, struct error *err);
