/* catchup.c - the phases of catching up; see catchup.h. */
#include "catchup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "document.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MOST_MS  60000

static void drop_stage(struct catchup *catchup)
{
    stage_done(&catchup->stage);
    catchup->cursor[0] = '\0';
    catchup->has_first = false;
}

void catchup_done(struct catchup *catchup)
{
    drop_stage(catchup);
    catchup->phase = CATCHUP_IDLE;
}

void catchup_fetch(struct catchup *catchup, uint64_t when_ms)
{
    if (catchup->phase != CATCHUP_IDLE)
        return;
    catchup->phase = CATCHUP_FETCH;
    catchup->next_ms = when_ms;
}

void catchup_pull(struct catchup *catchup, uint64_t when_ms)
{
    if (catchup->phase == CATCHUP_PULL || catchup->phase == CATCHUP_CLOSE)
        return;
    drop_stage(catchup);
    catchup->phase = CATCHUP_PULL;
    catchup->next_ms = when_ms;
}

void catchup_rest(struct catchup *catchup)
{
    catchup_done(catchup);
    catchup->pause_ms = 0;
}

static uint64_t pause_from(struct catchup *catchup, uint64_t now_ms)
{
    uint64_t longer = catchup->pause_ms * 2;

    catchup->pause_ms = longer < PAUSE_FIRST_MS  ? PAUSE_FIRST_MS
                        : longer > PAUSE_MOST_MS ? PAUSE_MOST_MS
                                                 : longer;
    return now_ms + catchup->pause_ms;
}

/* Turns the outcome of an attempt to apply into a phase. */
static enum catchup_result settle(struct catchup *catchup, int r, uint64_t now_ms)
{
    bool was_whole = catchup->phase == CATCHUP_CLOSE || catchup->phase == CATCHUP_PULL;

    catchup_done(catchup);
    if (r == 0) {
        catchup->pause_ms = 0;
        return CATCHUP_APPLIED;
    }
    if (r == ERROR_INTERNAL)
        return CATCHUP_FATAL;
    if (r == ERROR_CONFLICT) {
        catchup_pull(catchup, was_whole ? pause_from(catchup, now_ms) : now_ms);
        return CATCHUP_DIGEST;
    }
    if (was_whole)
        catchup_pull(catchup, pause_from(catchup, now_ms));
    else
        catchup_fetch(catchup, pause_from(catchup, now_ms));
    return CATCHUP_FAILED;
}

static struct state_head head_of(const struct message *message)
{
    struct state_head head = {.revision = message->revision, .has_floor = true};

    memcpy(head.digest, message->digest, sizeof head.digest);
    memcpy(head.floor, message->floor, sizeof head.floor);
    return head;
}

/* Applies a delta to what is in force. Upserts come last: a name that is in both stays. */
static int apply(struct catchup *catchup, const struct message *message, struct error *err)
{
    size_t count = message->delete_count + message->upsert_count, at = 0;
    AUTO_FREE struct mesh_change *changes = calloc(count + 1, sizeof *changes);
    AUTO_FREE char(*names)[MESSAGE_NAME_MAX + 1] = calloc(message->upsert_count + 1, sizeof *names);
    struct state_head head = head_of(message);

    if (!changes || !names)
        return error_set(err, ERROR_AGAIN, "out of memory for a delta");
    for (size_t i = 0; i < message->delete_count; i++)
        changes[at++].name = message->deletes[i];
    for (size_t i = 0; i < message->upsert_count; i++) {
        const struct message_upsert *upsert = &message->upserts[i];

        (void)document_read(upsert->document.bytes, upsert->document.size, names[i], NULL);
        changes[at++] = (struct mesh_change){.name = names[i],
                                             .revision = upsert->revision,
                                             .bytes = upsert->document.bytes,
                                             .size = upsert->document.size};
    }
    return mesh_apply(catchup->mesh, changes, count, &head, false, err);
}

static bool is_in_force(const struct catchup *catchup, const struct message *message)
{
    const struct state_head *mine = mesh_head(catchup->mesh);

    return message->revision == mine->revision &&
           memcmp(message->digest, mine->digest, sizeof mine->digest) == 0;
}

