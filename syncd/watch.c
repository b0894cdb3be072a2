/* watch.c - inotify on folders and files, POLLPRI on the mount table and the host name.
 *
 * A watch on the file alone dies with a rename over it, one on the folder alone does not see a file
 * that is bind-mounted over. So: the folder of the path, the folder of what the
 * path leads to, the file itself, and /proc/self/mountinfo. File watches are made anew after each
 * event.
 */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "auto.h"

#define FILE_EVENTS   (IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
#define FOLDER_EVENTS (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE)

/* What an event of the folder's must be about; the base name of the path, or of its target. */
struct watched_name {
    int folder; /* watch descriptor; -1 = none */
    char *name;
};

struct watched_file {
    const char *path;
    int file; /* watch descriptor, from 1; -1 = not there now */
    struct watched_name own, target;
};

struct watch {
    int inotify, mounts, host_name;
    struct watched_file files[WATCH_FILES];
    size_t count;
};

/* Watches the folder of `path`. The kernel gives one descriptor to one folder, however often
 * asked. */
static void watch_folder(struct watch *watch, const char *path, struct watched_name *ret_name)
{
    AUTO_FREE char *for_folder = strdup(path);
    AUTO_FREE char *for_name = strdup(path);

    free(ret_name->name);
    ret_name->name = NULL;
    ret_name->folder = -1;
    if (!for_folder || !for_name)
        return;
    ret_name->folder = inotify_add_watch(watch->inotify, dirname(for_folder), FOLDER_EVENTS);
    ret_name->name = strdup(basename(for_name));
}

static void watch_file(struct watch *watch, struct watched_file *file)
{
    AUTO_FREE char *target = realpath(file->path, NULL);

    int before = file->file;
    file->file = inotify_add_watch(watch->inotify, file->path, FILE_EVENTS);
    if (before > 0 && before != file->file)
        (void)inotify_rm_watch(watch->inotify, before); /* fails when the file is gone: fine */
    watch_folder(watch, file->path, &file->own);
    watch_folder(watch, target ? target : file->path, &file->target);
}

int watch_open(const char *const *paths, size_t count, struct watch **ret_watch, struct error *err)
{
    struct watch *watch = calloc(1, sizeof *watch);

    if (!watch)
        return error_set(err, ERROR_INTERNAL, "out of memory");
    watch->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    /* These two are a help, not a need: a sandbox may hide /proc. */
    watch->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    watch->host_name = open("/proc/sys/kernel/hostname", O_RDONLY | O_CLOEXEC);
    if (watch->inotify < 0) {
        int r = error_errno(err, "inotify", "cannot watch files");
        watch_close(watch);
        return r;
    }
    watch->count = count < WATCH_FILES ? count : WATCH_FILES;
    for (size_t i = 0; i < watch->count; i++) {
        watch->files[i].path = paths[i];
        watch_file(watch, &watch->files[i]);
    }
    *ret_watch = watch;
    return 0;
}

void watch_close(struct watch *watch)
{
    if (!watch)
        return;
    int fds[] = {watch->inotify, watch->mounts, watch->host_name};
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    for (size_t i = 0; i < watch->count; i++) {
        free(watch->files[i].own.name);
        free(watch->files[i].target.name);
    }
    free(watch);
}

void watch_poll(const struct watch *watch, struct pollfd ret_fds[static WATCH_POLL])
{
    ret_fds[0] = (struct pollfd){.fd = watch->inotify, .events = POLLIN};
    ret_fds[1] = (struct pollfd){.fd = watch->mounts, .events = POLLPRI};
    ret_fds[2] = (struct pollfd){.fd = watch->host_name, .events = POLLPRI};
}

static bool is_about(const struct watched_name *name, const struct inotify_event *event)
{
    return name->name && event->wd == name->folder && event->len > 0 &&
           strcmp(event->name, name->name) == 0;
}

static bool is_ours(const struct watch *watch, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW)
        return true;
    for (size_t i = 0; i < watch->count; i++) {
        const struct watched_file *file = &watch->files[i];

        if ((event->len == 0 && event->wd == file->file) || is_about(&file->own, event) ||
            is_about(&file->target, event))
            return true;
    }
    return false;
}

static bool read_events(struct watch *watch)
{
    _Alignas(struct inotify_event) char bytes[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
    bool has_changed = false;
    ssize_t got;

    while ((got = read(watch->inotify, bytes, sizeof bytes)) > 0)
        for (char *at = bytes; at < bytes + got;) {
            const struct inotify_event *event = (const void *)at; /* the kernel aligns them */

            has_changed |= is_ours(watch, event);
            at += sizeof *event + event->len;
        }
    return has_changed;
}

bool watch_read(struct watch *watch, const struct pollfd fds[static WATCH_POLL])
{
    bool has_changed = fds[0].revents && read_events(watch);

    has_changed |= fds[1].revents || fds[2].revents;
    for (size_t i = 0; has_changed && i < watch->count; i++)
        watch_file(watch, &watch->files[i]);
    return has_changed;
}
