/* cmd_node.c - meshctl node invite, list, revoke. */
#include "cmd_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auto.h"
#include "buffer.h"
#include "client.h"
#include "file.h"
#include "json.h"
#include "label.h"
#include "options.h"
#include "output.h"

/* clang-format off */
static const struct command_option invite_options[] = {
    {"zone",    0,   "ZONE",        "the zone that the node is in"},
    {"label",   0,   "KEY=TEXT...", "a label of the node; policies may ask for it"},
    {"output",  'o', "FILE",        "write the invitation there (0600), not on standard output"},
    {"expires", 0,   "DURATION",    "how long it is good for, such as 30m; 24h if not given"},
    {"json",    0,   NULL,          "nothing more: an invitation is one object in any case"},
    OPTIONS_CONTEXT, OPTIONS_CONFIG, {0}};
static const struct command_option mesh_options[] = {
    OPTIONS_JSON, OPTIONS_CONTEXT, OPTIONS_CONFIG, {0}};
/* clang-format on */

const struct command_details cmd_node_invite_details = {
    .text = "Make an invitation for a node: one JSON object that lets one machine join once.\n"
            "It is a secret. Give it to `meshdns-syncd join FILE` on that machine, as a file\n"
            "or on standard input. Name, zone and labels are fixed by the invitation; a node\n"
            "cannot change its own.",
    .example = "meshctl node invite web-17 | ssh web-17 meshdns-syncd join -",
    .options = invite_options,
};

const struct command_details cmd_node_list_details = {
    .text = "List the nodes of the mesh: who is connected, at which revision each is, and\n"
            "when each was last heard of.",
    .example = "meshctl node list",
    .options = mesh_options,
};

const struct command_details cmd_node_revoke_details = {
    .text = "Take a node out of the mesh: its connections are cut, its key is refused, and\n"
            "the others get a new group key. Its snapshot stays as it is on its disk.",
    .example = "meshctl node revoke web-17",
    .options = mesh_options,
};

/* The body of POST /v1/invitations. */
static int make_request(const struct command_call *call, struct value *body, struct error *err)
{
    const char *zone = command_get(call, "zone"), *expires = command_get(call, "expires");
    struct value labels = {.type = VALUE_MAP};

    int r = label_read_value(call, &labels, err);
    if (r < 0)
        return r;
    value_put_text(body, "node", call->arguments[0]);
    if (zone)
        value_put_text(body, "zone", zone);
    if (expires)
        value_put_text(body, "expires", expires);
    if (value_put(body, "labels", &labels) < 0)
        return error_set(err, ERROR_INTERNAL, "no memory");
    return 0;
}

/* The invitation is a secret: it is wiped, and a file of it is 0600 from its first instant. */
static int put_invitation(const struct command_call *call, const struct value *invitation,
                          struct error *err)
{
    const char *path = command_get(call, "output");
    struct buffer text = {0};
    int r = 0;

    json_write(invitation, 2, &text);
    if (text.size > 0 && text.bytes[text.size - 1] != '\n')
        buffer_append(&text, "\n", 1);
    if (!buffer_is_good(&text))
        r = error_set(err, ERROR_INTERNAL, "no memory");
    else if (path)
        r = file_create_secret(path, text.bytes, text.size, err);
    else
        (void)fwrite(text.bytes, 1, text.size, stdout);
    buffer_wipe(&text);
    if (r == 0)
        output_note("on %s: meshdns-syncd join %s", call->arguments[0],
                    path ? path : "- < INVITATION");
    return r;
}

int cmd_node_invite(const struct command_call *call, struct error *err)
{
    AUTO(client_done) struct client client = {0};
    AUTO_VALUE struct value body = {.type = VALUE_MAP}, invitation = {.type = VALUE_NULL};
    const char *path = command_get(call, "output");

    int r = client_check_name("node", call->arguments[0], err);
    if (r == 0 && path && access(path, F_OK) == 0) { /* before an invitation is made in vain */
        error_set(err, ERROR_CONFLICT, "is already there and is not replaced");
        r = error_where(err, path);
    }
    if (r == 0)
        r = make_request(call, &body, err);
    if (r == 0)
        r = client_open(call, &client, err);
    if (r == 0)
        r = client_call(&client, "POST", "/v1/invitations", &body, &invitation, err);
    return r < 0 ? r : put_invitation(call, &invitation, err);
}

