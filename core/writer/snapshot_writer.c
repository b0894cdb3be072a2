/* snapshot_writer.c - publishes records one by one, in place, and grows the file when it must.
 *
 * A change writes a new record into a free block and swaps the slot; the old block is free from
 * then on. Whenever something has no room (no slot near enough, too full an index, no block) the
 * file is rebuilt by grow.c, and the change is tried again in the new one. At the end of a revision
 * a file that is much too large by now is rebuilt smaller; how large is room.c's business.
 */
#include "snapshot_writer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "grow.h"
#include "mapping.h"
#include "room.h"
#include "slots.h"
#include "space.h"
#include "sweep.h"
#include "writer_lock.h"

#define GROWS_MOST 4    /* rebuilds for one change; one is enough, unless hashes crowd */
#define FULL_MS    1000 /* a full file system is not asked again so soon */

struct snapshot_writer {
    char *path;
    int lock;
    struct snapshot_writer_options options;
    struct mapping mapping;
    struct space space;
    unsigned hurry;   /* growths since the last commit */
    uint64_t full_ms; /* boot clock: when growth found no space; 0 = it did, or never tried */
    struct error why_full;
    uint64_t grown, rekeyed, settled;
};

static struct room_use use_of(const struct snapshot_writer *writer)
{
    struct room_use use = {0, writer->space.used_units};

    if (writer->mapping.base)
        use.names = mapping_get(&mapping_header(&writer->mapping)->names);
    return use;
}

static int rebuild(struct snapshot_writer *writer, struct room_size size, struct error *err)
{
    struct mapping mapping;
    struct space space;
    const struct grow_wish wish = {size, writer->options.host_key, writer->options.free_percent};
    int r = grow_file(writer->path, &writer->mapping, &wish, &mapping, &space, err);

    if (r < 0)
        return r;
    mapping_close(&writer->mapping);
    space_done(&writer->space);
    writer->mapping = mapping;
    writer->space = space;
    return 0;
}

/* Rebuilds with room for a record of so many blocks more. */
static int grow(struct snapshot_writer *writer, uint64_t units, struct error *err)
{
    struct room_use use = use_of(writer);
    enum room_reason reason = use.names < writer->options.names ? ROOM_FILL
                              : writer->hurry > 0               ? ROOM_HURRY
                                                                : ROOM_GROW;
    struct error why = writer->why_full;
    int r = ERROR_FULL;

    /* A million names may be waiting for room, one after the other. */
    if (writer->full_ms == 0 || clock_boot_ms() - writer->full_ms >= FULL_MS) {
        r = rebuild(writer, room_for(reason, use, units, writer->options.names), &why);
        if (r == ERROR_FULL)
            r = rebuild(writer, room_for(ROOM_TIGHT, use, units, 0), &why);
        writer->full_ms = r == ERROR_FULL ? clock_boot_ms() : 0;
        writer->why_full = why;
    }
    if (r < 0 && err)
        *err = why;
    return r;
}

/* Takes over what lies at the path. ERROR_INVALID, with nothing kept open, when it is no good. */
static int take_over(struct snapshot_writer *writer, struct error *err)
{
    int r = mapping_open(writer->path, &writer->mapping, err);

    if (r < 0)
        return r;
    if (writer->mapping.view.host_key != writer->options.host_key)
        r = error_set(err, ERROR_INVALID, "the snapshot is another node's");
    if (r == 0)
        r = sweep_file(&writer->mapping, &writer->space, err);
    if (r < 0) {
        mapping_close(&writer->mapping);
        return r;
    }
    /* A writer was killed before it renamed: this file is not replaced after all. */
    mapping_set(&mapping_header(&writer->mapping)->superseded, 0);
    return 0;
}

int snapshot_writer_open(const char *path, const struct snapshot_writer_options *options,
                         struct snapshot_writer **ret_writer, struct error *err)
{
    struct snapshot_writer *writer = calloc(1, sizeof(*writer));
    char *copy = strdup(path);

