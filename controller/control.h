/* control.h - all that the hub's thread works on, and what several of its parts do to it.
 * Part of the controller; the hub's thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "authority.h"
#include "config.h"
#include "cut.h"
#include "documents.h"
#include "error.h"
#include "log.h"
#include "nodes.h"
#include "sealer.h"
#include "store.h"

/* Who and what was refused: counted in `status`. Code and name. */
/* clang-format off */
#define CONTROL_REFUSALS(X)                   \
    X(CONTROL_UNKNOWN_KEY,   "unknown-key")   \
    X(CONTROL_REVOKED,       "revoked")       \
    X(CONTROL_NO_CURVE,      "no-curve")      \
    X(CONTROL_HANDSHAKE,     "handshake")     \
    X(CONTROL_NO_HELLO,      "no-hello")      \
    X(CONTROL_TOPIC,         "topic")         \
    X(CONTROL_MALFORMED,     "malformed")     \
    X(CONTROL_UNKNOWN_KIND,  "unknown-kind")  \
    X(CONTROL_BAD_FLOOR,     "bad-floor")     \
    X(CONTROL_TOKEN,         "token")         \
    X(CONTROL_INVITATION,    "invitation")
/* clang-format on */

enum control_refusal {
#define X(code, name) code,
    CONTROL_REFUSALS(X)
#undef X
        CONTROL_REFUSAL_COUNT
};

const char *control_refusal_name(enum control_refusal refusal);

#define CONTROL_JOIN_SLOTS 256

/* What has been sent to all, and when the next is due (broadcast.h). */
struct control_broadcast {
    uint64_t revision;
    uint8_t digest[SEAL_DIGEST];
    uint64_t due_ms; /* 0 = nothing waits */
    uint64_t pause_ms, last_ms, heartbeat_due_ms;
};

struct control {
    const struct config *config;
    const struct authority *authority;
    struct log *log;
    struct store *store;
    struct documents documents;
    struct nodes nodes;
    struct sealer sealer;
    struct cut *cut;
    void *router, *xpub;
    struct control_broadcast broadcast;
    char advertise[256];
    char read_only[256]; /* why changes are refused; "" = they are not */
    uint64_t floor_revision, floor_epoch;
    struct {
        uint64_t credit_ms, asked_ms;
    } joins[CONTROL_JOIN_SLOTS]; /* api_join's limiter, by the hash of an address */
    uint64_t started_ms, refused[CONTROL_REFUSAL_COUNT];
    struct {
        uint64_t since_ms, lines, silent;
    } told[CONTROL_REFUSAL_COUNT]; /* the log's limiter */
    struct buffer sealed;          /* for messages under way */
};

/* Loads all from the store. authority's name and id are filled in here. */
int control_init(struct control *control, const struct config *config, struct authority *authority,
                 struct log *log, struct error *err);
void control_done(struct control *control);

/* Counts, and logs at most a few of each kind in ten seconds, so that nobody fills the disk with
 * our words. who: an address or a node's name. */
void control_refuse(struct control *control, enum control_refusal refusal, const char *who,
                    const char *why);

/* A node proved a revision that this store does not know, or another content of it: the store is
 * older than the mesh. Changes are refused from here on, over restarts too, until `recover`. */
void control_turn_read_only(struct control *control, const char *node, uint64_t revision,
                            bool is_same);

/* ERROR_AGAIN with the cure while the mesh is read-only, else 0. */
int control_check_writable(const struct control *control, struct error *err);

/* Closes a message and sends it to one node over the ROUTER, or to all. A node that cannot take it
 * is passed over: whatever is lost is asked for again. */
void control_tell(struct control *control, struct nodes_node *node, const struct message *message);
void control_tell_all(struct control *control, const struct message *message);

/* Revokes a node: no more connections, those it has are cut, the others get a new epoch's key. */
int control_revoke(struct control *control, struct nodes_node *node, struct error *err);

/* Makes an adopted epoch known to every connected node. */
void control_tell_epoch(struct control *control);
