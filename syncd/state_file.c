/* state_file.c - opens what only sqlite3 can read.
 *
 * The schema's user_version is the format; a later one is left alone. quick_check at each start
 * costs milliseconds and finds what a bad disk did.
 */
#include "state_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auto.h"

#define STATE_FILE_FORMAT 1 /* user_version */

static const char schema[] =
    "BEGIN;"
    "CREATE TABLE documents (name TEXT PRIMARY KEY, revision INTEGER NOT NULL,"
    " bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE meta (mesh_id BLOB NOT NULL, revision INTEGER NOT NULL, digest BLOB NOT NULL,"
    " floor BLOB) STRICT;"
    "INSERT INTO meta VALUES (zeroblob(16), 0, zeroblob(32), NULL);"
    "PRAGMA user_version = 1;"
    "COMMIT;";

int state_file_error(sqlite3 *database, const char *path, const char *what, struct error *err)
{
    int base = sqlite3_errcode(database) & 0xff;
    enum error_code code = ERROR_IO;

    if (base == SQLITE_FULL)
        code = ERROR_FULL;
    else if (base == SQLITE_BUSY || base == SQLITE_LOCKED)
        code = ERROR_AGAIN;
    else if (base == SQLITE_PERM || base == SQLITE_READONLY || base == SQLITE_CANTOPEN)
        code = ERROR_REFUSED;
    error_set(err, code, "%s: %s", what, sqlite3_errmsg(database));
    (void)error_where(err, path);
    return code;
}

static int user_version(sqlite3 *database)
{
    sqlite3_stmt *row = NULL;
    int version = -1;

    if (sqlite3_prepare_v2(database, "PRAGMA user_version", -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW)
        version = sqlite3_column_int(row, 0);
    (void)sqlite3_finalize(row);
    return version;
}

static bool is_sound(sqlite3 *database)
{
    sqlite3_stmt *row = NULL;
    bool sound = sqlite3_prepare_v2(database, "PRAGMA quick_check(1)", -1, &row, NULL) == 0 &&
                 sqlite3_step(row) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(row, 0), "ok") == 0;

    (void)sqlite3_finalize(row);
    return sound;
}

int state_file_open(const char *path, sqlite3 **ret_database, struct error *err)
{
    mode_t umask_before = umask(0077);
    int opened = sqlite3_open_v2(
        path, ret_database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

    if (opened == SQLITE_OK)
        opened = sqlite3_exec(*ret_database,
                              "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                              "PRAGMA busy_timeout = 2000",
                              NULL, NULL, NULL);
    umask(umask_before);
    if (opened == SQLITE_NOTADB || opened == SQLITE_CORRUPT)
        return error_set(err, ERROR_INVALID, "not a database");
    if (opened != SQLITE_OK)
        return state_file_error(*ret_database, path, "cannot open the state", err);

    int version = user_version(*ret_database);
    if (version == 0 && sqlite3_exec(*ret_database, schema, NULL, NULL, NULL) != SQLITE_OK)
        return state_file_error(*ret_database, path, "cannot make the state", err);
    if (version > STATE_FILE_FORMAT)
        return error_set(err, ERROR_CONFIG,
                         "%s: format %d is of a later meshdns; this one knows %d", path, version,
                         STATE_FILE_FORMAT);
    return is_sound(*ret_database) ? 0 : error_set(err, ERROR_INVALID, "damaged");
}

int state_file_put_aside(const char *path, struct error *err)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char from[512], to[512];

    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        (void)snprintf(from, sizeof from, "%s%s", path, suffixes[i]);
        (void)snprintf(to, sizeof to, "%s.broken%s", path, suffixes[i]);
        if (rename(from, to) < 0 && errno != ENOENT)
            return error_errno(err, from, "cannot put the broken state aside");
    }
    return 0;
}