    if (!writer || !copy) {
        free(writer);
        free(copy);
        return error_errno(err, path, "cannot open the snapshot");
    }
    writer->path = copy;
    writer->lock = -1;
    writer->options = *options;
    int r = writer_lock_take(path, &writer->lock, err);
    if (r == 0) {
        grow_clean(path);
        r = take_over(writer, err);
        if (r == ERROR_NOT_FOUND || r == ERROR_INVALID)
            r = grow(writer, 0, err);
    }
    if (r < 0) {
        snapshot_writer_close(writer);
        return r;
    }
    *ret_writer = writer;
    return 0;
}

void snapshot_writer_close(struct snapshot_writer *writer)
{
    if (!writer)
        return;
    mapping_close(&writer->mapping);
    space_done(&writer->space);
    if (writer->lock >= 0)
        (void)close(writer->lock);
    free(writer->path);
    free(writer);
}

static bool is_crowded(const struct snapshot_writer *writer)
{
    const struct snapshot_header *header = mapping_header(&writer->mapping);

    return room_is_crowded(writer->mapping.view.mask + 1,
                           mapping_get(&header->names) + mapping_get(&header->tombstones));
}

/* What readers have to ask for besides the name, before they can need it. They all read that line
 * of the header, so it is left alone when nothing changes. */
static void set_depths(const struct snapshot_writer *writer, const struct slots_key *key)
{
    _Atomic uint64_t *depths = &mapping_header(&writer->mapping)->depths;
    uint64_t before = mapping_get(depths), now = slots_depths(before, key->bytes, key->length);

    if (now != before)
        mapping_publish(depths, now);
}

/* Tries to publish in the file as it is. Returns 1, 0 when it is there already, or ERROR_FULL. */
static int try_put(struct snapshot_writer *writer, const struct slots_key *key,
                   const uint64_t *words, size_t count, uint32_t units)
{
    const struct mapping *mapping = &writer->mapping;
    size_t slot = 0, old = 0;
    bool is_known = slots_find(mapping, key, &slot, &old);

    if (is_known && mapping_holds(mapping, old, words, count))
        return 0;
    if (!is_known && is_crowded(writer))
        return ERROR_FULL;
    size_t block = space_take(&writer->space, mapping, units);
    if (block == 0)
        return ERROR_FULL;
    mapping_write(mapping, block, units, words, count);
    if (is_known) {
        slots_replace(mapping, key, slot, block);
        space_give(&writer->space, mapping, old);
        return 1;
    }
    set_depths(writer, key);
    if (!slots_insert(mapping, key, block)) {
        space_give(&writer->space, mapping, block);
        writer->rekeyed++;
        return ERROR_FULL;
    }
    return 1;
}

int snapshot_writer_put(struct snapshot_writer *writer, const uint64_t *words, size_t count,
                        struct error *err)
{
    size_t length = count > 0 ? SNAPSHOT_META_NAME_LENGTH(words[0]) : 0;
    uint32_t units = space_units(count);
    struct slots_key key;

    if (length == 0 || count < 1 + (length + 7) / 8 || units == 0)
        return error_set(err, ERROR_INTERNAL, "a record of %zu words has no room for its name",
                         count);
    for (int i = 0; i <= GROWS_MOST; i++) {
        slots_key_fill(&key, &writer->mapping, words + 1, length);
        int r = try_put(writer, &key, words, count, units);
        if (r != ERROR_FULL)
            return r;
        r = grow(writer, units, err);
        if (r < 0)
            return r;
        writer->grown++, writer->hurry++;
    }
    return error_set(err, ERROR_FULL, "the snapshot has no room for a name, however large");
}

void snapshot_writer_fetch(const struct snapshot_writer *writer, const void *key_bytes,
                           size_t length)
{
    struct slots_key key;

    if (length == 0 || length > SNAPSHOT_KEY_MAX)
        return;
    slots_key_fill(&key, &writer->mapping, key_bytes, length);
    slots_fetch(&writer->mapping, &key);
}

