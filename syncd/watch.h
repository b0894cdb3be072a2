/* watch.h - tells when one of a few files may have changed, or this machine's name.
 * Knows base. A watch belongs to one thread.
 *
 * Sees writes in place, renames over, bind mounts over and away, and links that lead elsewhere. It
 * may tell too often, never too seldom but for what no event reports (a network file system):
 * so the owner also looks by itself now and then.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

#define WATCH_FILES 4

struct watch;

/* Watches the files, which need not exist yet; paths are borrowed for the watch's life. Returns 0
 * or a negative error code. */
int watch_open(const char *const *paths, size_t count, struct watch **ret_watch, struct error *err);

/* NULL does nothing. */
void watch_close(struct watch *watch);

/* Readable when there is something for watch_read; for epoll. */
int watch_fd(const struct watch *watch);

/* Takes what happened. Returns true when one of the files, or the name, may have changed. Never
 * blocks. */
bool watch_read(struct watch *watch);
