/* api_status.c - the state of the whole mesh in one object. */
#include "api_status.h"

#include <string.h>

#include "clock.h"

static bool is_current(const struct control *control, const struct nodes_node *node)
{
    return node->revision == control->documents.revision &&
           memcmp(node->digest, control->documents.digest, SEAL_DIGEST) == 0;
}

static void count_nodes(const struct control *control, struct value *ret_counts)
{
    int64_t known = 0, connected = 0, current = 0, stale = 0, revoked = 0;

    for (size_t i = 0; i < control->nodes.count; i++) {
        const struct nodes_node *node = control->nodes.items[i];
        /* An old key of a machine that joined anew is no node of its own. */
        if (node->is_replaced)
            continue;
        revoked += nodes_is_revoked(node);
        if (nodes_is_revoked(node))
            continue;
        known++;
        connected += node->is_connected;
        current += node->is_connected && is_current(control, node);
        stale += node->is_stale;
    }
    value_put_integer(ret_counts, "known", known);
    value_put_integer(ret_counts, "connected", connected);
    value_put_integer(ret_counts, "current", current);
    value_put_integer(ret_counts, "stale", stale);
    value_put_integer(ret_counts, "revoked", revoked);
}

int api_status_get(struct control *control, struct api_call *call, struct error *err)
{
    const struct unfit *known_unfit = &control->documents.unfit;
    struct value nodes = {0}, refused = {0}, unfit = {.type = VALUE_LIST}, *answer = &call->answer;
    char digest[2 * SEAL_DIGEST + 1];

    key_to_hex(control->documents.digest, SEAL_DIGEST, digest);
    count_nodes(control, &nodes);
    for (unsigned i = 0; i < CONTROL_REFUSAL_COUNT; i++)
        value_put_integer(&refused, control_refusal_name(i), (int64_t)control->refused[i]);

    value_put_text(answer, "mesh", control->authority->mesh);
    value_put_text(answer, "mesh_id", control->authority->mesh_id_text);
    value_put_text(answer, "software", "meshdns " MESHDNS_VERSION);
    value_put_integer(answer, "revision", (int64_t)control->documents.revision);
    value_put_text(answer, "digest", digest);
    value_put_integer(answer, "epoch", (int64_t)control->sealer.epoch);
    value_put_integer(answer, "policies", (int64_t)documents_count(&control->documents));
    value_put_boolean(answer, "read_only", control->read_only[0] != '\0');
    value_put_text(answer, "read_only_reason", control->read_only);
    int r = value_put(answer, "nodes", &nodes);
    if (r == 0)
        r = value_put(answer, "refused", &refused);
    if (r == 0 && unfit_count(known_unfit) > 0)
        r = value_copy(&known_unfit->list, &unfit);
    if (r == 0)
        r = value_put(answer, "unfit", &unfit);
    value_done(&refused);
    value_put_integer(answer, "uptime_s",
                      (int64_t)((clock_boot_ms() - control->started_ms) / 1000));
    return r < 0 ? error_set(err, ERROR_INTERNAL, "no memory for the answer") : 0;
}
