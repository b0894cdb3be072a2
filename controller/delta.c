/* delta.c - documents gathered from the store for one message. */
#include "delta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_documents.h"

#define OVERHEAD 64 /* bytes of msgpack around a document or a name, at most */

struct gather {
    struct delta *delta;
    size_t most, size;
    bool needs_one;
    bool is_full;
};

/* Doubles at the powers of two, so that the capacity needs no field. */
static void *grow(void *items, size_t count, size_t size)
{
    return (count & (count - 1)) == 0 ? reallocarray(items, count ? count * 2 : 1, size) : items;
}

static int add_delete(struct message *message, const char *name)
{
    void *larger = grow(message->deletes, message->delete_count, sizeof(*message->deletes));

    if (!larger)
        return ERROR_INTERNAL;
    message->deletes = larger;
    (void)snprintf(message->deletes[message->delete_count++], sizeof(*message->deletes), "%s",
                   name);
    return 0;
}

static int add_upsert(struct gather *gather, uint64_t revision, const void *bytes, size_t size)
{
    struct message *message = &gather->delta->message;
    void *larger = grow(message->upserts, message->upsert_count, sizeof(*message->upserts));

    if (!larger)
        return ERROR_INTERNAL;
    message->upserts = larger;
    /* Where the bytes lie is known when the buffer has stopped moving. */
    message->upserts[message->upsert_count++] =
        (struct message_upsert){.revision = revision, .document = {NULL, size}};
    buffer_append(&gather->delta->bytes, bytes, size);
    return buffer_is_good(&gather->delta->bytes) ? 0 : ERROR_INTERNAL;
}

/* For the store's walk: nonzero ends it; 1 when this document does not fit any more. */
static int add(void *context, const char *name, uint64_t revision, const void *bytes, size_t size)
{
    struct gather *gather = context;
    struct message *message = &gather->delta->message;
    size_t total = message->upsert_count + message->delete_count;

    if (gather->size + size + OVERHEAD > gather->most && (total > 0 || !gather->needs_one)) {
        gather->is_full = true;
        return 1;
    }
    gather->size += size + OVERHEAD + (bytes ? 0 : strlen(name));
    if (gather->needs_one)
        (void)snprintf(message->next, sizeof(message->next), "%s", name);
    return bytes ? add_upsert(gather, revision, bytes, size) : add_delete(message, name);
}

/* Ends a gathering: the documents' places, or nothing but the failure. */
static int finish(int r, struct gather *gather, struct delta *ret_delta, struct error *err)
{
    struct delta *delta = gather->delta;

    if (r < 0) {
        if (r == ERROR_INTERNAL)
            error_set(err, r, "no memory for a message");
        delta_done(delta);
        return r;
    }
    size_t at = 0;
    for (size_t i = 0; i < delta->message.upsert_count; i++) {
        delta->message.upserts[i].document.bytes = delta->bytes.bytes + at;
        at += delta->message.upserts[i].document.size;
    }
    *ret_delta = *delta;
    return 0;
}

int delta_after(struct store *store, uint64_t revision, size_t most, struct delta *ret_delta,
                struct error *err)
{
    struct delta delta = {.message.kind = MESSAGE_DELTA};
    struct gather gather = {.delta = &delta, .most = most};
    int r = store_documents_after(store, revision, add, &gather, err);

    if (gather.is_full) {
        delta_done(&delta);
        return 1;
    }
    return finish(r, &gather, ret_delta, err);
}

int delta_chunk(struct store *store, const char *cursor, size_t most, struct delta *ret_delta,
                struct error *err)
{
    struct delta delta = {.message.kind = MESSAGE_CHUNK_STATE};
    struct gather gather = {.delta = &delta, .most = most, .needs_one = true};
    int r = store_documents_from(store, cursor, add, &gather, err);

    if (!gather.is_full)
        delta.message.next[0] = '\0';
    return finish(r > 0 ? 0 : r, &gather, ret_delta, err);
}

void delta_done(struct delta *delta)
{
    message_done(&delta->message);
    buffer_done(&delta->bytes);
}
