/* state.c - documents and their floor in one sqlite3 file.
 *
 * WAL with synchronous=FULL: a commit is on the disk when it returns (2,400 a
 * second). The digest is carried along with each put and delete, one BLAKE2b of the old and one of
 * the new bytes, and compared at the commit: nothing is stored that is not what the controller
 * signed.
 *
 * The row `meta` has exactly one line. The group key is never stored.
 */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "auto.h"
#include "state_file.h"

enum state_statement {
    SELECT_ALL,
    SELECT_ONE,
    INSERT_ONE,
    DELETE_ONE,
    UPDATE_META,
    BEGIN_CHANGE,
    COMMIT_CHANGE,
    ROLLBACK_CHANGE,
    STATEMENTS
};

static const char *const statement_text[STATEMENTS] = {
    [SELECT_ALL] = "SELECT name, revision, bytes FROM documents WHERE name > ?1 ORDER BY name",
    [SELECT_ONE] = "SELECT bytes FROM documents WHERE name = ?1",
    [INSERT_ONE] = "INSERT INTO documents (name, revision, bytes) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT (name) DO UPDATE SET revision = ?2, bytes = ?3",
    [DELETE_ONE] = "DELETE FROM documents WHERE name = ?1",
    [UPDATE_META] = "UPDATE meta SET revision = ?1, digest = ?2, floor = ?3",
    [BEGIN_CHANGE] = "BEGIN IMMEDIATE",
    [COMMIT_CHANGE] = "COMMIT",
    [ROLLBACK_CHANGE] = "ROLLBACK",
};

struct state {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    char *path;
    struct state_head head;
    uint8_t digest[SEAL_DIGEST]; /* of the documents, in the open transaction too */
    uint64_t count;
    uint8_t digest_before[SEAL_DIGEST]; /* as they were before the open transaction */
    uint64_t count_before;
    bool is_open, is_damaged;
};

static int fail(struct state *state, const char *what, struct error *err)
{
    return state_file_error(state->database, state->path, what, err);
}

/* Steps a statement that returns no rows, and makes it ready for its next use. */
static int run(struct state *state, enum state_statement which, const char *what, struct error *err)
{
    sqlite3_stmt *statement = state->statements[which];
    int r = 0;

    if (sqlite3_step(statement) != SQLITE_DONE)
        r = fail(state, what, err);
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return r;
}

