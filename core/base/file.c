/* file.c - whole files. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auto.h"

/* Reads to the end, growing, so that pipes and /proc files work as well as plain ones. */
static int read_all(int fd, const char *path, size_t most, char **ret_text, size_t *ret_size,
                    struct error *err)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0, room = 0;

    for (;;) {
        if (room - size < 2) {
            room = room ? room * 2 : 4096;
            char *larger = realloc(text, room);
            if (!larger)
                return error_errno(err, path, "cannot read");
            text = larger;
        }
        ssize_t got = read(fd, text + size, room - size - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(err, path, "cannot read");
        if (got == 0)
            break;
        size += (size_t)got;
        if (size > most) {
            int r =
                error_set(err, ERROR_TOO_LARGE, "larger than %zu bytes, the most allowed", most);
            error_where(err, path);
            return r;
        }
    }
    text[size] = '\0';
    *ret_text = auto_take(text);
    *ret_size = size;
    return 0;
}

int file_read(const char *path, size_t most, char **ret_text, size_t *ret_size, struct error *err)
{
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, "standard input", most, ret_text, ret_size, err);

    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_errno(err, path, "cannot open");
    return read_all(fd, path, most, ret_text, ret_size, err);
}

int file_read_secret(const char *path, size_t most, char **ret_text, size_t *ret_size,
                     struct error *err)
{
    struct stat status;
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0 || fstat(fd, &status) < 0)
        return error_errno(err, path, "cannot open");
    if (S_ISREG(status.st_mode) && (status.st_mode & 077)) {
        int r =
            error_set(err, ERROR_REFUSED, "mode %04o lets others at this secret; allowed is 0600",
                      (unsigned)(status.st_mode & 07777));
        error_hint(err, "chmod 600 '%s', and renew the secret if others may have read it", path);
        error_where(err, path);
        return r;
    }
    return read_all(fd, path, most, ret_text, ret_size, err);
}

static int write_all(int fd, const void *bytes, size_t size)
{
    const char *next = bytes;

    while (size > 0) {
        ssize_t put = write(fd, next, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        next += put;
        size -= (size_t)put;
    }
    return 0;
}

/* A rename is durable only when the folder is. */
static int sync_folder(const char *path)
{
    char copy[PATH_MAX];

    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    AUTO_CLOSE int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : fsync(fd);
}

/* Fills a draft beside `path`, whose name it leaves in `draft`. */
static int write_draft(const char *path, mode_t mode, const void *bytes, size_t size,
                       char draft[static PATH_MAX])
{
    if (snprintf(draft, PATH_MAX, "%s.XXXXXX", path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        draft[0] = '\0';
        return -1;
    }
    AUTO_CLOSE int fd = mkostemp(draft, O_CLOEXEC); /* 0600 whatever the umask */
    if (fd < 0) {
        draft[0] = '\0';
        return -1;
    }
    if (write_all(fd, bytes, size) < 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0)
        return -1;
    return 0;
}

/* Gives the draft its name: over what has it, or only when nobody has. */
static int name_draft(char *draft, const char *path, bool replaces, struct error *err)
{
    if (replaces) {
        if (rename(draft, path) < 0)
            return error_errno(err, path, "cannot replace");
        draft[0] = '\0';
        return 0;
    }
    /* link() refuses an existing name, which rename() would replace. */
    if (link(draft, path) == 0)
        return 0;
    if (errno != EEXIST)
        return error_errno(err, path, "cannot create");
    error_set(err, ERROR_CONFLICT, "is already there and is not replaced");
    return error_where(err, path), ERROR_CONFLICT;
}

static int write_whole(const char *path, mode_t mode, const void *bytes, size_t size, bool replaces,
                       struct error *err)
{
    char draft[PATH_MAX];
    int r = 0;

    if (write_draft(path, mode, bytes, size, draft) < 0)
        r = error_errno(err, path, "cannot write");
    if (r == 0)
        r = name_draft(draft, path, replaces, err);
    if (r == 0 && sync_folder(path) < 0)
        r = error_errno(err, path, "cannot make the new file durable");
    if (draft[0])
        (void)unlink(draft);
    return r;
}

int file_write(const char *path, mode_t mode, const void *bytes, size_t size, struct error *err)
{
    return write_whole(path, mode, bytes, size, true, err);
}

int file_create_secret(const char *path, const void *bytes, size_t size, struct error *err)
{
    return write_whole(path, 0600, bytes, size, false, err);
}

int file_make_folder(const char *path, mode_t mode, struct error *err)
{
    char part[PATH_MAX];

    if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part)) {
        errno = ENAMETOOLONG;
        return error_errno(err, path, "cannot make the folder");
    }
    for (char *slash = part + 1;; slash++) {
        slash = strchrnul(slash, '/');
        char saved = *slash;
        *slash = '\0';
        if (mkdir(part, mode) < 0 && errno != EEXIST)
            return error_errno(err, part, "cannot make the folder");
        *slash = saved;
        if (!saved)
            return 0;
    }
}
