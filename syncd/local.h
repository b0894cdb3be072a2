/* local.h - the socket on this machine where status and explain are asked for.
 * Knows base, policy (JSON). Belongs to one thread; never blocks.
 *
 * One line with a JSON object is a request, one line with a JSON object its answer, then the
 * connection closes. Anybody on the machine may ask, so everything is bounded: how many ask at
 * once, how long a request is, how long a client may take.
 */
#pragma once

#include <stdint.h>

#include "error.h"
#include "value.h"

struct local;

struct local_options {
    const char *path;
    /* Answers a request: fills the map, or returns a negative error code and the words. */
    int (*answer)(void *context, const struct value *request, struct value *ret_answer,
                  struct error *err);
    void *context;
};

/* Listens, mode 0666. ERROR_AGAIN when another program answers there; a socket that a dead one left
 * is replaced. */
int local_open(const struct local_options *options, struct local **ret_local, struct error *err);

/* Removes the socket's file too. NULL does nothing. */
void local_close(struct local *local);

/* Readable when there is something for local_serve; for epoll. */
int local_fd(const struct local *local);

/* Takes what came and answers. */
void local_serve(struct local *local, uint64_t now_ms);

/* Lets go of clients that take too long. Returns when to call again, boot clock in ms. */
uint64_t local_tick(struct local *local, uint64_t now_ms);
