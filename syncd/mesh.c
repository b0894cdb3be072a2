/* mesh.c - documents: from the wire to the disk to the policies in memory. */
#include "mesh.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "policy.h"
#include "publish.h"
#include "reason.h"

#define MANY 1000 /* changes at once, after which free memory is given back to the system */

struct mesh {
    struct state *state;
    struct publish publish;
};

/* Understands a stored document, or remembers that it does not. `freed` collects the keys of a
 * document that was not understood before. Returns 0, or ERROR_INTERNAL: out of memory. */
static int take(struct mesh *mesh, const char *name, const void *bytes, size_t size,
                struct key_set *freed, struct error *err)
{
    AUTO_VALUE struct value document = {0};
    char own_name[MESSAGE_NAME_MAX + 1];
    struct policy *policy = NULL;

    (void)document_list_delete(&mesh->publish.unsupported, name, freed);
    int r = document_read(bytes, size, own_name, &document) == 1
                ? policy_parse(&document, NULL, &policy, err)
                : ERROR_UNSUPPORTED;
    if (r == 0)
        return policy_set_put(mesh->publish.set, policy, err);
    if (r == ERROR_INTERNAL)
        return r;
    (void)policy_set_delete(mesh->publish.set, name);
    if (document_list_put(&mesh->publish.unsupported, name, &document) < 0)
        return error_set(err, ERROR_INTERNAL, "out of memory for document '%s'", name);
    return 0;
}

struct load {
    struct mesh *mesh;
    struct key_set freed;
    struct error *err;
};

static int load_one(void *context, const char *name, uint64_t revision, const void *bytes,
                    size_t size)
{
    struct load *load = context;

    (void)revision;
    return take(load->mesh, name, bytes, size, &load->freed, load->err);
}

int mesh_open(const struct mesh_options *options, struct mesh **ret_mesh, bool *ret_is_broken,
              struct error *err)
{
    const struct snapshot_writer_options room = {
        .host_key = options->host_key, .names = 1024, .free_percent = options->free_percent};
    struct mesh *mesh = calloc(1, sizeof *mesh);
    struct load load = {.mesh = mesh, .err = err};
    bool is_broken = false;

    if (mesh)
        mesh->publish.set = policy_set_new();
    if (!mesh || !mesh->publish.set) {
        mesh_close(mesh);
        return error_set(err, ERROR_INTERNAL, "out of memory");
    }
    mesh->publish.node = options->node;
    int r = snapshot_writer_open(options->snapshot_path, &room, &mesh->publish.writer, err);
    if (r == 0)
        r = state_open(options->state_path, options->mesh_id, &mesh->state, &is_broken, err);
    if (r == 0)
        r = state_each(mesh->state, load_one, &load, err);
    key_set_done(&load.freed);
    if (r == 0 && document_list_sum(&mesh->publish.unsupported) < 0)
        r = error_set(err, ERROR_INTERNAL, "out of memory");
    if (r < 0) {
        mesh_close(mesh);
        return r;
    }
    policy_set_commit(mesh->publish.set);
    mesh->publish.has_state = state_head(mesh->state)->has_floor;
    *ret_is_broken = is_broken;
    *ret_mesh = mesh;
    return 0;
}

void mesh_close(struct mesh *mesh)
{
    if (!mesh)
        return;
    state_close(mesh->state);
    snapshot_writer_close(mesh->publish.writer);
    policy_set_free(mesh->publish.set);
    publish_done(&mesh->publish);
    free(mesh);
}

static int compare_change(const void *name, const void *change)
{
    return strcmp(name, ((const struct mesh_change *)change)->name);
}

/* Documents that a full state does not hold: they go. */
struct gone {
    const struct mesh_change *changes;
    size_t count;
    struct mesh_change *names; /* bytes NULL; the names are owned */
    size_t found, room;
};

