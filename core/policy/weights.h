/* weights.h - effective weights, each with its reason, and tables to draw by them.
 * Floor: policy (knows reader's format). Pure; safe in any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "policy.h"

/* Why a destination has its effective weight. */
enum weights_reason {
    WEIGHTS_SERVES,  /* it takes its share */
    WEIGHTS_EQUAL,   /* all weights are 0: equal shares */
    WEIGHTS_PANIC,   /* all are drained: `on_all_down: all` */
    WEIGHTS_DRAINED, /* `drain: true` */
    WEIGHTS_ZERO,    /* weight 0 beside positive ones */
    WEIGHTS_WAITS,   /* a lower priority serves */
};

struct weights_item {
    uint16_t weight; /* effective; 0 = not in the record */
    enum weights_reason reason;
};

/* Computes the effective weights of a policy with destinations.
 *
 *   ret_items  policy->destination_count entries
 *
 * The tier that serves is the lowest priority with an undrained destination of positive weight;
 * when there is none, the lowest with an undrained one, in equal shares. `ordered` has no tiers:
 * each undrained destination of positive weight counts. When all are drained, `on_all_down`
 * decides: with `all` every destination serves as if undrained, else all weights are 0.
 *
 * Returns how many have a weight. */
size_t weights_effective(const struct policy *policy, struct weights_item *ret_items);

/* Fills an alias table (snapshot_format.h, COLUMNS) so that column probabilities add up to
 * weight / sum for each destination, within 2^-32.
 *
 *   weights      count of 1..65535 each
 *   count        1..SNAPSHOT_DESTINATIONS
 *   ret_columns  count words */
void weights_table(const uint16_t *weights, size_t count, uint64_t *ret_columns);