int snapshot_writer_delete(struct snapshot_writer *writer, const void *key_bytes, size_t length)
{
    struct slots_key key;
    size_t slot, block;

    if (length == 0 || length > SNAPSHOT_KEY_MAX)
        return 0;
    slots_key_fill(&key, &writer->mapping, key_bytes, length);
    if (!slots_find(&writer->mapping, &key, &slot, &block))
        return 0;
    slots_remove(&writer->mapping, slot);
    space_give(&writer->space, &writer->mapping, block);
    return 1;
}

size_t snapshot_writer_get(const struct snapshot_writer *writer, const void *key_bytes,
                           size_t length, const uint64_t **ret_words)
{
    struct slots_key key;
    size_t slot, block;

    if (length == 0 || length > SNAPSHOT_KEY_MAX)
        return 0;
    slots_key_fill(&key, &writer->mapping, key_bytes, length);
    if (!slots_find(&writer->mapping, &key, &slot, &block))
        return 0;
    /* Only this thread writes, so plain reads of the atomic words are whole. */
    *ret_words = (const uint64_t *)writer->mapping.base + block * SNAPSHOT_MAP_BLOCK_WORDS + 1;
    return mapping_record_size(&writer->mapping, block);
}

int snapshot_writer_each(const struct snapshot_writer *writer,
                         int (*visit)(void *context, const uint8_t *key, size_t length),
                         void *context)
{
    for (size_t slot = 0; slot <= writer->mapping.view.mask; slot++) {
        uint64_t word = slots_word(&writer->mapping, slot);
        struct slots_key key;
        if (word == 0 || word == SNAPSHOT_TOMBSTONE ||
            !slots_key_of_block(&key, &writer->mapping, (uint32_t)word))
            continue;
        int r = visit(context, key.bytes, key.length);
        if (r != 0)
            return r;
    }
    return 0;
}

void snapshot_writer_expect(struct snapshot_writer *writer, size_t names)
{
    writer->options.names = names;
}

/* Gives memory back when the file has become much too large. If that fails, it stays as it is. */
static void settle(struct snapshot_writer *writer)
{
    const struct snapshot_map *view = &writer->mapping.view;
    struct room_size size = {view->mask + 1, view->block_count - view->heap_start};
    struct room_use use = use_of(writer);

    if (room_is_waste(size, use, writer->hurry > 1) &&
        rebuild(writer, room_for(ROOM_SETTLE, use, 0, 0), NULL) == 0)
        writer->settled++;
    writer->hurry = 0;
    writer->options.names = 0;
}

void snapshot_writer_commit(struct snapshot_writer *writer, uint64_t revision)
{
    /* Release: its records before it. */
    mapping_publish(&mapping_header(&writer->mapping)->revision, revision);
    settle(writer);
}

void snapshot_writer_beat(struct snapshot_writer *writer)
{
    mapping_set(&mapping_header(&writer->mapping)->heartbeat, clock_boot_ns());
}

void snapshot_writer_stats(const struct snapshot_writer *writer,
                           struct snapshot_writer_stats *ret_stats)
{
    const struct mapping *mapping = &writer->mapping;
    const struct snapshot_header *header = mapping_header(mapping);

    *ret_stats = (struct snapshot_writer_stats){
        .names = mapping_get(&header->names),
        .tombstones = mapping_get(&header->tombstones),
        .slots = mapping->view.mask + 1,
        .file_size = mapping->size,
        .used_bytes = mapping->view.heap_start * (uint64_t)SNAPSHOT_BLOCK +
                      writer->space.used_units * SNAPSHOT_BLOCK,
        .free_blocks = writer->space.free_blocks,
        .revision = mapping_get(&header->revision),
        .grown = writer->grown,
        .rekeyed = writer->rekeyed,
        .settled = writer->settled,
    };
}
