/* hub.h - the one thread that owns the store and the sockets.
 * Part of the controller. hub_submit may be called from any thread, the rest by the hub's own.
 */
#pragma once

#include <stdbool.h>

#include "control.h"
#include "error.h"

struct hub;

/* Work for the hub's thread. run is called once; the job is the submitter's again when it begins.
 */
struct hub_job {
    void (*run)(struct hub_job *job, struct control *control);
    struct hub_job *next; /* the hub's */
};

/* Binds the sockets. mesh and the hub live until hub_close; SIGTERM and SIGINT must be blocked in
 * all threads, the hub takes them from a descriptor. */
int hub_open(struct control *control, struct hub **ret_hub, struct error *err);
void hub_close(struct hub *hub); /* NULL does nothing */

/* Hands a job over. */
void hub_submit(struct hub *hub, struct hub_job *job);

/* Works until SIGTERM or SIGINT. tick is called at least once a second. */
void hub_run(struct hub *hub, void (*tick)(void *context), void *context);

/* Runs the jobs that wait, for the end: no more are submitted then. */
void hub_drain(struct hub *hub);

/* Whether the hub's thread has been at work within the last ten seconds. Any thread. */
bool hub_is_alive(const struct hub *hub);
