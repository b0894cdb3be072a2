/* nodes.c - the machines of the mesh, in memory. Found by key in libc's tree, by name in the list.
 */
#include "nodes.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_keys(const void *a, const void *b)
{
    const struct nodes_node *one = a, *other = b;

    return memcmp(one->public_key, other->public_key, KEY_CURVE_PUBLIC);
}

static int compare_names(const void *a, const void *b)
{
    const struct nodes_node *one = a, *other = b;

    return strcmp(one->name, other->name);
}

/* Makes a node the latest of its name. */
static bool name_latest(struct nodes *nodes, struct nodes_node *node)
{
    struct nodes_node **found = tsearch(node, &nodes->by_name, compare_names);

    if (!found)
        return false;
    if (*found != node) {
        (*found)->is_replaced = true;
        *found = node; /* of the same name, so the tree stays in order */
    }
    return true;
}

int nodes_add(struct nodes *nodes, const struct store_nodes_row *row, struct error *err)
{
    struct nodes_node *node = calloc(1, sizeof(*node));
    struct nodes_node **items = reallocarray(nodes->items, nodes->count + 1, sizeof(*items));

    if (items)
        nodes->items = items;
    if (node)
        node->labels = strdup(row->labels);
    if (!node || !items || !node->labels)
        goto no_memory;

    (void)snprintf(node->name, sizeof(node->name), "%s", row->name);
    (void)snprintf(node->zone, sizeof(node->zone), "%s", row->zone);
    memcpy(node->public_key, row->public_key, sizeof(node->public_key));
    key_to_hex(node->public_key, sizeof(node->public_key), node->key_text);
    node->joined_at = row->joined_at;
    node->revoked_at = row->revoked_at;
    if (!tsearch(node, &nodes->by_key, compare_keys))
        goto no_memory;
    if (!name_latest(nodes, node)) {
        (void)tdelete(node, &nodes->by_key, compare_keys);
        goto no_memory;
    }
    items[nodes->count++] = node;
    return 0;

no_memory:
    if (node)
        free(node->labels);
    free(node);
    return error_set(err, ERROR_INTERNAL, "no memory for a node");
}

static int load(void *context, const struct store_nodes_row *row)
{
    return nodes_add(context, row, NULL);
}

int nodes_init(struct nodes *nodes, struct store *store, struct error *err)
{
    *nodes = (struct nodes){0};
    int r = store_nodes_each(store, load, nodes, err);
    if (r < 0)
        nodes_done(nodes);
    return r;
}

void nodes_done(struct nodes *nodes)
{
    for (size_t i = 0; i < nodes->count; i++) {
        (void)tdelete(nodes->items[i], &nodes->by_key, compare_keys);
        if (!nodes->items[i]->is_replaced)
            (void)tdelete(nodes->items[i], &nodes->by_name, compare_names);
    }
    for (size_t i = 0; i < nodes->count; i++) {
        free(nodes->items[i]->labels);
        free(nodes->items[i]);
    }
    free(nodes->items);
    *nodes = (struct nodes){0};
}

struct nodes_node *nodes_find(const struct nodes *nodes,
                              const uint8_t public_key[static KEY_CURVE_PUBLIC])
{
    struct nodes_node wanted;

    memcpy(wanted.public_key, public_key, KEY_CURVE_PUBLIC);
    void *found = tfind(&wanted, &nodes->by_key, compare_keys);
    return found ? *(struct nodes_node **)found : NULL;
}

struct nodes_node *nodes_of_user(const struct nodes *nodes, const char *user_id)
{
    uint8_t key[KEY_CURVE_PUBLIC];

    if (!user_id || key_from_hex(user_id, key, sizeof(key), NULL) < 0)
        return NULL;
    return nodes_find(nodes, key);
}

struct nodes_node *nodes_named(const struct nodes *nodes, const char *name)
{
    struct nodes_node wanted;

    (void)snprintf(wanted.name, sizeof(wanted.name), "%s", name);
    void *found = tfind(&wanted, &nodes->by_name, compare_names);
    return found ? *(struct nodes_node **)found : NULL;
}
