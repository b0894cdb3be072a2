/* statement.c - SQL with its values, by sqlite3. */
#include "statement.h"

#include <stdarg.h>
#include <stdint.h>

#include "auto.h"

void statement_done(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(*statement);
}

int statement_error(sqlite3 *db, struct error *err)
{
    const char *says = db ? sqlite3_errmsg(db) : "no memory";
    const char *path = db ? sqlite3_db_filename(db, NULL) : "";
    int number = db ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM;
    int code = ERROR_IO;

    if (number == SQLITE_FULL)
        code = ERROR_FULL;
    else if (number == SQLITE_BUSY || number == SQLITE_LOCKED)
        code = ERROR_AGAIN;
    else if (number == SQLITE_NOMEM || number == SQLITE_CONSTRAINT || number == SQLITE_ERROR)
        code = ERROR_INTERNAL;
    error_set(err, code, "the store says: %s", says);
    if (code == ERROR_FULL)
        error_hint(err, "make room on the disk that holds the store, then try again");
    return error_where(err, path), code;
}

static int bind(sqlite3_stmt *statement, const char *types, va_list values)
{
    int r = SQLITE_OK;

    for (int i = 0; types[i] && r == SQLITE_OK; i++) {
        if (types[i] == 'i') {
            r = sqlite3_bind_int64(statement, i + 1, va_arg(values, int64_t));
        } else if (types[i] == 't') {
            r = sqlite3_bind_text(statement, i + 1, va_arg(values, const char *), -1,
                                  SQLITE_STATIC);
        } else {
            const void *bytes = va_arg(values, const void *);
            r = sqlite3_bind_blob64(statement, i + 1, bytes, va_arg(values, size_t), SQLITE_STATIC);
        }
    }
    return r;
}

static int make(sqlite3 *db, sqlite3_stmt **ret_statement, struct error *err, const char *sql,
                const char *types, va_list values)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK ||
        bind(statement, types, values) != SQLITE_OK)
        return statement_error(db, err);
    *ret_statement = auto_take(statement);
    return 0;
}

int statement_make(sqlite3 *db, sqlite3_stmt **ret_statement, struct error *err, const char *sql,
                   const char *types, ...)
{
    va_list values;

    va_start(values, types);
    int r = make(db, ret_statement, err, sql, types, values);
    va_end(values);
    return r;
}

int statement_step(sqlite3_stmt *statement, struct error *err)
{
    int r = sqlite3_step(statement);

    if (r == SQLITE_ROW)
        return 1;
    return r == SQLITE_DONE ? 0 : statement_error(sqlite3_db_handle(statement), err);
}

int statement_run(sqlite3 *db, struct error *err, const char *sql, const char *types, ...)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    va_list values;

    va_start(values, types);
    int r = make(db, &statement, err, sql, types, values);
    va_end(values);
    if (r < 0)
        return r;
    do
        r = statement_step(statement, err);
    while (r == 1);
    return r;
}
