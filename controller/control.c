/* control.c - all that the hub's thread works on. */
#include "control.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <zmq.h>

#include "auto.h"
#include "clock.h"

#define TELL_PERIOD_MS 10000
#define TELL_MOST      10 /* lines of one kind of refusal in that time */

const char *control_refusal_name(enum control_refusal refusal)
{
    static const char *const names[CONTROL_REFUSAL_COUNT] = {
#define X(code, name) [code] = (name),
        CONTROL_REFUSALS(X)
#undef X
    };

    return names[refusal];
}

static int load(struct control *control, struct authority *authority, struct error *err)
{
    struct store_mesh row;
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/store.db", control->config->state);
    int r = store_open(path, &control->store, err);
    if (r == 0)
        r = store_mesh_read(control->store, &row, err);
    if (r < 0)
        return r;

    authority_name(authority, row.name, row.mesh_id);
    (void)snprintf(control->advertise, sizeof(control->advertise), "%s",
                   control->config->advertise[0] ? control->config->advertise : row.advertise);
    (void)snprintf(control->read_only, sizeof(control->read_only), "%s", row.read_only);
    control->floor_revision = row.floor_revision;
    control->floor_epoch = row.floor_epoch;
    r = documents_init(&control->documents, authority, control->store, row.revision, err);
    if (r == 0)
        r = nodes_init(&control->nodes, control->store, err);
    if (r == 0)
        r = sealer_init(&control->sealer, authority, control->store, &row, err);
    key_wipe(&row, sizeof(row));
    return r;
}

int control_init(struct control *control, const struct config *config, struct authority *authority,
                 struct log *log, struct error *err)
{
    *control = (struct control){.config = config,
                                .authority = authority,
                                .log = log,
                                .cut = cut_new(),
                                .started_ms = clock_boot_ms()};
    if (!control->cut)
        return error_set(err, ERROR_INTERNAL, "no memory for connections");
    int r = load(control, authority, err);
    if (r < 0) {
        control_done(control);
        return r;
    }
    /* What nodes missed while we were away they ask for at hello; the broadcasts start from here.
     */
    control->broadcast.revision = control->documents.revision;
    memcpy(control->broadcast.digest, control->documents.digest, SEAL_DIGEST);
    return 0;
}

void control_done(struct control *control)
{
    buffer_done(&control->sealed);
    sealer_done(&control->sealer);
    nodes_done(&control->nodes);
    documents_done(&control->documents);
    store_close(control->store);
    cut_free(control->cut);
    *control = (struct control){0};
}

/* Whether this refusal may still be logged; *ret_silent is how many were not since the last line.
 */
static bool may_tell(struct control *control, enum control_refusal refusal, uint64_t *ret_silent)
{
    uint64_t now_ms = clock_boot_ms();

    if (now_ms - control->told[refusal].since_ms > TELL_PERIOD_MS) {
        control->told[refusal].since_ms = now_ms;
        control->told[refusal].lines = 0;
    }
    if (control->told[refusal].lines == TELL_MOST) {
        control->told[refusal].silent++;
        return false;
    }
    *ret_silent = control->told[refusal].silent;
    control->told[refusal].silent = 0;
    control->told[refusal].lines++;
    return true;
}

void control_refuse(struct control *control, enum control_refusal refusal, const char *who,
                    const char *why)
{
    uint64_t silent;

    /* An IPv4 peer of a socket that listens on [::]. */
    if (strncmp(who, "::ffff:", 7) == 0)
        who += 7;
    control->refused[refusal]++;
    if (!may_tell(control, refusal, &silent))
        return;
    const struct log_field fields[] = {
        log_text("kind", control_refusal_name(refusal)),
        log_text("from", who),
        log_text("reason", why),
        log_number("untold", (int64_t)silent),
    };
    log_write(control->log, LOG_LEVEL_WARNING, "refused", fields, silent > 0 ? 4 : 3);
}

