/* api_slow.h - shuts HTTP connections whose request takes too long.
 * Part of the controller. Any thread.
 *
 * libmicrohttpd's own time-out is for inactivity: a client that sends a byte a second is never
 * closed, and at the connection limit newcomers hang.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct api_slow;
struct api_slow_entry;

struct api_slow *api_slow_new(void); /* NULL without memory */
void api_slow_free(struct api_slow *slow);

/* A connection begins (NULL without memory: it is then not watched) and ends. */
struct api_slow_entry *api_slow_begin(struct api_slow *slow, int fd);
void api_slow_end(struct api_slow *slow, struct api_slow_entry *entry);

/* Starts the clock anew: a request is done. NULL entries do nothing. */
void api_slow_restart(struct api_slow *slow, struct api_slow_entry *entry);

/* Stops and starts the clock: while the hub has the request, the peer is not to blame. */
void api_slow_hold(struct api_slow *slow, struct api_slow_entry *entry, bool is_held);

/* Shuts those that are older than limit_ms. Returns how many. */
unsigned api_slow_shut(struct api_slow *slow, uint64_t limit_ms);
