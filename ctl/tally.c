/* tally.c - counts how often each destination came first. */
#include "tally.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int by_destination(const void *a, const void *b)
{
    const struct resolve_destination *x = &((const struct tally *)a)->destination;
    const struct resolve_destination *y = &((const struct tally *)b)->destination;

    if (x->v4 != y->v4)
        return x->v4 < y->v4 ? -1 : 1;
    if (x->port != y->port)
        return x->port < y->port ? -1 : 1;
    if (x->has_v4 != y->has_v4 || x->has_v6 != y->has_v6)
        return x->has_v4 * 2 + x->has_v6 < y->has_v4 * 2 + y->has_v6 ? -1 : 1;
    return memcmp(x->v6, y->v6, sizeof(x->v6));
}

static int by_draws(const void *a, const void *b)
{
    const struct tally *const *x = a, *const *y = b;

    return (*x)->draws > (*y)->draws ? -1 : (*x)->draws < (*y)->draws;
}

void tally_done(struct tally_set *tallies)
{
    tdestroy(tallies->tree, free);
    free(tallies->items);
}

int tally_add(struct tally_set *tallies, const struct resolve_destination *destination,
              int64_t draws, struct error *err)
{
    /* What is not valid is not compared. */
    struct tally seen = {.destination = {.port = destination->port,
                                         .has_v4 = destination->has_v4,
                                         .has_v6 = destination->has_v6}};

    if (destination->has_v4)
        seen.destination.v4 = destination->v4;
    if (destination->has_v6)
        memcpy(seen.destination.v6, destination->v6, sizeof(seen.destination.v6));
    struct tally *const *found = tfind(&seen, &tallies->tree, by_destination);
    if (found) {
        (*found)->draws += draws;
        return 0;
    }
    struct tally *added = malloc(sizeof(*added));
    struct tally **more = reallocarray(tallies->items, tallies->count + 1, sizeof(*more));
    if (more)
        tallies->items = more;
    if (added)
        *added = (struct tally){seen.destination, draws};
    if (!added || !more || !tsearch(added, &tallies->tree, by_destination)) {
        free(added);
        return error_set(err, ERROR_INTERNAL, "no memory");
    }
    tallies->items[tallies->count++] = added;
    return 0;
}

void tally_sort(struct tally_set *tallies)
{
    if (tallies->count > 1)
        qsort(tallies->items, tallies->count, sizeof(struct tally *), by_draws);
}
