/* file.h - whole files: read within a bound, written all or nothing, secrets private at once.
 * Floor: base. No globals; safe in any thread.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

/* Reads a whole file.
 *
 *   path      "-" is standard input
 *   most      bytes; a larger file is ERROR_TOO_LARGE, which names the limit
 *   ret_text  malloc'ed, the caller frees; a NUL follows the last byte
 *   ret_size  without that NUL
 *
 * Returns 0 or a negative error code; where is the path.
 */
int file_read(const char *path, size_t most, char **ret_text, size_t *ret_size, struct error *err);

/* As file_read, for a secret: ERROR_REFUSED when others than the owner may read or write the file,
 * with the chmod that mends it. The caller wipes and frees. */
int file_read_secret(const char *path, size_t most, char **ret_text, size_t *ret_size,
                     struct error *err);

/* Replaces a file as one step: a draft beside it with `mode` from its first instant (umask does not
 * matter), fsync, rename, fsync of the folder. On failure the old file stands and no draft is left.
 */
int file_write(const char *path, mode_t mode, const void *bytes, size_t size, struct error *err);

/* As file_write with mode 0600, but ERROR_CONFLICT when the file is already there. */
int file_create_secret(const char *path, const void *bytes, size_t size, struct error *err);

/* Makes a folder and its parents; those made get `mode`. An existing folder is left as it is. */
int file_make_folder(const char *path, mode_t mode, struct error *err);
