/* reason.h - why a name resolves as it does on this node.
 * Knows publish, policy.
 */
#pragma once

#include "error.h"
#include "publish.h"
#include "value.h"

/* Explains a name, or an address ("@" records).
 *
 *   name  as people type it: any case, a last dot
 *
 * ret_explanation becomes {name, matched: the domain (or address) whose record answers, or "",
 * protected: bool, kept: bool (a document about it is not understood, so the last record stays),
 * explanation: what compile_explain says of the matched domain, or null, record: what
 * compile_describe says of the record that is published, or null}. The search list is not followed.
 * Returns 0, or ERROR_INVALID when it is no name. */
int reason_explain(const struct publish *publish, const char *name, struct value *ret_explanation,
                   struct error *err);
