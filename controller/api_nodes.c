/* api_nodes.c - the API's handlers for nodes and invitations. */
#include "api_nodes.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api_join.h"
#include "auto.h"
#include "clock.h"
#include "duration.h"
#include "json.h"
#include "policy.h"
#include "suggest.h"

#define EXPIRES_DEFAULT_MS (24 * 3600 * 1000)
#define EXPIRES_MOST_MS    (30ull * 24 * 3600 * 1000)
#define LABEL_MAX          63

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_INTERNAL, "no memory for the answer");
}

/* 2026-11-23T19:00:00Z */
static void put_time(struct value *map, const char *key, int64_t at)
{
    time_t seconds = (time_t)at;
    struct tm utc;
    char text[32] = "";

    if (gmtime_r(&seconds, &utc))
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    value_put_text(map, key, text);
}

static int describe(const struct control *control, const struct nodes_node *node,
                    struct value *ret_item)
{
    bool is_current = node->revision == control->documents.revision &&
                      memcmp(node->digest, control->documents.digest, SEAL_DIGEST) == 0;

    value_put_text(ret_item, "name", node->name);
    int r = api_join_place(ret_item, node->zone, node->labels);
    put_time(ret_item, "joined_at", node->joined_at);
    value_put_boolean(ret_item, "revoked", nodes_is_revoked(node));
    value_put_boolean(ret_item, "connected", node->is_connected);
    value_put_integer(ret_item, "revision", (int64_t)node->revision);
    value_put_boolean(ret_item, "is_current", node->is_connected && is_current);
    if (node->last_seen_ms)
        value_put_integer(ret_item, "last_seen_s",
                          (int64_t)((clock_boot_ms() - node->last_seen_ms) / 1000));
    value_put_boolean(ret_item, "stale", node->is_stale);
    value_put_integer(ret_item, "unsupported", node->unsupported);
    value_put_text(ret_item, "software", node->software);
    return r;
}

int api_nodes_list(struct control *control, struct api_call *call, struct error *err)
{
    AUTO_VALUE struct value list = {.type = VALUE_LIST};
    int r = 0;

    for (size_t i = 0; i < control->nodes.count && r == 0; i++) {
        const struct nodes_node *node = control->nodes.items[i];
        struct value item = {0};

        if (node->is_replaced)
            continue; /* an old key of a machine that joined anew */
        r = describe(control, node, &item);
        if (r == 0)
            r = value_push(&list, &item);
        value_done(&item);
    }
    if (r == 0)
        r = value_put(&call->answer, "nodes", &list);
    return r < 0 ? no_memory(err) : 0;
}

int api_nodes_revoke(struct control *control, struct api_call *call, struct error *err)
{
    struct nodes_node *node = nodes_named(&control->nodes, call->name);
    int r = control_check_writable(control, err);

    if (r < 0)
        return r;
    if (!node) {
        error_set(err, ERROR_NOT_FOUND, "there is no node '%s'", call->name);
        return error_where(err, call->name), ERROR_NOT_FOUND;
    }
    if (!nodes_is_revoked(node))
        r = control_revoke(control, node, err);
    if (r == 0)
        value_put_integer(&call->answer, "epoch", (int64_t)control->sealer.epoch);
    return r;
}

/* What an invitation asks for, checked. */
struct wish {
    const char *node, *zone;
    struct buffer labels; /* JSON text */
    uint64_t expires_ms;
};

