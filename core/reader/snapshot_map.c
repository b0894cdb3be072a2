/* snapshot_map.c - maps a snapshot file, and leaves it.
 *
 * The mapping is one region: a page for the descriptor, the file behind it. Leaving it lays zero
 * pages over the file, in place, and keeps the descriptor: a thread that was stopped inside reads
 * zeros then, which no record and no header has, and looks again.
 *
 * Until a name matches, the system calls are those that libc makes itself when it looks a name up:
 * a sandbox that kills for others was written with those in mind. What is left to do then, madvise,
 * waits for the first match (snapshot_map_settle).
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
    /* Reserved without access first: writable pages in the size of the file would count against
     * RLIMIT_DATA and strict overcommit, and after mlockall(MCL_FUTURE) they would be filled. */
    uint8_t *region =
        mmap(NULL, page + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED)
        return NULL;

    struct snapshot_map *map = (struct snapshot_map *)(void *)region;
    if (mmap(region, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
             0) == MAP_FAILED ||
        mmap(region + page, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
        !snapshot_map_fill(map, region + page, size)) {
        (void)munmap(region, page + size);
        errno = EINVAL;
        return NULL;
    }
    map->file_bytes = size;
    map->device = status->st_dev;
    map->inode = status->st_ino;
    return map;
}

/* After mlockall(MCL_FUTURE) a mapping is locked, and counts against RLIMIT_MEMLOCK: the program
 * could fail to allocate for our sake. The kernel refuses MADV_DONTNEED for locked pages only; of
 * others it takes nothing but their places in the page table. */
static void unlock(void *address, size_t size)
{
    if (madvise(address, size, MADV_DONTNEED) < 0 && errno == EINVAL)
        (void)munlock(address, size);
}

void snapshot_map_settle(const struct snapshot_map *map)
{
    struct snapshot_map *own = (struct snapshot_map *)(uintptr_t)map; /* const to all others */
    uint8_t *file = (uint8_t *)(void *)own + page_size();
    int saved = errno;

    /* Relaxed: nothing but this is told by it. Two threads that come together do no harm. */
    atomic_store_explicit(&own->is_settled, true, memory_order_relaxed);
    if (own->file_bytes > 0) {
        (void)madvise(file, own->file_bytes, MADV_DONTDUMP);
        unlock(file, own->file_bytes);
    }
    errno = saved;
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
    if (atomic_load_explicit(&map->is_settled, memory_order_relaxed))
        unlock(file, map->file_bytes);
}

void snapshot_map_close(struct snapshot_map *map)
{
    if (map)
        (void)munmap(map, page_size() + map->file_bytes);
}
