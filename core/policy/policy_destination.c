/* policy_destination.c - one entry of `destinations:`. */
#include "policy_destination.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "policy_address.h"
#include "policy_label.h"
#include "policy_read.h"

#define PRIORITY_MAX 65535

static int read_address(const struct value *value, void *target, struct error *err)
{
    return policy_read_each(value, 2, "addresses of one host", policy_address_read, target, err);
}

static int read_port(const struct value *value, void *target, struct error *err)
{
    int64_t port = 0;
    int r = policy_read_integer(value, 1, 65535, "port", &port, err);

    return r < 0 ? r : policy_address_set_port(value, target, (uint16_t)port, err);
}

static int read_weight(const struct value *value, void *target, struct error *err)
{
    struct policy_destination *destination = target;
    int64_t weight = 0;
    int r = policy_read_integer(value, 0, UINT16_MAX, "weight", &weight, err);

    destination->weight = (uint16_t)weight;
    if (r < 0 && value->type == VALUE_INTEGER && value->integer > 0)
        error_hint(err, "weights are shares, not percent or requests: 90 and 10 will do");
    if (r < 0 && value->type == VALUE_STRING && strpbrk(value->string.text, "%."))
        error_hint(err, "weights are shares of their sum, in whole numbers: 90 and 10");
    return r;
}

static int read_priority(const struct value *value, void *target, struct error *err)
{
    struct policy_destination *destination = target;
    int64_t priority = 0;
    int r = policy_read_integer(value, 0, PRIORITY_MAX, "priority", &priority, err);

    destination->priority = (uint32_t)priority;
    return r;
}

static int read_zone(const struct value *value, void *target, struct error *err)
{
    struct policy_destination *destination = target;

    return policy_label_word(value, "zone", &destination->zone, err);
}

static int read_labels(const struct value *value, void *target, struct error *err)
{
    struct policy_destination *destination = target;

    return policy_label_read(value, &destination->labels, &destination->label_count, err);
}

static int read_drain(const struct value *value, void *target, struct error *err)
{
    struct policy_destination *destination = target;

    return policy_read_boolean(value, &destination->is_drained, err);
}

static const struct policy_read_key keys[] = {
    {"address", read_address, NULL},
    {"port", read_port, NULL},
    {"weight", read_weight, NULL},
    {"priority", read_priority, NULL},
    {"zone", read_zone, NULL},
    {"labels", read_labels, NULL},
    {"drain", read_drain, NULL},
    {"hostname", NULL, NULL},
    {"pool", NULL, NULL},
    {"probe", NULL, NULL},
    {"ramp", NULL, NULL},
    {"capacity", NULL, NULL},
    {NULL, NULL, NULL},
};

int policy_destination_read(const struct value *value, struct policy_destination *ret_destination,
                            struct error *err)
{
    ret_destination->weight = 1;
    if (value->type == VALUE_STRING || value->type == VALUE_INTEGER) {
        (void)policy_read_refuse(err, ERROR_INVALID, value, "%s where a map is needed",
                                 value_type_name(value->type));
        error_hint(err, "write {address: 10.0.1.10, weight: 90}");
        return ERROR_INVALID;
    }
    int r = policy_read_map(value, keys, ret_destination, err);
    if (r < 0)
        return r;
    if (!ret_destination->has_v4 && !ret_destination->has_v6)
        return policy_read_refuse(err, ERROR_INVALID, value, "a destination without address");
    return 0;
}

void policy_destination_done(struct policy_destination *destination)
{
    free(destination->zone);
    policy_label_done(destination->labels, destination->label_count);
}

static int compare(const void *a, const void *b)
{
    const struct policy_destination *x = a, *y = b;

    if (x->has_v4 != y->has_v4 || x->has_v6 != y->has_v6)
        return x->has_v4 * 2 + x->has_v6 < y->has_v4 * 2 + y->has_v6 ? -1 : 1;
    if (x->v4 != y->v4)
        return x->v4 < y->v4 ? -1 : 1;
    if (x->port != y->port)
        return x->port < y->port ? -1 : 1;
    return memcmp(x->v6, y->v6, sizeof(x->v6));
}

static void keep(void *node)
{
    (void)node; /* the destinations belong to the policy */
}

int policy_destination_check_unique(const struct policy *policy, const struct value *list,
                                    struct error *err)
{
    void *tree = NULL;
    int r = 0;

    for (size_t i = 0; i < policy->destination_count && r == 0; i++) {
        const struct policy_destination *destination = &policy->destinations[i], **found;

        found = tsearch(destination, &tree, compare);
        if (!found) {
            r = policy_read_memory(err);
        } else if (*found != destination) {
            r = policy_read_refuse(err, ERROR_INVALID, &list->list.items[i],
                                   "the same address and port as destinations[%zu]",
                                   (size_t)(*found - policy->destinations));
            error_key(err, "destinations[%zu]", i);
            error_hint(err, "give one of them the weight of both");
        }
    }
    tdestroy(tree, keep);
    return r;
}
