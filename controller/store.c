/* store.c - the sqlite3 file: its schema, its transactions, the mesh's own row.
 *
 * Documents, nodes and invitations are in the files of those names. A deleted document stays as a
 * row without bytes, so that a node which was away learns of it by its revision alone.
 */
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "clock.h"
#include "file.h"
#include "statement.h"
#include "store_db.h"
#include "store_documents.h"

#define SCHEMA_VERSION 1

static const char schema[] =
    "PRAGMA journal_mode = WAL;"
    "BEGIN;"
    "CREATE TABLE mesh (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL,"
    " mesh_id BLOB NOT NULL, advertise TEXT NOT NULL, revision INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, starts INTEGER NOT NULL, floor_revision INTEGER NOT NULL,"
    " floor_epoch INTEGER NOT NULL, read_only TEXT NOT NULL) STRICT;"
    "CREATE TABLE documents (name TEXT PRIMARY KEY, revision INTEGER NOT NULL, bytes BLOB) STRICT;"
    "CREATE INDEX documents_by_revision ON documents (revision, name);"
    "CREATE TABLE log (revision INTEGER PRIMARY KEY, digest BLOB NOT NULL, at INTEGER NOT NULL)"
    " STRICT;"
    "CREATE TABLE nodes (public_key BLOB PRIMARY KEY, name TEXT NOT NULL, zone TEXT NOT NULL,"
    " labels TEXT NOT NULL, joined_at INTEGER NOT NULL, revoked_at INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX nodes_by_name ON nodes (name) WHERE revoked_at = 0;"
    "CREATE TABLE invitations (node TEXT PRIMARY KEY, secret_hash BLOB NOT NULL UNIQUE,"
    " zone TEXT NOT NULL, labels TEXT NOT NULL, created_at INTEGER NOT NULL,"
    " expires_at INTEGER NOT NULL, used_by BLOB) STRICT;"
    "CREATE TABLE tokens (hash BLOB PRIMARY KEY, name TEXT NOT NULL, created_at INTEGER NOT NULL)"
    " STRICT;"
    "CREATE TABLE epochs (epoch INTEGER PRIMARY KEY, group_key BLOB, at INTEGER NOT NULL) STRICT;"
    "PRAGMA user_version = 1;"
    "COMMIT;";

static int open_db(const char *path, struct store **ret_store, struct error *err)
{
    struct store *store = calloc(1, sizeof(*store));

    if (!store) {
        error_set(err, ERROR_INTERNAL, "no memory for the store");
        return ERROR_INTERNAL;
    }
    int r = 0;
    if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
            SQLITE_OK ||
        sqlite3_exec(store->db, "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF", NULL,
                     NULL, NULL) != SQLITE_OK)
        r = statement_error(store->db, err);
    if (r < 0)
        store_close(store);
    else
        *ret_store = store;
    return r;
}

static int insert_mesh(sqlite3 *db, const struct store_mesh *mesh, struct error *err)
{
    return statement_run(db, err, "INSERT INTO mesh VALUES (1, ?, ?, ?, 0, 0, 0, 0, 0, '')", "tbt",
                         mesh->name, mesh->mesh_id, (size_t)SEAL_MESH_ID, mesh->advertise);
}

int store_create(const char *path, const struct store_mesh *mesh,
                 const uint8_t token_hash[static KEY_TOKEN_HASH], struct error *err)
{
    static const uint8_t empty[SEAL_DIGEST];
    AUTO(store_release) struct store *store = NULL;
    uint64_t epoch;

    /* sqlite3 would make it 0644; its -wal and -shm take the mode of the file that is there. */
    int r = file_create_secret(path, "", 0, err);
    if (r == 0)
        r = open_db(path, &store, err);
    if (!store)
        return r;
    if (sqlite3_exec(store->db, schema, NULL, NULL, NULL) != SQLITE_OK)
        return statement_error(store->db, err);

    r = store_begin(store, err);
    if (r == 0)
        r = insert_mesh(store->db, mesh, err);
    if (r == 0)
        r = statement_run(store->db, err, "INSERT INTO tokens VALUES (?, 'admin', ?)", "bi",
                          token_hash, (size_t)KEY_TOKEN_HASH, clock_wall_s());
    if (r == 0)
        r = store_documents_log(store, 0, empty, err);
    if (r == 0)
        r = store_next_epoch(store, 1, mesh->group_key, &epoch, err);
    if (r == 0)
        r = store_commit(store, err);
    return r;
}