void control_turn_read_only(struct control *control, const char *node, uint64_t revision,
                            bool is_same)
{
    struct error err = {0};
    uint64_t ours = control->documents.revision;
    bool is_news = control->read_only[0] == '\0' || revision > control->floor_revision;

    if (!is_news)
        return;
    if (is_same)
        (void)snprintf(control->read_only, sizeof(control->read_only),
                       "node %s proves another content of revision %" PRIu64, node, revision);
    else
        (void)snprintf(control->read_only, sizeof(control->read_only),
                       "node %s proves revision %" PRIu64 ", this store ends at %" PRIu64, node,
                       revision, ours);
    if (revision > control->floor_revision)
        control->floor_revision = revision;
    log_event(control->log, LOG_LEVEL_ERROR, "read-only", log_text("reason", control->read_only),
              log_text("hint", "the store is older than the mesh: stop the controller, run "
                               "meshdns-controller recover, start it again"));
    if (store_set_read_only(control->store, control->read_only, control->floor_revision,
                            control->floor_epoch, &err) < 0)
        log_event(control->log, LOG_LEVEL_ERROR, "store-failed",
                  log_text("reason", error_line(&err)));
}

int control_check_writable(const struct control *control, struct error *err)
{
    if (control->read_only[0] == '\0')
        return 0;
    error_set(err, ERROR_AGAIN, "changes are refused: %s", control->read_only);
    error_hint(err, "the store was restored from an older copy: stop the controller, run "
                    "meshdns-controller recover, start it again");
    return ERROR_AGAIN;
}

static bool seal(struct control *control, const struct message *message, bool is_for_all)
{
    struct error err = {0};

    if (sealer_close(&control->sealer, message, is_for_all, &control->sealed, &err) == 0)
        return true;
    log_event(control->log, LOG_LEVEL_ERROR, "message-failed",
              log_text("reason", error_line(&err)));
    return false;
}

void control_tell(struct control *control, struct nodes_node *node, const struct message *message)
{
    if (node->route_size == 0 || !seal(control, message, false))
        return;
    /* MANDATORY: EHOSTUNREACH when that connection is gone, EAGAIN when its queue is full. */
    if (zmq_send(control->router, node->route, node->route_size, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
        (void)zmq_send(control->router, control->sealed.bytes, control->sealed.size, ZMQ_DONTWAIT);
    else if (zmq_errno() == EHOSTUNREACH)
        node->is_connected = false;
}

void control_tell_all(struct control *control, const struct message *message)
{
    if (seal(control, message, true))
        (void)zmq_send(control->xpub, control->sealed.bytes, control->sealed.size, ZMQ_DONTWAIT);
}

void control_tell_epoch(struct control *control)
{
    struct message message = {.kind = MESSAGE_EPOCH, .epoch = control->sealer.epoch};

    memcpy(message.key, control->sealer.group_key, KEY_GROUP);
    for (size_t i = 0; i < control->nodes.count; i++) {
        struct nodes_node *node = control->nodes.items[i];
        if (!nodes_is_revoked(node) && node->is_connected)
            control_tell(control, node, &message);
    }
    message_done(&message);
    log_event(control->log, LOG_LEVEL_NOTICE, "new-epoch",
              log_number("epoch", (int64_t)control->sealer.epoch));
}

int control_revoke(struct control *control, struct nodes_node *node, struct error *err)
{
    struct sealer_epoch next;
    int r = store_begin(control->store, err);

    if (r == 0)
        r = store_nodes_revoke(control->store, node->public_key, err);
    if (r == 0)
        r = store_nodes_uninvite(control->store, node->name, err);
    if (r >= 0)
        r = sealer_next_epoch(&control->sealer, control->sealer.epoch + 1, &next, err);
    if (r == 0)
        r = store_commit(control->store, err);
    if (r < 0) {
        store_rollback(control->store);
        return r;
    }
    node->revoked_at = clock_wall_s();
    node->is_connected = false;
    node->route_size = 0;
    sealer_adopt(&control->sealer, &next);
    size_t cut = cut_key(control->cut, node->public_key);
    log_event(control->log, LOG_LEVEL_NOTICE, "node-revoked", log_text("node", node->name),
              log_number("connections_cut", (int64_t)cut));
    control_tell_epoch(control);
    return 0;
}
