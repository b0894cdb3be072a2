/* api_join.c - an invitation makes a key a node. */
#include "api_join.h"

#include <stdio.h>
#include <string.h>

#include "auto.h"
#include "clock.h"
#include "json.h"

#define ASK_COST_MS   100   /* ten asks a second ... */
#define ASK_CREDIT_MS 20000 /* ... after 200 at once */

/* What the store knows of the secret that was shown. */
struct invitation {
    char node[NODES_NAME], zone[NODES_NAME];
    char *labels;
    int64_t expires_at;
    bool is_used;
    uint8_t used_by[KEY_CURVE_PUBLIC];
};

static int take_invitation(void *context, const struct store_nodes_invitation *row)
{
    struct invitation *invitation = context;

    (void)snprintf(invitation->node, sizeof(invitation->node), "%s", row->node);
    (void)snprintf(invitation->zone, sizeof(invitation->zone), "%s", row->zone);
    invitation->labels = strdup(row->labels);
    invitation->expires_at = row->expires_at;
    invitation->is_used = row->used_by != NULL;
    if (row->used_by)
        memcpy(invitation->used_by, row->used_by, KEY_CURVE_PUBLIC);
    return invitation->labels ? 0 : ERROR_INTERNAL;
}

void api_join_keys(const struct control *control, struct value *map)
{
    char hex[2 * KEY_SIGN_PUBLIC + 1];

    value_put_text(map, "mesh", control->authority->mesh);
    value_put_text(map, "mesh_id", control->authority->mesh_id_text);
    key_to_hex(control->authority->sign.public_key, KEY_SIGN_PUBLIC, hex);
    value_put_text(map, "sign_key", hex);
    key_to_hex(control->authority->curve.public_key, KEY_CURVE_PUBLIC, hex);
    value_put_text(map, "controller_key", hex);
}

/* zone and labels as the API tells them: only those that are there. */
int api_join_place(struct value *map, const char *zone, const char *labels)
{
    struct value tree = {0};

    if (zone[0])
        value_put_text(map, "zone", zone);
    int r = json_read(labels, strlen(labels), &tree, NULL);
    return r < 0 ? r : value_put(map, "labels", &tree);
}

/* FNV-1a: spreads addresses over the slots; who shares one with a flood waits with it. */
static size_t slot_of(const char *address)
{
    uint32_t hash = 2166136261u;

    for (; *address; address++)
        hash = (hash ^ (uint8_t)*address) * 16777619u;
    return hash % CONTROL_JOIN_SLOTS;
}

/* A bucket an address, which fills by one millisecond a millisecond. */
static int check_rate(struct control *control, const char *address, struct error *err)
{
    size_t slot = slot_of(address);
    uint64_t now_ms = clock_boot_ms();
    uint64_t credit_ms = control->joins[slot].credit_ms + (now_ms - control->joins[slot].asked_ms);

    if (credit_ms > ASK_CREDIT_MS || control->joins[slot].asked_ms == 0)
        credit_ms = ASK_CREDIT_MS;
    control->joins[slot].asked_ms = now_ms;
    control->joins[slot].credit_ms = credit_ms;
    if (credit_ms < ASK_COST_MS) {
        error_set(err, ERROR_AGAIN, "too many want to join from %s at once", address);
        error_hint(err, "try again in a few seconds");
        return ERROR_AGAIN;
    }
    control->joins[slot].credit_ms -= ASK_COST_MS;
    return 0;
}

static int refuse(struct control *control, struct api_call *call, const char *why,
                  struct error *err)
{
    control_refuse(control, CONTROL_INVITATION, call->address, why);
    error_set(err, ERROR_UNAUTHENTICATED, "the invitation is not known, was used, or has expired");
    error_hint(err, "ask for a new one: meshctl node invite NAME");
    return ERROR_UNAUTHENTICATED;
}

/* Finds the invitation of the secret in the request. */
static int find(struct control *control, struct api_call *call, struct invitation *ret_invitation,
                struct error *err)
{
    const char *secret = value_get_text(call->body, "invitation");
    uint8_t hash[KEY_TOKEN_HASH];

    if (!secret || strlen(secret) > 128)
        return refuse(control, call, "no secret was shown", err);
    key_token_hash(secret, hash);
    int r = store_nodes_invited(control->store, hash, take_invitation, ret_invitation, err);
    return r == 0 ? refuse(control, call, "no such invitation", err) : r < 0 ? r : 0;
}

/* Writes the node; a machine of that name which is there already is replaced, its key revoked. */
static int store(struct control *control, const struct store_nodes_row *row,
                 struct nodes_node *before, struct sealer_epoch *ret_epoch, struct error *err)
{
    int r = store_begin(control->store, err);