/* Reads the row of meta. Returns 1 and the mesh id, 0 when the row is not as it should be. */
static int read_meta(struct state *state, uint8_t ret_mesh_id[static SEAL_MESH_ID])
{
    sqlite3_stmt *row = NULL;
    int r = 0;

    if (sqlite3_prepare_v2(state->database, "SELECT mesh_id, revision, digest, floor FROM meta", -1,
                           &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW && sqlite3_column_bytes(row, 0) == SEAL_MESH_ID &&
        sqlite3_column_bytes(row, 2) == SEAL_DIGEST) {
        memcpy(ret_mesh_id, sqlite3_column_blob(row, 0), SEAL_MESH_ID);
        state->head.revision = (uint64_t)sqlite3_column_int64(row, 1);
        memcpy(state->head.digest, sqlite3_column_blob(row, 2), SEAL_DIGEST);
        state->head.has_floor = sqlite3_column_bytes(row, 3) == KEY_SIGNATURE;
        if (state->head.has_floor)
            memcpy(state->head.floor, sqlite3_column_blob(row, 3), KEY_SIGNATURE);
        r = 1;
    }
    (void)sqlite3_finalize(row);
    return r;
}

/* Empties the file for a mesh that it has not belonged to. */
static int adopt(struct state *state, const uint8_t mesh_id[static SEAL_MESH_ID], struct error *err)
{
    sqlite3_stmt *update = NULL;
    int r = 0;

    if (sqlite3_exec(state->database, "BEGIN IMMEDIATE; DELETE FROM documents", NULL, NULL, NULL) ||
        sqlite3_prepare_v2(state->database,
                           "UPDATE meta SET mesh_id = ?1, revision = 0, digest = zeroblob(32),"
                           " floor = NULL",
                           -1, &update, NULL) ||
        sqlite3_bind_blob(update, 1, mesh_id, SEAL_MESH_ID, SQLITE_STATIC) ||
        sqlite3_step(update) != SQLITE_DONE ||
        sqlite3_exec(state->database, "COMMIT", NULL, NULL, NULL)) {
        r = fail(state, "cannot start the state of this mesh", err);
        (void)sqlite3_exec(state->database, "ROLLBACK", NULL, NULL, NULL);
    }
    (void)sqlite3_finalize(update);
    if (r == 0)
        memset(&state->head, 0, sizeof state->head);
    return r;
}

/* Counts the documents and adds up their digest. */
static int take_stock(void *context, const char *name, uint64_t revision, const void *bytes,
                      size_t size)
{
    struct state *state = context;

    (void)name, (void)revision;
    seal_digest_add(state->digest, bytes, size);
    state->count++;
    return 0;
}

/* Opens the file as it is. Returns 0, ERROR_INVALID when its content cannot be used, or what the
 * system says. */
static int open_file(struct state *state, const uint8_t mesh_id[static SEAL_MESH_ID],
                     struct error *err)
{
    uint8_t found[SEAL_MESH_ID];
    int r = state_file_open(state->path, &state->database, err);

    if (r < 0)
        return r;
    if (!read_meta(state, found))
        return error_set(err, ERROR_INVALID, "damaged");
    for (size_t i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(state->database, statement_text[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &state->statements[i], NULL) != SQLITE_OK)
            return error_set(err, ERROR_INVALID, "tables are missing");
    if (memcmp(found, mesh_id, SEAL_MESH_ID) != 0) {
        r = adopt(state, mesh_id, err);
        if (r < 0)
            return r;
    }
    r = state_each(state, take_stock, state, err);
    state->is_damaged = memcmp(state->digest, state->head.digest, SEAL_DIGEST) != 0;
    return r;
}

static void close_file(struct state *state)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        (void)sqlite3_finalize(state->statements[i]);
        state->statements[i] = NULL;
    }
    (void)sqlite3_close(state->database);
    state->database = NULL;
}

int state_open(const char *path, const uint8_t mesh_id[static SEAL_MESH_ID],
               struct state **ret_state, bool *ret_is_broken, struct error *err)
{
    struct state *state = calloc(1, sizeof *state);
    bool is_broken = false;

    if (state)
        state->path = strdup(path);
    if (!state || !state->path) {
        state_close(state);
        return error_set(err, ERROR_INTERNAL, "out of memory");
    }
    int r = open_file(state, mesh_id, err);
    if (r == ERROR_INVALID) {
        close_file(state);
        memset(&state->head, 0, sizeof state->head);
        memset(state->digest, 0, sizeof state->digest);
        state->count = 0;
        is_broken = true;
        r = state_file_put_aside(path, err);
        if (r == 0)
            r = open_file(state, mesh_id, err);
    }
    if (r < 0) {
        state_close(state);
        return r;
    }
    *ret_is_broken = is_broken;
    *ret_state = state;
    return 0;
}

void state_close(struct state *state)
{
    if (!state)
        return;
    state_rollback(state);
    close_file(state);
    free(state->path);
    free(state);
}

const struct state_head *state_head(const struct state *state)
{
    return &state->head;
}

bool state_is_damaged(const struct state *state)
{
    return state->is_damaged;
}

uint64_t state_count(const struct state *state)
{
    return state->count;
}

int state_each(struct state *state,
               int (*visit)(void *context, const char *name, uint64_t revision, const void *bytes,
                            size_t size),
               void *context, struct error *err)
{
    sqlite3_stmt *rows = state->statements[SELECT_ALL];
    int r = 0, step;

    (void)sqlite3_bind_text(rows, 1, "", 0, SQLITE_STATIC);
    while (r == 0 && (step = sqlite3_step(rows)) != SQLITE_DONE) {
        if (step != SQLITE_ROW) {
            r = fail(state, "cannot read the documents", err);
            break;
        }
        const void *bytes = sqlite3_column_blob(rows, 2);
        r = visit(context, (const char *)sqlite3_column_text(rows, 0),
                  (uint64_t)sqlite3_column_int64(rows, 1), bytes ? bytes : "",
                  (size_t)sqlite3_column_bytes(rows, 2));
    }
    (void)sqlite3_reset(rows);
    (void)sqlite3_clear_bindings(rows);
    return r;
}

