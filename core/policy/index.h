/* index.h - which policies speak of a domain, point to it, or claim an address.
 * Floor: policy, for policy_set*.c. Belongs to one thread.
 *
 * An entry is a key of the snapshot ("x", ".x", "@" and address bytes) with two lists. Lists keep
 * their room while a transaction is open, so that undoing a change never needs memory.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "policy.h"

struct index_list {
    const struct policy **policies;
    size_t count, room;
};

struct index_entry {
    uint8_t length;
    char *key; /* length bytes and a NUL */
    struct index_list
        covers; /* in the order they are asked: rank, then name; claims of an address */
    struct index_list aliases; /* policies whose alias is this name, by name */
};

/* Start from {0}. */
struct index {
    void *tree;
};

/* NULL when there is none. */
struct index_entry *index_find(const struct index *index, const void *key, size_t length);

/* Enters all that a policy says. On failure (ERROR_INTERNAL) nothing is entered. */
int index_add(struct index *index, const struct policy *policy);

/* Takes it out; the entries and their room stay. */
void index_remove(struct index *index, const struct policy *policy);

/* Removes the entries of a policy that have become empty. */
void index_trim(struct index *index, const struct policy *policy);

/* Calls `visit` for each key that a policy itself speaks of, addresses of `reverse` included; an
 * address may come twice. Nonzero ends the walk and is returned. */
int index_each_key(const struct policy *policy,
                   int (*visit)(void *context, const void *key, size_t length), void *context);

/* Calls `visit` for each entry that policies cover. Nonzero ends the calls and is returned. */
int index_each(const struct index *index,
               int (*visit)(void *context, const struct index_entry *entry), void *context);

void index_done(struct index *index);
