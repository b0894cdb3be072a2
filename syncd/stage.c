/* stage.c - documents by name, the newer in place of the older. */
#include "stage.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "document.h"

struct staged {
    char name[MESSAGE_NAME_MAX + 1];
    uint64_t revision;
    size_t size;
    uint8_t bytes[];
};

static int compare(const void *a, const void *b)
{
    return strcmp(a, b); /* the name lies at the start */
}

void stage_done(struct stage *stage)
{
    tdestroy(stage->tree, free);
    *stage = (struct stage){0};
}

static void drop(struct stage *stage, const char *name)
{
    struct staged **slot = tfind(name, &stage->tree, compare);

    if (!slot)
        return;
    struct staged *old = *slot;
    (void)tdelete(name, &stage->tree, compare);
    stage->bytes -= old->size;
    stage->count--;
    free(old);
}

static int take(struct stage *stage, const struct message_upsert *upsert, struct error *err)
{
    size_t size = upsert->document.size;

    if (size > STAGE_MAX - stage->bytes)
        return error_set(err, ERROR_TOO_LARGE, "the full state is above %zu bytes, the most",
                         STAGE_MAX);
    struct staged *staged = malloc(sizeof *staged + size);
    if (!staged)
        return error_set(err, ERROR_AGAIN, "out of memory for the full state");
    *staged = (struct staged){.revision = upsert->revision, .size = size};
    (void)document_read(upsert->document.bytes, size, staged->name, NULL);
    memcpy(staged->bytes, upsert->document.bytes, size);
    drop(stage, staged->name);
    if (!tsearch(staged, &stage->tree, compare)) {
        free(staged);
        return error_set(err, ERROR_AGAIN, "out of memory for the full state");
    }
    stage->bytes += size;
    stage->count++;
    return 0;
}

int stage_take(struct stage *stage, const struct message *message, struct error *err)
{
    for (size_t i = 0; i < message->delete_count; i++)
        drop(stage, message->deletes[i]);
    for (size_t i = 0; i < message->upsert_count; i++) {
        int r = take(stage, &message->upserts[i], err);

        if (r < 0)
            return r;
    }
    return 0;
}

struct listing {
    struct mesh_change *changes;
    size_t count;
};

static void list_one(const void *node, VISIT visit, void *context)
{
    const struct staged *staged = *(struct staged *const *)node;
    struct listing *listing = context;

    if (visit == postorder || visit == leaf)
        listing->changes[listing->count++] = (struct mesh_change){
            .name = staged->name,
            .revision = staged->revision,
            .bytes = staged->bytes,
            .size = staged->size,
        };
}

int stage_list(const struct stage *stage, struct mesh_change **ret_changes, size_t *ret_count,
               struct error *err)
{
    struct listing listing = {.changes = calloc(stage->count + 1, sizeof *listing.changes)};

    if (!listing.changes)
        return error_set(err, ERROR_AGAIN, "out of memory for the full state");
    twalk_r(stage->tree, list_one, &listing);
    *ret_changes = listing.changes;
    *ret_count = listing.count;
    return 0;
}
