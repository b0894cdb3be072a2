/* store_db.h - the store's inside, for the store_*.c files only. */
#pragma once

#include <stdbool.h>
#include <string.h>

#include <sqlite3.h>

struct store {
    sqlite3 *db;
};

/* A blob column of exactly this size; false when it is of another. */
static inline bool store_db_bytes(sqlite3_stmt *statement, int column, void *ret_bytes, size_t size)
{
    const void *bytes = sqlite3_column_blob(statement, column);

    if (!bytes || sqlite3_column_bytes(statement, column) != (int)size)
        return false;
    memcpy(ret_bytes, bytes, size);
    return true;
}

/* A text column; "" for NULL. Borrowed until the next step. */
static inline const char *store_db_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);

    return text ? (const char *)text : "";
}
