/* snapshot_map.c - maps a snapshot, and finds keys in it while a writer changes it.
 *
 * The mapping is one region: a page for the descriptor, the file behind it. Leaving it lays zero
 * pages over the file, in place, and keeps the descriptor: a thread that was stopped inside reads
 * zeros then, which no record and no header has, and looks again.
 */
#include "snapshot_map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"

#define SLOT_TRIES 64 /* looks at one slot whose record changes under our eyes */

static uint64_t header_word(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* Checks the geometry and keeps it. Each value is loaded once. */
static bool fill_geometry(struct snapshot_map *map, const struct snapshot_header *header,
                          size_t size)
{
    uint64_t file_size = header_word(&header->file_size);
    uint64_t index_offset = header_word(&header->index_offset);
    uint64_t slots = header_word(&header->index_slots);
    uint64_t heap_start = header_word(&header->heap_start);

    if (file_size > size || file_size < SNAPSHOT_HEADER || file_size % SNAPSHOT_BLOCK != 0 ||
        file_size / SNAPSHOT_BLOCK > UINT32_MAX)
        return false;
    if (slots < SNAPSHOT_SLOTS_MIN || slots > SNAPSHOT_SLOTS_MAX || (slots & (slots - 1)) != 0)
        return false;
    if (index_offset < SNAPSHOT_HEADER || index_offset % SNAPSHOT_BLOCK != 0 ||
        index_offset > file_size)
        return false;
    if (heap_start > file_size / SNAPSHOT_BLOCK ||
        heap_start * SNAPSHOT_BLOCK < index_offset + slots * 8)
        return false;

    map->header = header;
    map->word_count = (size_t)file_size / 8;
    map->index = (size_t)index_offset / 8;
    map->mask = (size_t)slots - 1;
    map->heap_start = (size_t)heap_start;
    map->block_count = (size_t)file_size / SNAPSHOT_BLOCK;
    return true;
}

bool snapshot_map_fill(struct snapshot_map *map, const void *bytes, size_t size)
{
    const struct snapshot_header *header = bytes;
    uint8_t search[16] = SNAPSHOT_KEY_SEARCH;

    if (size < SNAPSHOT_HEADER)
        return false;
    /* Acquire: magic is stored last when a file is made. */
    if (atomic_load_explicit(&header->magic, memory_order_acquire) != SNAPSHOT_MAGIC)
        return false;
    if (!fill_geometry(map, header, size))
        return false;
    map->host_key = header_word(&header->host_key);
    for (size_t i = 0; i < SNAPSHOT_SECRET / 8; i++)
        map->secret[i] = header_word(&header->secret[i]);
    map->search_hash = hash_key(search, strlen(SNAPSHOT_KEY_SEARCH), map->secret);
    return true;
}

static size_t page_size(void)
{
    size_t size = getauxval(AT_PAGESZ);

    return size ? size : 4096;
}

/* Maps a descriptor's page and the file behind it. */
static struct snapshot_map *map_file(int fd, const struct stat *status)
{
    size_t page = page_size(), size = (size_t)status->st_size;

    if ((uint64_t)status->st_size > SIZE_MAX - page) {
        errno = EFBIG;
        return NULL;
    }
    uint8_t *region = mmap(NULL, page + size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED)
        return NULL;

    struct snapshot_map *map = (struct snapshot_map *)(void *)region;
    if (mmap(region + page, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
        !snapshot_map_fill(map, region + page, size)) {
        (void)munmap(region, page + size);
        errno = EINVAL;
        return NULL;
    }
    (void)madvise(region + page, size, MADV_DONTDUMP);
    map->file_bytes = size;
    map->device = status->st_dev;
    map->inode = status->st_ino;
    return map;
}

struct snapshot_map *snapshot_map_open(const char *path, const struct snapshot_map *known)
{
    /* Not blocking, no controlling terminal: whatever may lie at the path. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    struct snapshot_map *map = NULL;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && !(status.st_mode & S_IWOTH) &&
        status.st_size >= SNAPSHOT_HEADER &&
        !(known && known->device == status.st_dev && known->inode == status.st_ino))
        map = map_file(fd, &status);
    (void)close(fd);
    return map;
}

void snapshot_map_leave(struct snapshot_map *map)
{
    uint8_t *file = (uint8_t *)(void *)map + page_size();

    /* If the kernel refuses, the old file stays readable: complete, only older. */
    (void)mmap(file, map->file_bytes, PROT_READ,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

void snapshot_map_close(struct snapshot_map *map)
{
    if (map)
        (void)munmap(map, page_size() + map->file_bytes);
}

static bool is_key(const struct snapshot_map *map, size_t at, const uint8_t *key, size_t length)
{
    const _Atomic uint64_t *words = (const _Atomic uint64_t *)map->header + at;
    size_t count = (length + 7) / 8;

    if (at + count > map->word_count)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint64_t word;
        memcpy(&word, key + 8 * i, 8); /* zeros behind the key, as in the record */
        if (atomic_load_explicit(&words[i], memory_order_relaxed) != word)
            return false;
    }
    return true;
}

enum look { IS_IT, IS_ANOTHER, IS_CHANGING };

/* Looks at the record of a slot whose tag is the key's. */
static inline enum look look_at(const struct snapshot_map *map, size_t block, const uint8_t *key,
                                size_t length, struct snapshot_record *ret_record)
{
    struct snapshot_record record;

    if (block < map->heap_start || block >= map->block_count)
        return IS_ANOTHER; /* a broken file */
    record.at = block * SNAPSHOT_MAP_BLOCK_WORDS;
    /* Acquire, and the body after it: pairs with the writer's release of the even sequence. */
    record.sequence = atomic_load_explicit((const _Atomic uint64_t *)map->header + record.at,
                                           memory_order_acquire);
    if (record.sequence == 0 || (record.sequence & 1))
        return IS_CHANGING;
    record.meta = snapshot_map_word(map, record.at + 1);
    record.body = record.at + 2 + (length + 7) / 8;
    if (SNAPSHOT_META_NAME_LENGTH(record.meta) == length &&
        is_key(map, record.at + 2, key, length)) {
        *ret_record = record;
        return IS_IT;
    }
    return snapshot_map_is_whole(map, &record) ? IS_ANOTHER : IS_CHANGING;
}

enum snapshot_find snapshot_map_find(const struct snapshot_map *map, const uint8_t *key,
                                     size_t length, uint64_t hash,
                                     struct snapshot_record *ret_record)
{
    const _Atomic uint64_t *slots = (const _Atomic uint64_t *)map->header + map->index;
    size_t tries = SLOT_TRIES;

    for (size_t i = 0; i < SNAPSHOT_PROBE_MAX; i++) {
        const _Atomic uint64_t *slot = &slots[((size_t)hash + i) & map->mask];
        /* Acquire: pairs with the writer's release of the slot, behind the record. */
        uint64_t found = atomic_load_explicit(slot, memory_order_acquire);
        if (found == 0)
            return SNAPSHOT_ABSENT;
        while (found >> 32 == hash >> 32) {
            enum look look = look_at(map, (uint32_t)found, key, length, ret_record);
            if (look == IS_IT)
                return SNAPSHOT_FOUND;
            /* The block may have been reused for another name since the slot was read. */
            uint64_t now = atomic_load_explicit(slot, memory_order_acquire);
            if (now == found && look == IS_ANOTHER)
                break;
            if (--tries == 0)
                return SNAPSHOT_AGAIN;
            found = now;
        }
        if (found == 0)
            return SNAPSHOT_ABSENT; /* deleted meanwhile, and nothing lies behind */
    }
    return SNAPSHOT_ABSENT;
}