static int read_number(sqlite3 *db, const char *sql, int64_t *ret_number, struct error *err)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    int r = statement_make(db, &statement, err, sql, "");

    if (r == 0)
        r = statement_step(statement, err);
    if (r == 1)
        *ret_number = sqlite3_column_int64(statement, 0);
    return r < 0 ? r : 0;
}

static int check(struct store *store, const char *path, struct error *err)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    int64_t version = 0;
    int r = read_number(store->db, "PRAGMA user_version", &version, err);

    if (r < 0)
        return r;
    if (version != SCHEMA_VERSION) {
        error_set(err, ERROR_INVALID, "the store is of version %lld; this program knows %d",
                  (long long)version, SCHEMA_VERSION);
        return error_where(err, path), ERROR_INVALID;
    }
    r = statement_make(store->db, &statement, err, "PRAGMA quick_check(1)", "");
    if (r == 0)
        r = statement_step(statement, err);
    if (r < 0)
        return r;
    const char *says = (const char *)sqlite3_column_text(statement, 0);
    if (says && strcmp(says, "ok") == 0)
        return 0;
    error_set(err, ERROR_IO, "the store is damaged: %.300s", says ? says : "no answer");
    error_hint(err, "restore it from a backup; the nodes go on serving what they have");
    return error_where(err, path), ERROR_IO;
}

int store_open(const char *path, struct store **ret_store, struct error *err)
{
    AUTO(store_release) struct store *store = NULL;

    if (access(path, F_OK) < 0) {
        (void)error_errno(err, path, "cannot open the store");
        error_hint(err, "restore it from a backup; the nodes go on serving what they have");
        return err->code = ERROR_IO; /* the keys are there, so a mesh was made */
    }
    int r = open_db(path, &store, err);
    if (r == 0)
        r = check(store, path, err);
    if (r == 0)
        *ret_store = auto_take(store);
    return r;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    (void)sqlite3_close(store->db);
    free(store);
}

void store_release(struct store **store)
{
    store_close(*store);
}

static void copy_text(sqlite3_stmt *statement, int column, char *ret_text, size_t room)
{
    (void)snprintf(ret_text, room, "%s", store_db_text(statement, column));
}

int store_mesh_read(struct store *store, struct store_mesh *ret_mesh, struct error *err)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    struct store_mesh mesh = {0};
    int r = statement_make(store->db, &statement, err,
                           "SELECT name, mesh_id, advertise, revision, mesh.epoch, floor_revision,"
                           " floor_epoch, read_only, group_key FROM mesh JOIN epochs USING (epoch)",
                           "");

    if (r == 0)
        r = statement_step(statement, err);
    if (r < 0)
        return r;
    if (r == 0 || !store_db_bytes(statement, 1, mesh.mesh_id, SEAL_MESH_ID) ||
        !store_db_bytes(statement, 8, mesh.group_key, KEY_GROUP))
        return error_set(err, ERROR_IO, "the store does not know its mesh");
    copy_text(statement, 0, mesh.name, sizeof(mesh.name));
    copy_text(statement, 2, mesh.advertise, sizeof(mesh.advertise));
    mesh.revision = (uint64_t)sqlite3_column_int64(statement, 3);
    mesh.epoch = (uint64_t)sqlite3_column_int64(statement, 4);
    mesh.floor_revision = (uint64_t)sqlite3_column_int64(statement, 5);
    mesh.floor_epoch = (uint64_t)sqlite3_column_int64(statement, 6);
    copy_text(statement, 7, mesh.read_only, sizeof(mesh.read_only));
    *ret_mesh = mesh;
    key_wipe(&mesh, sizeof(mesh));
    return 0;
}

