/* statement.h - SQL with its values, and sqlite's failures in our words.
 * Part of the controller. A connection belongs to one thread.
 */
#pragma once

#include <sqlite3.h>

#include "error.h"

/* Prepares sql and binds its parameters in order.
 *
 *   types  a letter a parameter: 'i' int64_t, 't' const char *, 'b' const void * and size_t; a NULL
 *          pointer binds NULL. Texts and bytes must live until the statement ends
 *   ret_statement  sqlite3_finalize, or statement_done
 *
 * Returns 0 or a negative error code. */
int statement_make(sqlite3 *db, sqlite3_stmt **ret_statement, struct error *err, const char *sql,
                   const char *types, ...);

/* Returns 1 with a row, 0 at the end, or a negative error code: ERROR_FULL when the disk is. */
int statement_step(sqlite3_stmt *statement, struct error *err);

/* Makes a statement, runs it to its end, and forgets its rows. */
int statement_run(sqlite3 *db, struct error *err, const char *sql, const char *types, ...);

/* The connection's last failure as an error. */
int statement_error(sqlite3 *db, struct error *err);

/* For AUTO: finalizes; NULL does nothing. */
void statement_done(sqlite3_stmt **statement);
