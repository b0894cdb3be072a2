/* watch.h - tells when one of a few files may have changed, or this machine's name.
 * Knows base. A watch belongs to one thread.
 *
 * Sees writes in place, renames over, bind mounts over and away, and links that lead elsewhere. It
 * may tell too often, never too seldom but for what no event reports (a network file system):
 * so the owner also looks by itself now and then.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

#define WATCH_FILES 4
#define WATCH_POLL  3

struct watch;

/* Watches the files, which need not exist yet; paths are borrowed for the watch's life. Returns 0
 * or a negative error code. */
int watch_open(const char *const *paths, size_t count, struct watch **ret_watch, struct error *err);

/* NULL does nothing. */
void watch_close(struct watch *watch);

/* Fills what poll(2) is to wait for, WATCH_POLL entries; those without a descriptor are -1. Give
 * them to poll itself, not to an epoll inside another one: the kernel tells of a mount once, to
 * whoever asks first, and that would be the outer epoll's look at the inner. */
void watch_poll(const struct watch *watch, struct pollfd ret_fds[static WATCH_POLL]);

/* Takes what happened; fds are as poll left them. Returns true when one of the files, or the name,
 * may have changed. Never blocks. */
bool watch_read(struct watch *watch, const struct pollfd fds[static WATCH_POLL]);