static bool is_label_text(const char *text)
{
    size_t length = strlen(text);

    if (length == 0 || length > LABEL_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    return true;
}

static int refuse(struct error *err, const char *key, const char *allowed)
{
    error_set(err, ERROR_INVALID, "must be %s", allowed);
    return error_key(err, "%s", key), ERROR_INVALID;
}

static int read_labels(const struct value *labels, struct wish *wish, struct error *err)
{
    struct value none = {.type = VALUE_MAP};

    if (labels && (labels->type != VALUE_MAP || labels->map.count > POLICY_LABELS_MAX))
        return refuse(err, "labels", "a map of at most 32 texts");
    for (size_t i = 0; labels && i < labels->map.count; i++) {
        const struct value_entry *entry = &labels->map.entries[i];
        if (!is_label_text(entry->key) || entry->value.type != VALUE_STRING ||
            !is_label_text(entry->value.string.text))
            return refuse(err, "labels", "a map of texts of 1 to 63 visible ASCII characters");
    }
    json_write(labels ? labels : &none, 0, &wish->labels);
    return buffer_is_good(&wish->labels) ? 0 : no_memory(err);
}

static int read_wish(const struct value *body, struct wish *wish, struct error *err)
{
    static const char *const known[] = {"node", "zone", "labels", "expires", NULL};
    const struct value *zone = value_get(body, "zone"), *expires = value_get(body, "expires");

    for (size_t i = 0; i < body->map.count; i++) {
        const char *key = body->map.entries[i].key, *const *word = known;
        while (*word && strcmp(*word, key) != 0)
            word++;
        if (*word)
            continue;
        const char *near = suggest_word(key, known);
        error_set(err, ERROR_INVALID, "this key is not known");
        error_key(err, "%.100s", key);
        if (near)
            error_hint(err, "did you mean '%s'?", near);
        return ERROR_INVALID;
    }
    wish->node = value_get_text(body, "node");
    if (!wish->node || !policy_is_name(wish->node))
        return refuse(err, "node", "a name of a-z, 0-9 and -, at most 63");
    if (zone && (zone->type != VALUE_STRING || !is_label_text(zone->string.text)))
        return refuse(err, "zone", "text of 1 to 63 visible ASCII characters");
    wish->zone = zone ? zone->string.text : "";
    wish->expires_ms = EXPIRES_DEFAULT_MS;
    if (expires && expires->type != VALUE_STRING)
        return refuse(err, "expires", "a duration such as 24h");
    if (expires && duration_read_within(expires->string.text, 1000, EXPIRES_MOST_MS,
                                        &wish->expires_ms, err) < 0)
        return error_key(err, "expires"), ERROR_INVALID;
    return read_labels(value_get(body, "labels"), wish, err);
}

int api_nodes_invite(struct control *control, struct api_call *call, struct error *err)
{
    struct wish wish = {0};
    struct value *answer = &call->answer;
    uint8_t hash[KEY_TOKEN_HASH];
    char secret[64], server[ENDPOINT_TEXT];

    int r = control_check_writable(control, err);
    if (r == 0)
        r = read_wish(call->body, &wish, err);
    if (r == 0) {
        int64_t now = clock_wall_s(), end = now + (int64_t)(wish.expires_ms / 1000);
        key_token_make("mdi", secret);
        key_token_hash(secret, hash);
        struct store_nodes_invitation row = {.node = wish.node,
                                             .zone = wish.zone,
                                             .labels = (const char *)wish.labels.bytes,
                                             .created_at = now,
                                             .expires_at = end};
        r = store_nodes_invite(control->store, &row, hash, err);
        if (r == 0) {
            endpoint_write("https", control->advertise, control->config->api.port, server);
            value_put_integer(answer, "meshdns_invitation", 1);
            value_put_text(answer, "server", server);
            value_put_text(answer, "pin", control->authority->tls.pin);
            api_join_keys(control, answer);
            value_put_text(answer, "node", wish.node);
            value_put_text(answer, "secret", secret);
            put_time(answer, "expires_at", end);
            log_event(control->log, LOG_LEVEL_NOTICE, "node-invited", log_text("node", wish.node),
                      log_text("by", call->address));
        }
        key_wipe(secret, sizeof(secret));
    }
    buffer_done(&wish.labels);
    return r;
}

static int list_invitation(void *context, const struct store_nodes_invitation *invitation)
{
    struct value item = {0};

    value_put_text(&item, "node", invitation->node);
    int r = api_join_place(&item, invitation->zone, invitation->labels);
    put_time(&item, "created_at", invitation->created_at);
    put_time(&item, "expires_at", invitation->expires_at);
    value_put_boolean(&item, "expired", invitation->expires_at <= clock_wall_s());
    if (r == 0)
        r = value_push(context, &item);
    value_done(&item);
    return r;
}

int api_nodes_invitations(struct control *control, struct api_call *call, struct error *err)
{
    AUTO_VALUE struct value list = {.type = VALUE_LIST};
    int r = store_nodes_invitations(control->store, list_invitation, &list, err);

    if (r == 0)
        r = value_put(&call->answer, "invitations", &list) < 0 ? no_memory(err) : 0;
    return r;
}

int api_nodes_uninvite(struct control *control, struct api_call *call, struct error *err)
{
    int r = store_nodes_uninvite(control->store, call->name, err);

    if (r == 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no invitation for '%s'", call->name);
    if (r < 0)
        return r;
    value_put_text(&call->answer, "node", call->name);
    log_event(control->log, LOG_LEVEL_NOTICE, "invitation-withdrawn", log_text("node", call->name));
    return 0;
}
