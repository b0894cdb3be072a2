/* policy_address.h - the address of a destination, perhaps with its port.
 * Floor: policy, for policy_destination.c. Pure; safe in any thread.
 */
#pragma once

#include <stdint.h>

#include "error.h"
#include "policy.h"
#include "value.h"

/* Adds one address to `target`, a struct policy_destination: at most one of each family, one port.
 */
int policy_address_read(const struct value *value, void *target, struct error *err);

/* Sets the port that both families share; `value` is where it stands. */
int policy_address_set_port(const struct value *value, struct policy_destination *destination,
                            uint16_t port, struct error *err);
