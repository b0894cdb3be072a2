/* made_store.h - a mesh's store and its documents in a temporary folder, for tests. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "authority.h"
#include "documents.h"
#include "json.h"
#include "store.h"

struct made_store {
    char folder[64], path[96];
    struct authority authority;
    struct store *store;
    struct documents documents;
};

static inline void made_store_load(struct made_store *made)
{
    struct store_mesh mesh;
    struct error err = {0};

    cr_assert_eq(store_open(made->path, &made->store, &err), 0, "%s", error_line(&err));
    cr_assert_eq(store_mesh_read(made->store, &mesh, &err), 0);
    authority_name(&made->authority, mesh.name, mesh.mesh_id);
    cr_assert_eq(
        documents_init(&made->documents, &made->authority, made->store, mesh.revision, &err), 0,
        "%s", error_line(&err));
}

static inline void made_store_unload(struct made_store *made)
{
    documents_done(&made->documents);
    store_close(made->store);
}

/* In place: the documents point at the authority. */
static inline void made_store_init(struct made_store *made)
{
    struct store_mesh mesh = {.name = "test", .mesh_id = {7}, .advertise = "localhost"};
    uint8_t token_hash[KEY_TOKEN_HASH] = {1};
    struct error err = {0};

    *made = (struct made_store){.folder = "/tmp/test_store.XXXXXX"};
    cr_assert_eq(key_init(NULL), 0);
    cr_assert_not_null(mkdtemp(made->folder));
    (void)snprintf(made->path, sizeof(made->path), "%s/store.db", made->folder);
    cr_assert_eq(store_create(made->path, &mesh, token_hash, &err), 0, "%s", error_line(&err));
    key_sign_make(&made->authority.sign);
    made_store_load(made);
}

static inline void made_store_done(struct made_store *made)
{
    static const char *const left[] = {"", "-wal", "-shm"};

    made_store_unload(made);
    for (size_t i = 0; i < 3; i++) {
        char path[128];

        (void)snprintf(path, sizeof(path), "%s%s", made->path, left[i]);
        (void)unlink(path);
    }
    (void)rmdir(made->folder);
}

/* Applies a change in JSON, such as {"upserts": [...], "deletes": [...]}. */
static inline int made_store_apply(struct made_store *made, const char *text,
                                   struct documents_change *ret_change, size_t *ret_index,
                                   struct error *err)
{
    struct value body = {0};

    cr_assert_eq(json_read(text, strlen(text), &body, err), 0, "%s", error_line(err));
    int r = documents_apply(&made->documents, value_get(&body, "upserts"),
                            value_get(&body, "deletes"), ret_change, ret_index, err);
    value_done(&body);
    return r;
}

/* Puts or replaces the policy NAME with a weight. */
static inline void made_store_put(struct made_store *made, const char *name, unsigned weight)
{
    struct documents_change change;
    struct error err = {0};
    char text[512];
    size_t index;

    (void)snprintf(text, sizeof(text),
                   "{\"upserts\": [{\"policy\": \"%s\", \"domains\": [\"%s.mesh\"],"
                   " \"destinations\": [{\"address\": \"10.0.0.1\", \"weight\": %u}]}]}",
                   name, name, weight);
    cr_assert_eq(made_store_apply(made, text, &change, &index, &err), 0, "%s", error_line(&err));
}
