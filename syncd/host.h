/* host.h - what this machine says about itself: protected names, search list, users.
 * Knows mesh, protect, search_list, users, watch. Belongs to one thread.
 *
 * Looks when the watch tells of a change, half a moment later so that a file is not read while it
 * is written, and by itself every half minute.
 */
#pragma once

#include <stdint.h>

#include "error.h"
#include "log.h"
#include "membership.h"
#include "mesh.h"
#include "settings.h"
#include "users.h"
#include "watch.h"

struct host {
    const struct settings *settings;
    const struct membership *membership;
    struct users *users;
    struct log *log;
    struct watch *watch;
    struct search_list search;
    struct key_set scratch;
    uint64_t look_ms;     /* the next look */
    uint64_t changed_ms;  /* since when a change waits to be looked at; 0 = none */
    struct error trouble; /* why the last look failed; code 0 = it did not */
};

void host_done(struct host *host);

/* Reads everything and hands it to the mesh. A failure shows in `trouble`; what was known before
 * stays. */
void host_look(struct host *host, struct mesh *mesh, uint64_t now_ms);

/* Takes what poll found on the watch's descriptors. */
void host_notice(struct host *host, const struct pollfd fds[static WATCH_POLL], uint64_t now_ms);

/* Looks when it is time. Returns when to call again. */
uint64_t host_tick(struct host *host, struct mesh *mesh, uint64_t now_ms);
