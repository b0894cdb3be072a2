/* snapshot_check.h - looks at a whole snapshot from outside: walks it, proves each record.
 * Floor: writer (knows reader, base). No globals; one thread at a time.
 *
 * For people and tests (`meshctl snapshot show` and `verify`), not for look-ups. It takes no lock
 * and writes nothing, so the file may be in use: what changes under the walk is read again.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct snapshot_check;

/* The header at one moment. */
struct snapshot_check_header {
    uint64_t revision, names, tombstones, slots, file_size, heap_end, heartbeat_ns, host_key,
        depths;
    int is_superseded; /* a newer file stands at the path */
};

/* Maps a snapshot.
 *
 *   ret_check  snapshot_check_close
 *
 * Returns 0; ERROR_NOT_FOUND and the like when the file cannot be opened; ERROR_INVALID when it is
 * no snapshot of this format, with the reason. */
int snapshot_check_open(const char *path, struct snapshot_check **ret_check, struct error *err);

/* NULL does nothing. */
void snapshot_check_close(struct snapshot_check *check);

void snapshot_check_header(const struct snapshot_check *check,
                           struct snapshot_check_header *ret_header);

/* Copies the record of a key ("x", ".x", ":search", "@" and an address).
 *
 *   ret_words  from its meta word on, without the padding at its end; borrowed until the next call
 *   ret_count  of words
 *
 * Returns 1, 0 when the key is not there, or ERROR_INVALID. */
int snapshot_check_get(struct snapshot_check *check, const void *key, size_t length,
                       const uint64_t **ret_words, size_t *ret_count, struct error *err);

/* Walks the index, in its own order, and proves every record: its place, that its key is found
 * where it lies, its structure, that no two share a block. Calls visit (NULL = only prove) for
 * each; words as above. A visit that returns nonzero ends the walk.
 *
 * Returns the number of keys, or ERROR_INVALID, whose key and text name the record and what is
 * wrong with it, or what visit returned. */
int snapshot_check_each(struct snapshot_check *check,
                        int (*visit)(void *context, const uint8_t *key, size_t length,
                                     const uint64_t *words, size_t count),
                        void *context, struct error *err);

/* A key as people read it, plain (plain.h): "*.shop.mesh", "10.0.0.1", "search list". ret_text has
 * room for 320. */
void snapshot_check_print_key(const uint8_t *key, size_t length, char ret_text[static 320]);