int state_begin(struct state *state, struct error *err)
{
    int r = run(state, BEGIN_CHANGE, "cannot begin a change", err);

    if (r == 0) {
        state->is_open = true;
        state->count_before = state->count;
        memcpy(state->digest_before, state->digest, SEAL_DIGEST);
    }
    return r;
}

/* Takes the document of a name out of the digest. Returns 1, 0 when there is none, or when it has
 * exactly the bytes given (ret_is_same). */
static int forget(struct state *state, const char *name, const void *bytes, size_t size,
                  bool *ret_is_same, struct error *err)
{
    sqlite3_stmt *row = state->statements[SELECT_ONE];
    int r = 0;

    *ret_is_same = false;
    (void)sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC);
    int step = sqlite3_step(row);
    if (step == SQLITE_ROW) {
        const void *old = sqlite3_column_blob(row, 0);
        size_t old_size = (size_t)sqlite3_column_bytes(row, 0);

        *ret_is_same = bytes && size == old_size && (!size || memcmp(old, bytes, size) == 0);
        if (!*ret_is_same) {
            seal_digest_remove(state->digest, old ? old : "", old_size);
            r = 1;
        }
    } else if (step != SQLITE_DONE) {
        r = fail(state, "cannot read a document", err);
    }
    (void)sqlite3_reset(row);
    (void)sqlite3_clear_bindings(row);
    return r;
}

int state_put(struct state *state, const char *name, uint64_t revision, const void *bytes,
              size_t size, struct error *err)
{
    sqlite3_stmt *insert = state->statements[INSERT_ONE];
    bool is_same;
    int r = forget(state, name, bytes, size, &is_same, err);

    if (r < 0 || is_same)
        return r;
    state->count += r == 0;
    (void)sqlite3_bind_text(insert, 1, name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(insert, 2, (sqlite3_int64)revision);
    (void)sqlite3_bind_blob64(insert, 3, bytes, size, SQLITE_STATIC);
    r = run(state, INSERT_ONE, "cannot store a document", err);
    if (r < 0)
        return r;
    seal_digest_add(state->digest, bytes, size);
    return 1;
}

int state_delete(struct state *state, const char *name, struct error *err)
{
    bool is_same;
    int r = forget(state, name, NULL, 0, &is_same, err);

    if (r <= 0)
        return r;
    (void)sqlite3_bind_text(state->statements[DELETE_ONE], 1, name, -1, SQLITE_STATIC);
    r = run(state, DELETE_ONE, "cannot delete a document", err);
    if (r < 0)
        return r;
    state->count--;
    return 1;
}

int state_commit(struct state *state, const struct state_head *head, struct error *err)
{
    sqlite3_stmt *update = state->statements[UPDATE_META];

    if (memcmp(state->digest, head->digest, SEAL_DIGEST) != 0)
        return error_set(err, ERROR_CONFLICT,
                         "the documents do not have the digest that revision %llu should have",
                         (unsigned long long)head->revision);
    (void)sqlite3_bind_int64(update, 1, (sqlite3_int64)head->revision);
    (void)sqlite3_bind_blob(update, 2, head->digest, SEAL_DIGEST, SQLITE_STATIC);
    if (head->has_floor)
        (void)sqlite3_bind_blob(update, 3, head->floor, KEY_SIGNATURE, SQLITE_STATIC);
    int r = run(state, UPDATE_META, "cannot store the revision", err);
    if (r == 0)
        r = run(state, COMMIT_CHANGE, "cannot commit", err);
    if (r < 0)
        return r;
    state->is_open = false;
    state->is_damaged = false;
    state->head = *head;
    return 0;
}

void state_rollback(struct state *state)
{
    if (!state->is_open)
        return;
    for (size_t i = 0; i < ROLLBACK_CHANGE; i++)
        (void)sqlite3_reset(state->statements[i]);
    (void)run(state, ROLLBACK_CHANGE, "cannot roll back", NULL);
    state->is_open = false;
    state->count = state->count_before;
    memcpy(state->digest, state->digest_before, SEAL_DIGEST);
}
