/* grow.h - replaces a snapshot file by a larger, smaller, freshly keyed or empty one.
 * Floor: writer (knows reader, base). Internal.
 */
#pragma once

#include "mapping.h"
#include "room.h"
#include "space.h"

struct grow_wish {
    struct room_size size; /* the index becomes larger when hashes crowd */
    uint64_t host_key;
    unsigned free_percent;
};

/* Removes the draft that a killed writer may have left. */
void grow_clean(const char *path);

/* Builds a file with all records of `old` and renames it over `path`, whose readers are told first.
 *
 *   old                     NULL or closed: the new file is empty
 *   ret_mapping, ret_space  of the new file; the old ones stay the caller's to close
 *
 * On failure the old file stands, and is not marked superseded. ERROR_FULL: the file system has no
 * room for it, or the file none for the records. */
int grow_file(const char *path, const struct mapping *old, const struct grow_wish *wish,
              struct mapping *ret_mapping, struct space *ret_space, struct error *err);