/* The staged documents are whole: applies them with the head of the message that made them so. */
static enum catchup_result finish(struct catchup *catchup, const struct message *message,
                                  uint64_t now_ms, struct error *err)
{
    AUTO_FREE struct mesh_change *changes = NULL;
    const struct state_head *mine = mesh_head(catchup->mesh);
    struct state_head head = head_of(message);
    size_t count = 0;

    if (head.revision < mine->revision ||
        (head.revision == mine->revision && mine->has_floor && !is_in_force(catchup, message))) {
        catchup_done(catchup);
        return CATCHUP_OLD;
    }
    int r = stage_list(&catchup->stage, &changes, &count, err);
    if (r == 0)
        r = mesh_apply(catchup->mesh, changes, count, &head, true, err);
    return settle(catchup, r, now_ms);
}

enum catchup_result catchup_delta(struct catchup *catchup, const struct message *message,
                                  bool is_unicast, uint64_t now_ms, struct error *err)
{
    const struct state_head *mine = mesh_head(catchup->mesh);

    if (catchup->phase == CATCHUP_CLOSE && is_unicast &&
        message->previous <= catchup->first_revision &&
        message->revision >= catchup->first_revision) {
        int r = stage_take(&catchup->stage, message, err);

        return r < 0 ? settle(catchup, r, now_ms) : finish(catchup, message, now_ms, err);
    }
    if (is_in_force(catchup, message))
        return CATCHUP_KNOWN;
    if (message->revision <= mine->revision)
        return CATCHUP_OLD;
    if (catchup->phase == CATCHUP_PULL || catchup->phase == CATCHUP_CLOSE)
        return CATCHUP_KNOWN;
    if (message->previous > mine->revision) {
        catchup_fetch(catchup, now_ms);
        return CATCHUP_GAP;
    }
    return settle(catchup, apply(catchup, message, err), now_ms);
}

enum catchup_result catchup_chunk(struct catchup *catchup, const struct message *message,
                                  uint64_t now_ms, struct error *err)
{
    bool is_last = message->next[0] == '\0';

    if (catchup->phase != CATCHUP_PULL || (!is_last && strcmp(message->next, catchup->cursor) <= 0))
        return CATCHUP_KNOWN; /* an answer to a question that was asked twice */

    int r = stage_take(&catchup->stage, message, err);
    if (r < 0)
        return settle(catchup, r, now_ms);
    if (!catchup->has_first) {
        catchup->has_first = true;
        catchup->first_revision = message->revision;
    }
    catchup->next_ms = now_ms;
    (void)snprintf(catchup->cursor, sizeof catchup->cursor, "%s", message->next);
    if (!is_last)
        return CATCHUP_PROGRESS;
    if (message->revision == catchup->first_revision)
        return finish(catchup, message, now_ms, err);
    catchup->phase = CATCHUP_CLOSE;
    return CATCHUP_PROGRESS;
}

void catchup_pull_needed(struct catchup *catchup, const struct message *message, bool is_unicast,
                         uint64_t when_ms)
{
    if (catchup->phase == CATCHUP_CLOSE && is_unicast)
        catchup_done(catchup); /* too much has changed since the first chunk: from the start */
    if (message->revision > mesh_head(catchup->mesh)->revision)
        catchup_pull(catchup, when_ms);
}

int catchup_request(struct catchup *catchup, uint64_t now_ms, uint64_t retry_ms,
                    struct message *ret_message)
{
    if (catchup->phase == CATCHUP_IDLE || catchup->next_ms > now_ms)
        return 0;
    *ret_message = (struct message){0};
    switch (catchup->phase) {
    case CATCHUP_PULL:
        ret_message->kind = MESSAGE_PULL;
        (void)snprintf(ret_message->cursor, sizeof ret_message->cursor, "%s", catchup->cursor);
        break;
    case CATCHUP_CLOSE:
        ret_message->kind = MESSAGE_FETCH;
        ret_message->after = catchup->first_revision;
        break;
    case CATCHUP_FETCH:
    case CATCHUP_IDLE:
        ret_message->kind = MESSAGE_FETCH;
        ret_message->after = mesh_head(catchup->mesh)->revision;
        break;
    }
    catchup->next_ms = now_ms + retry_ms;
    return 1;
}
