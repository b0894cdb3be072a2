/* unfit.h - documents that were accepted once and that today's checks refuse.
 * Part of the controller; the hub's thread only. Knows base.
 *
 * A later meshdns may be stricter than the one that stored a document. Such a document stays in the
 * store and goes to the nodes as it is, but it is not among the policies that changes are checked
 * against, until it is changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "value.h"

/* Start from {0}. */
struct unfit {
    struct value list; /* of {policy, reason} */
};

void unfit_done(struct unfit *unfit);

/* Notes a document and why it is refused. Returns 0, or ERROR_INTERNAL without memory. */
int unfit_note(struct unfit *unfit, const char *name, const struct error *why, struct error *err);

size_t unfit_count(const struct unfit *unfit);

bool unfit_has(const struct unfit *unfit, const char *name);

/* It was changed or deleted. Does nothing when it is not among them. */
void unfit_forget(struct unfit *unfit, const char *name);
