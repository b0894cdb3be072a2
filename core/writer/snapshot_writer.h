/* snapshot_writer.h - the one writer of a snapshot file.
 * Floor: writer (knows reader, base). A writer belongs to one thread.
 *
 * Works in place while any number of processes read (snapshot_format.h). A writer killed at any
 * instruction leaves a valid file: the old record or the new one. A change costs O(the change).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct snapshot_writer;

struct snapshot_writer_options {
    uint64_t host_key;     /* stored in the header, for `sticky: {by: host}` */
    size_t names;          /* a hint, as snapshot_writer_expect; 0 = not known */
    unsigned free_percent; /* a new file must leave this share of the file system free */
};

/* Opens the snapshot at `path`, or makes one, and becomes its writer.
 *
 *   path        the folder must exist. PATH.lock is locked with flock for as long as the writer is
 *               open; ERROR_AGAIN when another writer lives
 *   ret_writer  snapshot_writer_close
 *
 * An existing good file is taken over: its index is swept for free blocks. A file that is damaged,
 * of another format or another host_key is replaced by an empty one (readers of the old one keep it
 * until the rename, marked superseded). */
int snapshot_writer_open(const char *path, const struct snapshot_writer_options *options,
                         struct snapshot_writer **ret_writer, struct error *err);

/* NULL does nothing. The file stays, valid, for its readers. */
void snapshot_writer_close(struct snapshot_writer *writer);

/* Publishes a record: a new name, or a change of one.
 *
 *   words  the record from its meta word on (snapshot_format.h), as record.h encodes it; the units
 *          in the meta word are ignored, the writer sets its own
 *   count  of words
 *
 * A record equal to the published one writes nothing. Returns 1 when something was written, 0 if
 * not, or a negative error code: ERROR_FULL when the file cannot grow; then the old one serves. */
int snapshot_writer_put(struct snapshot_writer *writer, const uint64_t *words, size_t count,
                        struct error *err);

/* Says that a key will soon be put or deleted: what that needs is on its way from memory while the
 * record is compiled. Among 10^6 names waiting for it takes longer than all the rest. A hint. */
void snapshot_writer_fetch(const struct snapshot_writer *writer, const void *key, size_t length);

/* Takes a key out. Returns 1, or 0 when it was not there. */
int snapshot_writer_delete(struct snapshot_writer *writer, const void *key, size_t length);

/* The record published for a key, borrowed until the next put or delete: from its meta word on.
 * Returns the number of words, 0 when the key is not there. */
size_t snapshot_writer_get(const struct snapshot_writer *writer, const void *key, size_t length,
                           const uint64_t **ret_words);

/* Calls `visit` for every key; a visit that returns nonzero ends the walk, which returns that. The
 * visitor must not change the snapshot. */
int snapshot_writer_each(const struct snapshot_writer *writer,
                         int (*visit)(void *context, const uint8_t *key, size_t length),
                         void *context);

/* Says how many names there will be in all: before many are put, so that the file need not grow
 * step by step. A hint, forgotten at the next commit; the file grows by itself. */
void snapshot_writer_expect(struct snapshot_writer *writer, size_t names);

/* Says that all records of `revision` are in place. A file that is more than twice as large as they
 * need is replaced by a smaller one, if the file system has room for it meanwhile. */
void snapshot_writer_commit(struct snapshot_writer *writer, uint64_t revision);

/* Says that the writer lives: the boot clock goes into the header. */
void snapshot_writer_beat(struct snapshot_writer *writer);

struct snapshot_writer_stats {
    uint64_t names, tombstones, slots, file_size, used_bytes, free_blocks, revision;
    uint64_t grown, rekeyed, settled; /* how often by this writer */
};

void snapshot_writer_stats(const struct snapshot_writer *writer,
                           struct snapshot_writer_stats *ret_stats);
