/* grow.c - a draft beside the snapshot, filled, then renamed over it.
 *
 * Only live records are copied, so this is also how the space of freed blocks is given back, and of
 * size classes that nobody needs any more. Should the draft's own secret crowd one place, it is
 * thrown away and made again, with a larger index at each second time.
 */
#include "grow.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "slots.h"

#define DRAFTS 12
#define AHEAD  16 /* so many loads from memory a processor can have under way */

struct draft {
    char path[PATH_MAX]; /* beside the snapshot; we hold the lock, so nobody else uses it */
    struct mapping mapping;
    struct space space;
};

static bool name_draft(char draft[static PATH_MAX], const char *path)
{
    return snprintf(draft, PATH_MAX, "%s.draft", path) < PATH_MAX;
}

void grow_clean(const char *path)
{
    char draft[PATH_MAX];

    if (name_draft(draft, path))
        (void)unlink(draft);
}

/* Records on their way. Each is first fetched from memory, then copied, then entered: one at a
 * time, copying a million would be waiting for memory, two times for each. */
struct load {
    size_t blocks[AHEAD]; /* in the old file, then in the draft */
    struct slots_key keys[AHEAD];
    size_t count;
};

/* Copies the record in a block. Returns 0 and the block that it is in now. */
static int copy_block(struct draft *draft, const struct mapping *old, size_t *block,
                      struct slots_key *key)
{
    uint32_t units = mapping_units(old, *block);
    const _Atomic uint64_t *from = mapping_word(old, *block * SNAPSHOT_MAP_BLOCK_WORDS + 1);
    size_t count = (size_t)units * SNAPSHOT_MAP_BLOCK_WORDS - 1;
    size_t to = space_take(&draft->space, &draft->mapping, units);

    if (to == 0)
        return ERROR_FULL;
    _Atomic uint64_t *words = mapping_word(&draft->mapping, to * SNAPSHOT_MAP_BLOCK_WORDS);
    for (size_t i = 0; i < count; i++)
        mapping_set(&words[1 + i], mapping_get(&from[i]));
    mapping_set(&words[0], 2); /* whole; nobody else has the draft */
    if (!slots_key_of_block(key, &draft->mapping, to))
        return ERROR_INTERNAL;
    *block = to;
    return 0;
}

/* Returns 0, or ERROR_AGAIN when a name found no slot. */
static int unload(struct draft *draft, const struct mapping *old, struct load *load)
{
    struct snapshot_header *header = mapping_header(&draft->mapping);
    uint64_t depths = mapping_get(&header->depths);

    for (size_t i = 0; i < load->count; i++) {
        int r = copy_block(draft, old, &load->blocks[i], &load->keys[i]);
        if (r < 0)
            return r;
        slots_fetch(&draft->mapping, &load->keys[i]);
        depths = slots_depths(depths, load->keys[i].bytes, load->keys[i].length);
    }
    mapping_set(&header->depths, depths);
    for (size_t i = 0; i < load->count; i++)
        if (!slots_insert(&draft->mapping, &load->keys[i], load->blocks[i]))
            return ERROR_AGAIN;
    load->count = 0;
    return 0;
}

/* As above. */
static int copy_records(struct draft *draft, const struct mapping *old, struct error *err)
{
    struct load load = {.count = 0};
    int r = 0;

    for (size_t slot = 0; slot <= old->view.mask && r == 0; slot++) {
        uint64_t word = slots_word(old, slot);
        if (word == 0 || word == SNAPSHOT_TOMBSTONE)
            continue;
        __builtin_prefetch(mapping_word(old, (uint32_t)word * (size_t)SNAPSHOT_MAP_BLOCK_WORDS));
        load.blocks[load.count++] = (uint32_t)word;
        if (load.count == AHEAD)
            r = unload(draft, old, &load);
    }
    if (r == 0)
        r = unload(draft, old, &load);
    if (r < 0)
        return error_set(err, (enum error_code)r, "a larger snapshot cannot hold the names");
    const struct snapshot_header *from = mapping_header(old);
    struct snapshot_header *to = mapping_header(&draft->mapping);
    mapping_set(&to->revision, mapping_get(&from->revision));
    mapping_set(&to->heartbeat, mapping_get(&from->heartbeat));
    return 0;
}

static void drop(struct draft *draft)
{
    mapping_close(&draft->mapping);
    space_done(&draft->space);
    (void)unlink(draft->path);
}

/* Makes a draft with so many slots and fills it. On failure nothing is left of it. */
static int make_draft(struct draft *draft, const char *name, const struct mapping *old,
                      const struct mapping_shape *shape, struct error *err)
{
    int r = mapping_create(draft->path, name, shape, &draft->mapping, err);
    if (r == 0 && old && old->base)
        r = copy_records(draft, old, err);
    if (r < 0)
        drop(draft);
    return r;
}

/* Marks the old file, then renames. The order matters: a reader that maps the old file when the
 * name is gone from it must know. If the rename fails the mark is taken back: a reader that saw it
 * found the same file at the path, and stayed. */
static int replace(const char *path, const struct mapping *old, struct draft *draft,
                   struct error *err)
{
    struct snapshot_header *header = old && old->base ? mapping_header(old) : NULL;

    mapping_validate(&draft->mapping);
    if (header)
        mapping_publish(&header->superseded, 1);
    else
        mapping_supersede(path);
    if (rename(draft->path, path) == 0)
        return 0;
    int r = error_errno(err, path, "cannot replace the snapshot");
    if (header)
        mapping_set(&header->superseded, 0);
    return r;
}

int grow_file(const char *path, const struct mapping *old, const struct grow_wish *wish,
              struct mapping *ret_mapping, struct space *ret_space, struct error *err)
{
    struct draft draft = {0};
    struct mapping_shape shape = {wish->size.slots, wish->size.blocks, wish->host_key,
                                  wish->free_percent};

    if (!name_draft(draft.path, path)) {
        errno = ENAMETOOLONG;
        return error_errno(err, path, "cannot make a draft of the snapshot");
    }
    int r = ERROR_AGAIN;
    for (int i = 0; i < DRAFTS && r == ERROR_AGAIN; i++) {
        r = make_draft(&draft, path, old, &shape, err);
        if (i % 2 == 1 && shape.slots < SNAPSHOT_SLOTS_MAX)
            shape.slots *= 2;
    }
    if (r < 0)
        return r;
    r = replace(path, old, &draft, err);
    if (r < 0) {
        drop(&draft);
        return r;
    }
    *ret_mapping = draft.mapping;
    *ret_space = draft.space;
    return 0;
}
