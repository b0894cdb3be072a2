/* weights.c - effective weights, and Walker's alias tables in whole numbers.
 *
 * Table: each of n columns is worth the sum W of the weights, destination i is worth n * w_i [1].
 * While a destination worth less than a column is left, it gets a column of its own, and a richer
 * one fills the rest of it. All is exact in 64 bits; only the threshold is rounded to 2^-32.
 *
 * [1] M. D. Vose, IEEE Trans. Software Engineering 17(9), 1991.
 */
#include "weights.h"

#include <stdbool.h>

#include "snapshot_format.h"

/* The lowest priority among undrained destinations, of positive weight if is_positive. Returns
 * whether there is one. */
static bool find_tier(const struct policy *policy, bool is_positive, uint32_t *ret_priority)
{
    bool found = false;

    for (size_t i = 0; i < policy->destination_count; i++) {
        const struct policy_destination *destination = &policy->destinations[i];

        if (destination->is_drained || (is_positive && destination->weight == 0))
            continue;
        if (!found || destination->priority < *ret_priority)
            *ret_priority = destination->priority;
        found = true;
    }
    return found;
}

static bool has_positive(const struct policy *policy)
{
    for (size_t i = 0; i < policy->destination_count; i++) {
        if (policy->destinations[i].weight > 0)
            return true;
    }
    return false;
}

/* All are drained. */
static size_t weigh_panic(const struct policy *policy, struct weights_item *ret_items)
{
    bool is_equal = !has_positive(policy), is_all = policy->on_all_down == POLICY_DOWN_ALL;
    size_t count = 0;

    for (size_t i = 0; i < policy->destination_count; i++) {
        uint16_t weight = is_equal ? 1 : policy->destinations[i].weight;

        if (!is_all)
            ret_items[i] = (struct weights_item){.reason = WEIGHTS_DRAINED};
        else if (weight == 0)
            ret_items[i] = (struct weights_item){.reason = WEIGHTS_ZERO};
        else
            ret_items[i] = (struct weights_item){.weight = weight, .reason = WEIGHTS_PANIC};
        count += ret_items[i].weight > 0;
    }
    return count;
}

size_t weights_effective(const struct policy *policy, struct weights_item *ret_items)
{
    uint32_t tier = 0;
    bool is_equal = !find_tier(policy, true, &tier), has_tiers = policy->select != POLICY_ORDERED;
    size_t count = 0;

    if (is_equal && !find_tier(policy, false, &tier))
        return weigh_panic(policy, ret_items);

    for (size_t i = 0; i < policy->destination_count; i++) {
        const struct policy_destination *destination = &policy->destinations[i];
        struct weights_item *item = &ret_items[i];

        *item = (struct weights_item){.weight = is_equal ? 1 : destination->weight,
                                      .reason = is_equal ? WEIGHTS_EQUAL : WEIGHTS_SERVES};
        if (destination->is_drained)
            *item = (struct weights_item){.reason = WEIGHTS_DRAINED};
        else if (has_tiers && destination->priority != tier)
            *item = (struct weights_item){.reason = WEIGHTS_WAITS};
        else if (item->weight == 0)
            *item = (struct weights_item){.reason = WEIGHTS_ZERO};
        count += item->weight > 0;
    }
    return count;
}

/* The share of a column, rounded to 2^-32; a whole column says so by pointing to itself. */
static uint32_t threshold(uint64_t worth, uint64_t column)
{
    uint64_t keep = ((worth << 32) + column / 2) / column;

    return keep > UINT32_MAX ? UINT32_MAX : (uint32_t)keep;
}

void weights_table(const uint16_t *weights, size_t count, uint64_t *ret_columns)
{
    uint64_t sum = 0, worth[SNAPSHOT_DESTINATIONS];
    uint16_t poor[SNAPSHOT_DESTINATIONS], rich[SNAPSHOT_DESTINATIONS];
    size_t poor_count = 0, rich_count = 0;

    for (size_t i = 0; i < count; i++)
        sum += weights[i];
    for (size_t i = 0; i < count; i++) {
        worth[i] = (uint64_t)weights[i] * count; /* < 2^28, so worth << 32 fits */
        if (worth[i] < sum)
            poor[poor_count++] = (uint16_t)i;
        else
            rich[rich_count++] = (uint16_t)i;
    }
    while (poor_count > 0) { /* then a rich one is left: the worths add up to whole columns */
        /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): rich is not empty, see above */
        uint16_t from = poor[--poor_count], giver = rich[rich_count - 1];

        ret_columns[from] = SNAPSHOT_COLUMN(threshold(worth[from], sum), giver, weights[from]);
        worth[giver] -= sum - worth[from];
        if (worth[giver] < sum) {
            rich_count--;
            poor[poor_count++] = giver;
        }
    }
    while (rich_count > 0) {
        uint16_t whole = rich[--rich_count];
        ret_columns[whole] = SNAPSHOT_COLUMN(UINT32_MAX, whole, weights[whole]);
    }
}