static int find_gone(void *context, const char *name, uint64_t revision, const void *bytes,
                     size_t size)
{
    struct gone *gone = context;

    (void)revision, (void)bytes, (void)size;
    if (gone->count > 0 &&
        bsearch(name, gone->changes, gone->count, sizeof *gone->changes, compare_change))
        return 0;
    if (gone->found == gone->room) {
        size_t room = gone->room ? gone->room * 2 : 64;
        struct mesh_change *larger = reallocarray(gone->names, room, sizeof *larger);

        if (!larger)
            return ERROR_INTERNAL;
        gone->names = larger;
        gone->room = room;
    }
    char *copy = strdup(name);
    if (!copy)
        return ERROR_INTERNAL;
    gone->names[gone->found++] = (struct mesh_change){.name = copy};
    return 0;
}

static void gone_done(struct gone *gone)
{
    for (size_t i = 0; i < gone->found; i++) {
        AUTO_FREE void *name = NULL;

        memcpy(&name, &gone->names[i].name, sizeof name); /* ours, whatever the const says */
    }
    free(gone->names);
}

/* Stores changes; is_new[i] tells that document i is not as it stood. */
static int store(struct mesh *mesh, const struct mesh_change *changes, size_t count, bool *is_new,
                 struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        int r = changes[i].bytes ? state_put(mesh->state, changes[i].name, changes[i].revision,
                                             changes[i].bytes, changes[i].size, err)
                                 : state_delete(mesh->state, changes[i].name, err);
        if (r < 0)
            return r;
        is_new[i] = r > 0;
    }
    return 0;
}

/* The same for what is in memory. */
static int remember(struct mesh *mesh, const struct mesh_change *changes, size_t count,
                    const bool *is_new, struct key_set *freed, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        int r = 0;

        if (!is_new[i])
            continue;
        if (changes[i].bytes) {
            r = take(mesh, changes[i].name, changes[i].bytes, changes[i].size, freed, err);
        } else {
            (void)document_list_delete(&mesh->publish.unsupported, changes[i].name, freed);
            (void)policy_set_delete(mesh->publish.set, changes[i].name);
        }
        if (r < 0)
            return ERROR_INTERNAL;
    }
    return 0;
}

static int publish_touched(void *context, const char *key, size_t length)
{
    publish_key(context, key, length);
    return 0; /* the others are published all the same */
}

/* Publishes what the open transaction of the set touched, and what is understood again. */
static void publish_change(struct mesh *mesh, struct key_set *freed)
{
    struct publish *publish = &mesh->publish;

    if (publish->is_ready)
        (void)policy_set_touched(publish->set, publish_touched, publish);
    policy_set_commit(publish->set);
    if (!publish->is_ready)
        return;
    key_set_sort(freed);
    for (size_t i = 0; i < freed->count; i++)
        publish_key(publish, (const char *)key_set_view(freed, i), freed->items[i].length);
    if (!publish->is_behind)
        snapshot_writer_commit(publish->writer, state_head(mesh->state)->revision);
}

