/* mapping.c - makes, opens and fills the file.
 *
 * Space is reserved before the first byte is written (posix_fallocate): on a full tmpfs a store
 * into a hole would be SIGBUS, in the writer and in every reader. The file is never truncated.
 */
#include "mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "auto.h"
#include "snapshot_rule.h"

static int check_share(int fd, const char *name, uint64_t size, unsigned percent, struct error *err)
{
    struct statvfs fs;

    if (percent == 0)
        return 0;
    if (fstatvfs(fd, &fs) < 0)
        return error_errno(err, name, "cannot ask the file system for its free space");
    uint64_t whole = (uint64_t)fs.f_blocks * fs.f_frsize;
    uint64_t left = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (left >= size && left - size >= whole / 100 * percent)
        return 0;
    error_set(err, ERROR_FULL,
              "%llu KiB for the snapshot would leave less than %u %% of the file system free",
              (unsigned long long)size / 1024, percent);
    error_hint(err, "enlarge the file system, or use fewer names; the old state serves");
    return error_where(err, name), ERROR_FULL;
}

static int reserve(int fd, const char *name, uint64_t size, struct error *err)
{
    errno = posix_fallocate(fd, 0, (off_t)size);
    if (errno)
        return error_errno(err, name, "cannot reserve space for the snapshot");
    return 0;
}

static int open_to_readers(int fd, const char *name, struct error *err)
{
    /* Readers need it whatever the umask; nobody else may write. */
    if (fchmod(fd, 0644) < 0)
        return error_errno(err, name, "cannot set the mode of the snapshot");
    return 0;
}

static int map(int fd, const char *name, size_t size, struct mapping *ret_mapping,
               struct error *err)
{
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (base == MAP_FAILED)
        return error_errno(err, name, "cannot map the snapshot");
    ret_mapping->base = base;
    ret_mapping->size = size;
    return 0;
}

static int fill_header(struct mapping *mapping, const char *name, const struct mapping_shape *shape,
                       struct error *err)
{
    struct snapshot_header *header = mapping_header(mapping);
    uint64_t heap_start = (SNAPSHOT_HEADER + shape->slots * 8) / SNAPSHOT_BLOCK;
    uint64_t secret[SNAPSHOT_SECRET / 8];

    if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
        return error_errno(err, name, "cannot get random bytes");
    for (size_t i = 0; i < SNAPSHOT_SECRET / 8; i++)
        mapping_set(&header->secret[i], secret[i]);
    explicit_bzero(secret, sizeof(secret));
    mapping_set(&header->file_size, mapping->size);
    mapping_set(&header->index_offset, SNAPSHOT_HEADER);
    mapping_set(&header->index_slots, shape->slots);
    mapping_set(&header->heap_start, heap_start);
    mapping_set(&header->heap_end, heap_start);
    mapping_set(&header->host_key, shape->host_key);
    mapping_set(&header->depths, SNAPSHOT_NO_SEARCH);
    return 0;
}

int mapping_create(const char *path, const char *name, const struct mapping_shape *shape,
                   struct mapping *ret_mapping, struct error *err)
{
    struct mapping mapping = {0};
    uint64_t size = SNAPSHOT_HEADER + shape->slots * 8 + shape->blocks * (uint64_t)SNAPSHOT_BLOCK;
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return error_errno(err, name, "cannot create the snapshot");
    if (size / SNAPSHOT_BLOCK > UINT32_MAX || size > SIZE_MAX / 2) {
        error_set(err, ERROR_FULL, "is larger than the format allows");
        return error_where(err, name), ERROR_FULL;
    }
    int r = check_share(fd, name, size, shape->free_percent, err);
    if (r == 0)
        r = reserve(fd, name, size, err);
    if (r == 0)
        r = open_to_readers(fd, name, err);
    if (r == 0)
        r = map(fd, name, (size_t)size, &mapping, err);
    if (r == 0)
        r = fill_header(&mapping, name, shape, err);
    if (r == 0) {
        /* The view wants a magic; readers don't know the draft's name. */
        mapping_validate(&mapping);
        if (!snapshot_map_fill(&mapping.view, mapping.base, mapping.size))
            r = error_set(err, ERROR_INTERNAL, "a new snapshot has a wrong shape");
        mapping_set(&mapping_header(&mapping)->magic, 0);
    }
    if (r < 0)
        mapping_close(&mapping);
    else
        *ret_mapping = mapping;
    return r;
}

void mapping_validate(struct mapping *mapping)
{
    /* Release: everything else is there before it. */
    mapping_publish(&mapping_header(mapping)->magic, SNAPSHOT_MAGIC);
}