int store_begin(struct store *store, struct error *err)
{
    return statement_run(store->db, err, "BEGIN IMMEDIATE", "");
}

int store_commit(struct store *store, struct error *err)
{
    int r = statement_run(store->db, err, "COMMIT", "");

    if (r < 0)
        store_rollback(store);
    return r;
}

void store_rollback(struct store *store)
{
    /* After SQLITE_FULL sqlite3 may have rolled back by itself. */
    if (!sqlite3_get_autocommit(store->db))
        (void)statement_run(store->db, NULL, "ROLLBACK", "");
}

/* Runs an UPDATE … RETURNING of one number to its end; only then is the row written. */
static int take_number(sqlite3_stmt *statement, uint64_t *ret_number, struct error *err)
{
    int r = statement_step(statement, err);

    if (r == 0)
        error_set(err, ERROR_IO, "the store does not know its mesh");
    if (r < 1)
        return r < 0 ? r : ERROR_IO;
    uint64_t number = (uint64_t)sqlite3_column_int64(statement, 0);
    r = statement_step(statement, err);
    if (r == 0)
        *ret_number = number;
    return r;
}

int store_next_revision(struct store *store, uint64_t *ret_revision, struct error *err)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    int r = statement_make(store->db, &statement, err,
                           "UPDATE mesh SET revision = revision + 1 RETURNING revision", "");

    return r < 0 ? r : take_number(statement, ret_revision, err);
}

int store_next_start(struct store *store, uint64_t *ret_start, struct error *err)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    int r = statement_make(store->db, &statement, err,
                           "UPDATE mesh SET starts = starts + 1 RETURNING starts", "");

    return r < 0 ? r : take_number(statement, ret_start, err);
}

int store_next_epoch(struct store *store, uint64_t least, const uint8_t key[static KEY_GROUP],
                     uint64_t *ret_epoch, struct error *err)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    uint64_t epoch = 0;
    int r = statement_make(store->db, &statement, err,
                           "UPDATE mesh SET epoch = max(epoch + 1, ?) RETURNING epoch", "i",
                           (int64_t)least);

    if (r == 0)
        r = take_number(statement, &epoch, err);
    if (r == 0)
        r = statement_run(store->db, err, "UPDATE epochs SET group_key = NULL", "");
    if (r == 0)
        r = statement_run(store->db, err, "INSERT INTO epochs VALUES (?, ?, ?)", "ibi",
                          (int64_t)epoch, key, (size_t)KEY_GROUP, clock_wall_s());
    if (r == 0)
        *ret_epoch = epoch;
    return r;
}

int store_set_read_only(struct store *store, const char *why, uint64_t floor_revision,
                        uint64_t floor_epoch, struct error *err)
{
    return statement_run(store->db, err,
                         "UPDATE mesh SET read_only = ?, floor_revision = max(floor_revision, ?),"
                         " floor_epoch = max(floor_epoch, ?)",
                         "tii", why, (int64_t)floor_revision, (int64_t)floor_epoch);
}

int store_recover(struct store *store, uint64_t revision, struct error *err)
{
    return statement_run(store->db, err, "UPDATE mesh SET revision = ?, read_only = ''", "i",
                         (int64_t)revision);
}

int store_tokens(struct store *store, struct buffer *ret_hashes, struct error *err)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    uint8_t hash[KEY_TOKEN_HASH];
    int r = statement_make(store->db, &statement, err, "SELECT hash FROM tokens", "");

    while (r == 0 && (r = statement_step(statement, err)) == 1) {
        r = 0;
        if (store_db_bytes(statement, 0, hash, sizeof(hash)))
            buffer_append(ret_hashes, hash, sizeof(hash));
    }
    return r;
}