int cmd_node_revoke(const struct command_call *call, struct error *err)
{
    AUTO(client_done) struct client client = {0};
    AUTO_VALUE struct value answer = {.type = VALUE_NULL};
    char path[128];

    int r = client_check_name("node", call->arguments[0], err);
    if (r == 0)
        r = client_open(call, &client, err);
    if (r < 0)
        return r;
    (void)snprintf(path, sizeof(path), "/v1/nodes/%s", call->arguments[0]);
    r = client_call(&client, "DELETE", path, NULL, &answer, err);
    if (r < 0)
        return r;
    if (command_has(call, "json"))
        return output_json(&answer, err);
    (void)printf("%s is revoked; the mesh is at epoch %" PRId64 "\n", call->arguments[0],
                 value_get_integer(&answer, "epoch", 0));
    return 0;
}

/* One word for how a node is. */
static const char *state_of(const struct value *node)
{
    if (value_get_boolean(node, "revoked", false))
        return "revoked";
    if (!value_get_boolean(node, "connected", false))
        return "away";
    if (value_get_boolean(node, "stale", false))
        return "stale";
    if (value_get_integer(node, "unsupported", 0) > 0)
        return "unsupported";
    return value_get_boolean(node, "is_current", false) ? "current" : "behind";
}

/* "k=v k=v" */
static void print_labels(const struct value *labels, char *ret_text, size_t size)
{
    AUTO_BUFFER struct buffer text = {0};

    for (size_t i = 0; labels && labels->type == VALUE_MAP && i < labels->map.count; i++) {
        const struct value *label = &labels->map.entries[i].value;
        buffer_print(&text, "%s%s=%s", i ? " " : "", labels->map.entries[i].key,
                     label->type == VALUE_STRING ? label->string.text : "?");
    }
    (void)snprintf(ret_text, size, "%s", text.bytes ? (const char *)text.bytes : "");
}

static void put_node(struct output_table *table, const struct value *node)
{
    const char *name = value_get_text(node, "name"), *zone = value_get_text(node, "zone");
    int64_t seen_s = value_get_integer(node, "last_seen_s", -1);
    char labels[256];

    print_labels(value_get(node, "labels"), labels, sizeof(labels));
    output_cell(table, "%s", name ? name : "?");
    output_cell(table, "%s", zone && zone[0] ? zone : "-");
    output_cell(table, "%s", state_of(node));
    output_cell(table, "%" PRId64, value_get_integer(node, "revision", 0));
    if (seen_s < 0)
        output_cell(table, "never");
    else
        output_cell(table, "%" PRId64 " s ago", seen_s);
    output_cell(table, "%s", labels);
}

int cmd_node_list(const struct command_call *call, struct error *err)
{
    AUTO(client_done) struct client client = {0};
    AUTO_VALUE struct value answer = {.type = VALUE_NULL};
    struct output_table table = {.columns = 6};
    static const char *const heads[] = {"NODE", "ZONE", "STATE", "REVISION", "SEEN", "LABELS"};

    int r = client_open(call, &client, err);
    if (r == 0)
        r = client_call(&client, "GET", "/v1/nodes", NULL, &answer, err);
    if (r < 0)
        return r;
    if (command_has(call, "json"))
        return output_json(&answer, err);
    const struct value *nodes = value_get(&answer, "nodes");
    if (!nodes || nodes->type != VALUE_LIST || nodes->list.count == 0) {
        (void)printf("no node has joined\n");
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
        output_cell(&table, "%s", heads[i]);
    for (size_t i = 0; i < nodes->list.count; i++)
        put_node(&table, &nodes->list.items[i]);
    output_table_done(&table);
    return 0;
}