    if (r == 0 && before)
        r = store_nodes_revoke(control->store, before->public_key, err);
    if (r == 0 && before)
        r = sealer_next_epoch(&control->sealer, control->sealer.epoch + 1, ret_epoch, err);
    if (r == 0)
        r = store_nodes_put(control->store, row, err);
    if (r == 0)
        r = store_nodes_use(control->store, row->name, row->public_key, err);
    if (r == 0)
        r = store_commit(control->store, err);
    if (r < 0)
        store_rollback(control->store);
    return r;
}

static int add(struct control *control, const struct invitation *invitation,
               const uint8_t public_key[static KEY_CURVE_PUBLIC], struct error *err)
{
    struct nodes_node *before = nodes_named(&control->nodes, invitation->node);
    struct store_nodes_row row = {.name = invitation->node,
                                  .zone = invitation->zone,
                                  .labels = invitation->labels,
                                  .joined_at = clock_wall_s()};
    struct sealer_epoch next;

    if (before && nodes_is_revoked(before))
        before = NULL;
    memcpy(row.public_key, public_key, sizeof(row.public_key));
    int r = store(control, &row, before, &next, err);
    if (r < 0)
        return r;
    /* The store has it; should memory run out now, a restart knows the node. */
    r = nodes_add(&control->nodes, &row, err);
    if (before) {
        before->revoked_at = row.joined_at;
        before->is_connected = false;
        before->route_size = 0;
        (void)cut_key(control->cut, before->public_key);
        sealer_adopt(&control->sealer, &next);
        control_tell_epoch(control);
    }
    log_event(control->log, LOG_LEVEL_NOTICE, "node-joined", log_text("node", invitation->node),
              log_text("replaces", before ? "yes" : "no"));
    return r;
}

/* Decides about the invitation and the key; 0 when the key is that node's afterwards. */
static int decide(struct control *control, struct api_call *call,
                  const struct invitation *invitation,
                  const uint8_t public_key[static KEY_CURVE_PUBLIC], struct error *err)
{
    const struct nodes_node *known = nodes_find(&control->nodes, public_key);

    if (invitation->is_used) {
        if (known && !nodes_is_revoked(known) &&
            key_is_equal(invitation->used_by, public_key, KEY_CURVE_PUBLIC))
            return 0; /* its answer was lost */
        return refuse(control, call, "the invitation was used", err);
    }
    if (invitation->expires_at <= clock_wall_s())
        return refuse(control, call, "the invitation has expired", err);
    if (known) {
        error_set(err, ERROR_CONFLICT, "this key has joined already, as node '%s'", known->name);
        error_hint(err, "make a new key: move the node's state folder away");
        return ERROR_CONFLICT;
    }
    return add(control, invitation, public_key, err);
}

static int answer(const struct control *control, const struct invitation *invitation,
                  struct value *ret_answer)
{
    struct value node = {0}, endpoints = {0};
    char text[ENDPOINT_TEXT];

    value_put_text(&node, "name", invitation->node);
    int r = api_join_place(&node, invitation->zone, invitation->labels);
    if (r == 0)
        r = value_put(ret_answer, "node", &node);
    value_done(&node);
    api_join_keys(control, ret_answer);
    endpoint_write("tcp", control->advertise, control->config->node.port, text);
    value_put_text(&endpoints, "node", text);
    endpoint_write("tcp", control->advertise, control->config->broadcast.port, text);
    value_put_text(&endpoints, "broadcast", text);
    if (r == 0)
        r = value_put(ret_answer, "endpoints", &endpoints);
    value_done(&endpoints);
    value_put_integer(ret_answer, "heartbeat_ms", (int64_t)control->config->heartbeat_ms);
    return r;
}

int api_join_node(struct control *control, struct api_call *call, struct error *err)
{
    const char *hex = value_get_text(call->body, "public_key");
    uint8_t public_key[KEY_CURVE_PUBLIC];
    struct invitation invitation = {0};

    int r = check_rate(control, call->address, err);
    if (r == 0)
        r = control_check_writable(control, err);
    if (r == 0)
        r = key_from_hex(hex ? hex : "", public_key, sizeof(public_key), err);
    if (r == ERROR_INVALID)
        error_key(err, "public_key");
    if (r == 0)
        r = find(control, call, &invitation, err);
    if (r == 0)
        r = decide(control, call, &invitation, public_key, err);
    if (r == 0 && answer(control, &invitation, &call->answer) < 0)
        r = error_set(err, ERROR_INTERNAL, "no memory for the answer");
    free(invitation.labels);
    return r;
}
