/* catchup.h - how a node gets from its revision to the controller's.
 * Knows mesh, wire. Belongs to one thread.
 *
 * A delta that fits is applied. A gap asks for deltas (fetch). When those would be too large, or
 * the digest does not come out, the full state is pulled by cursor, then what changed since its
 * first chunk is fetched, the digest is compared, and all is applied at once. Deltas that arrive in
 * the meantime are let go: the last fetch brings them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "mesh.h"
#include "message.h"
#include "stage.h"

enum catchup_phase {
    CATCHUP_IDLE,
    CATCHUP_FETCH, /* deltas were asked for, or will be at next_ms */
    CATCHUP_PULL,  /* chunks */
    CATCHUP_CLOSE, /* all chunks are there; the deltas since the first one are asked for */
};

/* Start from {.mesh = mesh}. */
struct catchup {
    struct mesh *mesh;
    enum catchup_phase phase;
    uint64_t next_ms; /* when to ask, or ask again; boot clock */
    char cursor[MESSAGE_NAME_MAX + 1];
    bool has_first;
    uint64_t first_revision; /* of the first chunk */
    struct stage stage;
    uint64_t pause_ms; /* before the next try, after what arrived could not be applied; 0 = none */
};

enum catchup_result {
    CATCHUP_APPLIED,  /* a new revision is in force */
    CATCHUP_PROGRESS, /* a part of the full state */
    CATCHUP_KNOWN,    /* nothing new, nothing wrong: what is in force already, or comes again */
    CATCHUP_GAP,      /* it builds on a revision that is not here; asked for now */
    CATCHUP_OLD,      /* goes back behind what is in force: refused */
    CATCHUP_DIGEST, /* the documents do not have its digest: refused, the full state is asked for */
    CATCHUP_FAILED, /* could not be stored; tried again later. err says why */
    CATCHUP_FATAL,  /* memory ran out behind the commit; see mesh_apply */
};

void catchup_done(struct catchup *catchup);

/* Asks for deltas, or the full state, from when_ms on; does nothing while the like is under way. */
void catchup_fetch(struct catchup *catchup, uint64_t when_ms);
void catchup_pull(struct catchup *catchup, uint64_t when_ms);

/* Forgets what is under way: this node is where the controller is. */
void catchup_rest(struct catchup *catchup);

/* What arrived. is_unicast: through the node channel. */
enum catchup_result catchup_delta(struct catchup *catchup, const struct message *message,
                                  bool is_unicast, uint64_t now_ms, struct error *err);
enum catchup_result catchup_chunk(struct catchup *catchup, const struct message *message,
                                  uint64_t now_ms, struct error *err);

/* "Deltas would be too large": to all (then the pulls are spread by when_ms), or as an answer. */
void catchup_pull_needed(struct catchup *catchup, const struct message *message, bool is_unicast,
                         uint64_t when_ms);

/* The request that is due, if any: 1 and the message; then it is due again after retry_ms. */
int catchup_request(struct catchup *catchup, uint64_t now_ms, uint64_t retry_ms,
                    struct message *ret_message);
