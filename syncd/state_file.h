/* state_file.h - the sqlite3 file under a state: opened, looked through, put aside.
 * Knows base; sqlite3. For state.c only.
 */
#pragma once

#include <sqlite3.h>

#include "error.h"

/* Opens or makes the file, mode 0600, with its tables. *ret_database is to be closed on failure
 * too. ERROR_INVALID when the content cannot be used, ERROR_CONFIG when a later meshdns made it. */
int state_file_open(const char *path, sqlite3 **ret_database, struct error *err);

/* Moves the unusable file out of the way, for those who want to look into it. */
int state_file_put_aside(const char *path, struct error *err);

/* What went wrong last on a database, as an error: returns its code. */
int state_file_error(sqlite3 *database, const char *path, const char *what, struct error *err);
