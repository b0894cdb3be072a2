/* mesh.h - the documents in force on this node, and the snapshot they are compiled into.
 * Knows reader's format, writer, policy, wire, base. A mesh belongs to one thread.
 *
 * Stores first (documents and floor in one transaction), then compiles what a change touched, then
 * publishes. A kill in between is healed at the next start, which compares everything.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile.h"
#include "error.h"
#include "key_set.h"
#include "search_list.h"
#include "snapshot_writer.h"
#include "state.h"
#include "value.h"

struct mesh;

struct mesh_options {
    const char *state_path;    /* of state.db */
    const char *snapshot_path; /* its folder exists */
    uint8_t mesh_id[SEAL_MESH_ID];
    struct compile_node node; /* what it points to outlives the mesh */
    uint64_t host_key;        /* what `sticky: {by: host}` sticks to */
    unsigned free_percent;    /* of the snapshot's file system that growth leaves free */
};

/* Becomes the snapshot's writer and loads what is stored. Publishes nothing yet.
 *
 *   ret_is_broken  the stored state could not be used and was put aside
 *
 * Returns 0; ERROR_AGAIN when another agent writes the snapshot; or another negative code. */
int mesh_open(const struct mesh_options *options, struct mesh **ret_mesh, bool *ret_is_broken,
              struct error *err);

/* NULL does nothing. The snapshot stays for its readers. */
void mesh_close(struct mesh *mesh);

/* One document that comes or goes. */
struct mesh_change {
    const char *name;
    uint64_t revision;
    const void *bytes; /* NULL: it goes */
    size_t size;
};

/* Makes a change of documents: stored, compiled, published.
 *
 *   changes   with is_whole in the order of their names (strcmp), each name once
 *   head      the revision, digest and floor they lead to
 *   is_whole  the changes are the full state: documents that are not among them go
 *
 * Returns 0 when they are in force; a failure to publish is not reported here but by
 * mesh_is_behind. ERROR_CONFLICT when the digest does not come out, and other negative codes: the
 * old state then stands, on disk and in the snapshot. ERROR_INTERNAL means that memory ran out
 * behind the commit: end the program, its next start heals. */
int mesh_apply(struct mesh *mesh, const struct mesh_change *changes, size_t count,
               const struct state_head *head, bool is_whole, struct error *err);

/* Compares every record with what it should be, and mends the difference. For the start, and to try
 * again. Returns 0, or a negative code when it could not all be published. */
int mesh_publish(struct mesh *mesh, struct error *err);

/* Whether the snapshot is not what it should be, because publishing failed; and why. */
bool mesh_is_behind(const struct mesh *mesh, const struct error **ret_why);

/* Takes the protected names over (what `keys` held is exchanged for the old set) and publishes the
 * difference. Before the first mesh_publish it only remembers them. */
void mesh_protect(struct mesh *mesh, struct key_set *keys);

/* Publishes the search list; remembers it before the first mesh_publish. */
void mesh_search(struct mesh *mesh, const struct search_list *list);

/* Tells readers that the writer lives. */
void mesh_beat(struct mesh *mesh);

const struct state_head *mesh_head(const struct mesh *mesh);
bool mesh_is_damaged(const struct mesh *mesh); /* as state_is_damaged */
uint64_t mesh_count(const struct mesh *mesh);  /* documents */
void mesh_stats(const struct mesh *mesh, struct snapshot_writer_stats *ret_stats);

/* The names of the documents that are not understood, in no order. Returns how many; *ret_name
 * points to the name at `index` when there is one. */
size_t mesh_unsupported(const struct mesh *mesh, size_t index, const char **ret_name);

/* Calls `visit` for each user that a policy names and this machine does not know: he matches
 * nobody. A nonzero return ends the walk and is returned. */
int mesh_unknown_users(const struct mesh *mesh,
                       int (*visit)(void *context, const char *policy, const char *user),
                       void *context);

/* Why a name resolves as it does here: {name, matched, protected, ...}, see reason.h. Returns 0 or
 * a negative code (ERROR_INVALID: it is no name). */
int mesh_explain(const struct mesh *mesh, const char *name, struct value *ret_explanation,
                 struct error *err);
