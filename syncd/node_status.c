/* node_status.c - puts the answer to `status` together. */
#include "node_status.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "key.h"
#include "snapshot_writer.h"

static void describe_snapshot(const struct node_status_source *source, struct value *map)
{
    AUTO_VALUE struct value snapshot = {0};
    struct snapshot_writer_stats stats;

    mesh_stats(source->mesh, &stats);
    value_put_text(&snapshot, "path", source->settings->snapshot);
    value_put_integer(&snapshot, "revision", (int64_t)stats.revision);
    value_put_integer(&snapshot, "names", (int64_t)stats.names);
    value_put_integer(&snapshot, "file_size", (int64_t)stats.file_size);
    value_put_integer(&snapshot, "used_bytes", (int64_t)stats.used_bytes);
    value_put_integer(&snapshot, "grown", (int64_t)stats.grown);
    (void)value_put(map, "snapshot", &snapshot);
}

static void push_text(struct value *list, const char *text)
{
    AUTO_VALUE struct value item = {0};

    if (value_string(&item, text, strlen(text)) == 0)
        (void)value_push(list, &item);
}

#define STRANGERS_MOST 16 /* users that are warned of at once */

static int warn_of_user(void *context, const char *policy, const char *user)
{
    struct value *warnings = context;
    char text[256];

    (void)snprintf(text, sizeof text,
                   "policy '%s': user '%.100s' is not known on this machine and matches nobody",
                   policy, user);
    push_text(warnings, text);
    return warnings->list.count >= STRANGERS_MOST;
}

static void describe_troubles(const struct node_status_source *source, uint64_t now_ms,
                              struct value *map)
{
    AUTO_VALUE
    struct value unsupported = {.type = VALUE_LIST}, warnings = {.type = VALUE_LIST};
    struct error trouble = *source->trouble;
    const struct error *why = NULL;
    const char *name = NULL;
    char text[1200];

    for (size_t i = 0; i < mesh_unsupported(source->mesh, i, &name); i++)
        push_text(&unsupported, name);
    if (mesh_is_behind(source->mesh, &why)) {
        struct error copy = *why;

        (void)snprintf(text, sizeof text, "the snapshot is not up to date: %s", error_line(&copy));
        push_text(&warnings, text);
    }
    if (trouble.code != 0)
        push_text(&warnings, error_line(&trouble));
    if (access(source->settings->snapshot, F_OK) != 0)
        push_text(&warnings, "the snapshot's file was removed: programs that start now do not find "
                             "it; restart meshdns-syncd, then them");
    if (mesh_is_damaged(source->mesh))
        push_text(&warnings, "the stored state is damaged; the full state is asked for");
    if (!sync_is_fresh(source->sync, now_ms))
        push_text(&warnings, "the documents in force are not known to be the controller's");
    if (unsupported.list.count > 0)
        push_text(&warnings, "documents of a later meshdns keep their last record");
    (void)mesh_unknown_users(source->mesh, warn_of_user, &warnings);
    (void)value_put(map, "unsupported", &unsupported);
    (void)value_put(map, "warnings", &warnings);
}

void node_status_describe(const struct node_status_source *source, uint64_t now_ms,
                          struct value *map)
{
    const struct state_head *head = mesh_head(source->mesh);
    char digest[SEAL_DIGEST * 2 + 1];

    key_to_hex(head->digest, sizeof head->digest, digest);
    value_put_text(map, "node", source->membership->node);
    value_put_text(map, "mesh", source->membership->mesh);
    value_put_text(map, "mesh_id", source->membership->mesh_id_text);
    value_put_text(map, "software", "meshdns-syncd " MESHDNS_VERSION);
    value_put_integer(map, "revision", (int64_t)head->revision);
    value_put_text(map, "digest", digest);
    value_put_text(map, "controller", source->membership->endpoint_node);
    value_put_integer(map, "documents", (int64_t)mesh_count(source->mesh));
    sync_describe(source->sync, now_ms, map);
    describe_snapshot(source, map);
    describe_troubles(source, now_ms, map);
}
