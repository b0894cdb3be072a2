/* nodes.h - the machines of the mesh, in memory: who they are and what they last said.
 * Part of the controller; the hub's thread only. ZAP is answered from here, without the store.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "key.h"
#include "seal.h"
#include "store.h"
#include "store_nodes.h"

#define NODES_NAME  64
#define NODES_ROUTE 255 /* bytes of a ZeroMQ routing id, at most */
#define NODES_KEY   (2 * KEY_CURVE_PUBLIC + 1)

/* One key of one machine. Its key as hex is the User-Id that ZAP gives its connections. */
struct nodes_node {
    char name[NODES_NAME], zone[NODES_NAME], key_text[NODES_KEY];
    uint8_t public_key[KEY_CURVE_PUBLIC];
    char *labels;     /* JSON text */
    bool is_replaced; /* the machine of this name has joined anew, with another key */
    int64_t joined_at, revoked_at;

    /* What it said since this start; route_size 0 = no hello yet. */
    uint8_t route[NODES_ROUTE];
    size_t route_size;
    uint64_t cookie; /* of the socket that brought the hello */
    bool is_connected, is_stale, is_ahead;
    uint64_t revision, last_seen_ms;
    uint8_t digest[SEAL_DIGEST];
    uint32_t unsupported;
    char software[64];
};

struct nodes {
    struct nodes_node **items; /* in the order in which they joined */
    size_t count;
    void *by_key, *by_name; /* tsearch; by_name has the latest of each name */
};

int nodes_init(struct nodes *nodes, struct store *store, struct error *err);
void nodes_done(struct nodes *nodes);

/* Adds one, from what was stored. */
int nodes_add(struct nodes *nodes, const struct store_nodes_row *row, struct error *err);

/* By key, or NULL. */
struct nodes_node *nodes_find(const struct nodes *nodes,
                              const uint8_t public_key[static KEY_CURVE_PUBLIC]);

/* By the User-Id of a message, or NULL. */
struct nodes_node *nodes_of_user(const struct nodes *nodes, const char *user_id);

/* By name: the latest that joined, which may be revoked; or NULL. */
struct nodes_node *nodes_named(const struct nodes *nodes, const char *name);

static inline bool nodes_is_revoked(const struct nodes_node *node)
{
    return node->revoked_at != 0;
}