int mesh_apply(struct mesh *mesh, const struct mesh_change *changes, size_t count,
               const struct state_head *head, bool is_whole, struct error *err)
{
    AUTO(gone_done) struct gone gone = {.changes = changes, .count = count};
    AUTO(key_set_done) struct key_set freed = {0};
    int r = 0;

    if (is_whole)
        r = state_each(mesh->state, find_gone, &gone, err);
    if (r < 0)
        return r == ERROR_INTERNAL ? error_set(err, ERROR_AGAIN, "out of memory") : r;
    AUTO_FREE bool *is_new = calloc(count + gone.found + 1, sizeof *is_new);
    if (!is_new)
        return error_set(err, ERROR_AGAIN, "out of memory");

    r = state_begin(mesh->state, err);
    if (r == 0)
        r = store(mesh, gone.names, gone.found, is_new + count, err);
    if (r == 0)
        r = store(mesh, changes, count, is_new, err);
    if (r == 0)
        r = state_commit(mesh->state, head, err);
    if (r < 0) {
        state_rollback(mesh->state);
        return r;
    }
    r = remember(mesh, gone.names, gone.found, is_new + count, &freed, err);
    if (r == 0)
        r = remember(mesh, changes, count, is_new, &freed, err);
    if (r == 0 && document_list_sum(&mesh->publish.unsupported) < 0)
        r = error_set(err, ERROR_INTERNAL, "out of memory");
    if (r < 0)
        return r;
    bool is_first = mesh->publish.is_ready && !mesh->publish.has_state;
    mesh->publish.has_state = true;
    if (is_whole)
        snapshot_writer_expect(mesh->publish.writer, policy_set_count(mesh->publish.set));
    publish_change(mesh, &freed);
    if (is_first)
        (void)mesh_publish(mesh, NULL); /* now what a former agent left may go */
    if (count + gone.found >= MANY)
        (void)malloc_trim(0); /* a mesh that shrinks would keep its largest size for ever */
    return 0;
}

int mesh_publish(struct mesh *mesh, struct error *err)
{
    const struct state_head *head = state_head(mesh->state);

    publish_all(&mesh->publish);
    if (mesh->publish.is_behind) {
        if (err)
            *err = mesh->publish.why;
        return mesh->publish.why.code;
    }
    snapshot_writer_commit(mesh->publish.writer, head->revision);
    return 0;
}

bool mesh_is_behind(const struct mesh *mesh, const struct error **ret_why)
{
    if (mesh->publish.is_behind)
        *ret_why = &mesh->publish.why;
    return mesh->publish.is_behind;
}

void mesh_protect(struct mesh *mesh, struct key_set *keys)
{
    publish_protect(&mesh->publish, keys);
}

void mesh_search(struct mesh *mesh, const struct search_list *list)
{
    publish_search(&mesh->publish, list);
}

const struct state_head *mesh_head(const struct mesh *mesh)
{
    return state_head(mesh->state);
}

bool mesh_is_damaged(const struct mesh *mesh)
{
    return state_is_damaged(mesh->state);
}

uint64_t mesh_count(const struct mesh *mesh)
{
    return state_count(mesh->state);
}

void mesh_stats(const struct mesh *mesh, struct snapshot_writer_stats *ret_stats)
{
    snapshot_writer_stats(mesh->publish.writer, ret_stats);
}

size_t mesh_unsupported(const struct mesh *mesh, size_t index, const char **ret_name)
{
    if (index < mesh->publish.unsupported.count)
        *ret_name = mesh->publish.unsupported.entries[index].name;
    return mesh->publish.unsupported.count;
}

void mesh_beat(struct mesh *mesh)
{
    snapshot_writer_beat(mesh->publish.writer);
}

struct strangers {
    const struct compile_node *node;
    int (*visit)(void *context, const char *policy, const char *user);
    void *context;
};

static int find_strangers(void *context, const struct policy *policy)
{
    const struct strangers *strangers = context;
    const struct compile_node *node = strangers->node;
    uint32_t uid;
    int r = 0;

    for (size_t i = 0; r == 0 && i < policy->when.uid_count; i++) {
        const char *user = policy->when.uids[i].name;

        if (user && node->uid_of(node->context, user, &uid) == 0)
            r = strangers->visit(strangers->context, policy->name, user);
    }
    return r;
}

int mesh_unknown_users(const struct mesh *mesh,
                       int (*visit)(void *context, const char *policy, const char *user),
                       void *context)
{
    struct strangers strangers = {&mesh->publish.node, visit, context};

    return policy_set_each(mesh->publish.set, find_strangers, &strangers);
}

int mesh_explain(const struct mesh *mesh, const char *name, struct value *ret_explanation,
                 struct error *err)
{
    return reason_explain(&mesh->publish, name, ret_explanation, err);
}
