/* tally.h - counts how often each destination came first.
 * Program: meshctl. No globals; one thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "resolve.h"

struct tally {
    struct resolve_destination destination; /* what is not valid is zero */
    int64_t draws;
};

/* Start from {0}. */
struct tally_set {
    void *tree;
    struct tally **items; /* in the order of their first appearance, until sorted */
    size_t count;
};
void tally_done(struct tally_set *tallies);

/* Counts a destination. Returns 0 or ERROR_INTERNAL. */
int tally_add(struct tally_set *tallies, const struct resolve_destination *destination,
              int64_t draws, struct error *err);

/* The most frequent first. */
void tally_sort(struct tally_set *tallies);
