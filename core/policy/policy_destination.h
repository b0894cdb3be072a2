/* policy_destination.h - one entry of `destinations:`.
 * Floor: policy, for policy.c. Pure; safe in any thread.
 */
#pragma once

#include "error.h"
#include "policy.h"
#include "value.h"

/* Reads a destination. ret_destination starts as {0} and belongs to the caller, on failure too. */
int policy_destination_read(const struct value *value, struct policy_destination *ret_destination,
                            struct error *err);

void policy_destination_done(struct policy_destination *destination);

/* Refuses two destinations with the same addresses and port; the places are those of `list`. */
int policy_destination_check_unique(const struct policy *policy, const struct value *list,
                                    struct error *err);
