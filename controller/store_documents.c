/* store_documents.c - the documents in the store, and the log of revisions. */
#include "store_documents.h"

#include "auto.h"
#include "clock.h"
#include "statement.h"
#include "store_db.h"

/* Steps through (name, revision, bytes). Returns 0 at the end, or what visit ended it with. */
static int walk(sqlite3_stmt *statement, store_documents_visit visit, void *context,
                struct error *err)
{
    int r;

    while ((r = statement_step(statement, err)) == 1) {
        r = visit(context, store_db_text(statement, 0),
                  (uint64_t)sqlite3_column_int64(statement, 1), sqlite3_column_blob(statement, 2),
                  (size_t)sqlite3_column_bytes(statement, 2));
        if (r != 0)
            break;
    }
    return r;
}

int store_documents_after(struct store *store, uint64_t revision, store_documents_visit visit,
                          void *context, struct error *err)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    int r = statement_make(store->db, &statement, err,
                           "SELECT name, revision, bytes FROM documents WHERE revision > ?"
                           " ORDER BY revision, name",
                           "i", (int64_t)revision);

    return r < 0 ? r : walk(statement, visit, context, err);
}

int store_documents_from(struct store *store, const char *name, store_documents_visit visit,
                         void *context, struct error *err)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    int r = statement_make(store->db, &statement, err,
                           "SELECT name, revision, bytes FROM documents"
                           " WHERE name > ? AND bytes IS NOT NULL ORDER BY name",
                           "t", name);

    return r < 0 ? r : walk(statement, visit, context, err);
}

int store_documents_get(struct store *store, const char *name, store_documents_visit visit,
                        void *context, struct error *err)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    int r = statement_make(store->db, &statement, err,
                           "SELECT name, revision, bytes FROM documents"
                           " WHERE name = ? AND bytes IS NOT NULL",
                           "t", name);

    if (r == 0)
        r = statement_step(statement, err);
    if (r != 1)
        return r;
    r = visit(context, name, (uint64_t)sqlite3_column_int64(statement, 1),
              sqlite3_column_blob(statement, 2), (size_t)sqlite3_column_bytes(statement, 2));
    return r < 0 ? r : 1;
}

int store_documents_put(struct store *store, const char *name, uint64_t revision, const void *bytes,
                        size_t size, struct error *err)
{
    return statement_run(store->db, err,
                         "INSERT INTO documents VALUES (?, ?, ?) ON CONFLICT (name)"
                         " DO UPDATE SET revision = excluded.revision, bytes = excluded.bytes",
                         "tib", name, (int64_t)revision, bytes, size);
}

int store_documents_log(struct store *store, uint64_t revision,
                        const uint8_t digest[static SEAL_DIGEST], struct error *err)
{
    return statement_run(store->db, err, "INSERT INTO log VALUES (?, ?, ?)", "ibi",
                         (int64_t)revision, digest, (size_t)SEAL_DIGEST, clock_wall_s());
}

int store_documents_digest(struct store *store, uint64_t revision,
                           uint8_t ret_digest[static SEAL_DIGEST], struct error *err)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    int r = statement_make(store->db, &statement, err, "SELECT digest FROM log WHERE revision = ?",
                           "i", (int64_t)revision);

    if (r == 0)
        r = statement_step(statement, err);
    if (r == 1 && !store_db_bytes(statement, 0, ret_digest, SEAL_DIGEST))
        r = error_set(err, ERROR_IO, "revision %llu has no digest in the log",
                      (unsigned long long)revision);
    return r;
}