int mapping_open(const char *path, struct mapping *ret_mapping, struct error *err)
{
    struct mapping mapping = {0};
    struct stat status;
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 && (errno == ELOOP || errno == EISDIR)) {
        error_set(err, ERROR_INVALID, "is no plain file");
        return error_where(err, path), ERROR_INVALID;
    }
    if (fd < 0 || fstat(fd, &status) < 0)
        return error_errno(err, path, "cannot open the snapshot");
    if (!S_ISREG(status.st_mode) || (status.st_mode & S_IWOTH) ||
        status.st_size < SNAPSHOT_HEADER || (uint64_t)status.st_size > SIZE_MAX / 2) {
        error_set(err, ERROR_INVALID, "is no snapshot");
        return error_where(err, path), ERROR_INVALID;
    }
    /* It may have been copied, and have got holes. */
    int r = reserve(fd, path, (uint64_t)status.st_size, err);
    if (r == 0)
        r = map(fd, path, (size_t)status.st_size, &mapping, err);
    if (r < 0)
        return r;
    if (!snapshot_map_fill(&mapping.view, mapping.base, mapping.size)) {
        mapping_close(&mapping);
        error_set(err, ERROR_INVALID, "is no snapshot of this format");
        return error_where(err, path), ERROR_INVALID;
    }
    *ret_mapping = mapping;
    return 0;
}

void mapping_close(struct mapping *mapping)
{
    if (mapping->base)
        (void)munmap(mapping->base, mapping->size);
    *mapping = (struct mapping){0};
}

void mapping_supersede(const char *path)
{
    struct stat status;
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

    /* A file too short for the header was never mapped by a reader. */
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
        status.st_size < SNAPSHOT_HEADER)
        return;
    struct snapshot_header *header =
        mmap(NULL, SNAPSHOT_HEADER, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (header == MAP_FAILED)
        return;
    mapping_publish(&header->superseded, 1);
    (void)munmap(header, SNAPSHOT_HEADER);
}

void mapping_write(const struct mapping *mapping, size_t block, uint32_t units,
                   const uint64_t *words, size_t count)
{
    _Atomic uint64_t *to = mapping_word(mapping, block * SNAPSHOT_MAP_BLOCK_WORDS);
    uint64_t sequence = mapping_get(&to[0]) | 1; /* a writer killed here left it odd */

    mapping_set(&to[0], sequence);
    /* Whoever sees a word of the body sees, after its acquire fence, the odd sequence. */
    atomic_thread_fence(memory_order_release);
    mapping_set(&to[1], (words[0] & ~(uint64_t)UINT32_MAX) | units);
    for (size_t i = 1; i < count; i++)
        mapping_set(&to[1 + i], words[i]);
    for (size_t i = count; i < (size_t)units * SNAPSHOT_MAP_BLOCK_WORDS - 1; i++)
        mapping_set(&to[1 + i], 0);
    /* Release: the body before the even sequence. */
    mapping_publish(&to[0], sequence + 1);
}

bool mapping_holds(const struct mapping *mapping, size_t block, const uint64_t *words, size_t count)
{
    const _Atomic uint64_t *at = mapping_word(mapping, block * SNAPSHOT_MAP_BLOCK_WORDS + 1);
    size_t room = (size_t)mapping_units(mapping, block) * SNAPSHOT_MAP_BLOCK_WORDS - 1;

    if (count > room || (mapping_get(&at[0]) ^ words[0]) >> 32 != 0)
        return false;
    for (size_t i = 1; i < count; i++)
        if (mapping_get(&at[i]) != words[i])
            return false;
    for (size_t i = count; i < room; i++)
        if (mapping_get(&at[i]) != 0)
            return false;
    return true;
}

/* The end of a search list: two bytes, then a length and so many bytes for each domain. */
static size_t search_end(const struct snapshot_map *map, size_t at)
{
    size_t domains = (uint8_t)(snapshot_map_word(map, at) >> 8), byte = 2;

    for (size_t i = 0; i < domains; i++)
        byte += 1 + (size_t)(uint8_t)(snapshot_map_word(map, at + byte / 8) >> (8 * (byte % 8)));
    return at + (byte + 7) / 8;
}

size_t mapping_record_size(const struct mapping *mapping, size_t block)
{
    const struct snapshot_map *map = &mapping->view;
    size_t at = block * SNAPSHOT_MAP_BLOCK_WORDS + 1;
    size_t room = (size_t)mapping_units(mapping, block) * SNAPSHOT_MAP_BLOCK_WORDS - 1;
    uint64_t meta = snapshot_map_word(map, at);
    size_t end = at + 1 + ((size_t)SNAPSHOT_META_NAME_LENGTH(meta) + 7) / 8;

    if (SNAPSHOT_META_RULES(meta) == 0)
        end = search_end(map, end);
    for (unsigned i = 0; i < SNAPSHOT_META_RULES(meta); i++) {
        struct snapshot_rule rule;
        if (!snapshot_rule_read(map, end, &rule))
            return room;
        end = snapshot_rule_next(map, rule);
    }
    return end - at < room ? end - at : room;
}
