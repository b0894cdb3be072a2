/* broadcast.c - what all nodes are told. */
#include "broadcast.h"

#include <stdbool.h>
#include <string.h>

#include "delta.h"

#define PAUSE_FIRST_MS 10
#define PAUSE_MOST_MS  1000

void broadcast_changed(struct control *control, uint64_t now_ms)
{
    struct control_broadcast *broadcast = &control->broadcast;

    if (broadcast->due_ms)
        return;
    if (now_ms - broadcast->last_ms > 2 * broadcast->pause_ms)
        broadcast->pause_ms = 0; /* quiet */
    broadcast->due_ms = broadcast->last_ms + broadcast->pause_ms;
    if (broadcast->due_ms < now_ms)
        broadcast->due_ms = now_ms;
}

/* From the last published revision to the one in force. */
static void publish(struct control *control)
{
    struct documents *documents = &control->documents;
    struct error err = {0};
    struct delta delta;

    int r =
        delta_after(control->store, control->broadcast.revision, MESSAGE_DELTA_MAX, &delta, &err);
    if (r < 0) {
        log_event(control->log, LOG_LEVEL_ERROR, "store-failed",
                  log_text("reason", error_line(&err)));
        return;
    }
    if (r == 0) {
        delta.message.previous = control->broadcast.revision;
        delta.message.revision = documents->revision;
        memcpy(delta.message.digest, documents->digest, SEAL_DIGEST);
        memcpy(delta.message.floor, documents->floor, KEY_SIGNATURE);
        control_tell_all(control, &delta.message);
        delta_done(&delta);
    } else {
        control_tell_all(control, &(struct message){.kind = MESSAGE_PULL_NEEDED,
                                                    .revision = documents->revision});
    }
    control->broadcast.revision = documents->revision;
    memcpy(control->broadcast.digest, documents->digest, SEAL_DIGEST);
}

void broadcast_flush(struct control *control, uint64_t now_ms)
{
    struct control_broadcast *broadcast = &control->broadcast;

    if (!broadcast->due_ms)
        return;
    /* A pause that gathered nothing was too long: changes that come one by one go out at once. */
    bool is_burst = control->documents.revision - broadcast->revision > 1;
    publish(control);
    broadcast->due_ms = 0;
    broadcast->last_ms = now_ms;
    broadcast->pause_ms = is_burst ? broadcast->pause_ms * 2 : broadcast->pause_ms / 2;
    if (broadcast->pause_ms < PAUSE_FIRST_MS)
        broadcast->pause_ms = PAUSE_FIRST_MS;
    if (broadcast->pause_ms > PAUSE_MOST_MS)
        broadcast->pause_ms = PAUSE_MOST_MS;
}

void broadcast_heartbeat(const struct control *control, struct message *ret_message)
{
    *ret_message =
        (struct message){.kind = MESSAGE_HEARTBEAT, .revision = control->broadcast.revision};
    memcpy(ret_message->digest, control->broadcast.digest, SEAL_DIGEST);
}

uint64_t broadcast_tick(struct control *control, uint64_t now_ms)
{
    struct control_broadcast *broadcast = &control->broadcast;

    if (broadcast->due_ms && now_ms >= broadcast->due_ms)
        broadcast_flush(control, now_ms);
    if (now_ms >= broadcast->heartbeat_due_ms) {
        struct message heartbeat;

        broadcast_heartbeat(control, &heartbeat);
        control_tell_all(control, &heartbeat);
        broadcast->heartbeat_due_ms = now_ms + control->config->heartbeat_ms;
    }
    uint64_t next = broadcast->heartbeat_due_ms;
    if (broadcast->due_ms && broadcast->due_ms < next)
        next = broadcast->due_ms;
    return next - now_ms;
}
