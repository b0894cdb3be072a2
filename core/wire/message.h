/* message.h - what controller and nodes say to each other.
 * Floor: wire (knows base; msgpack-c). No globals; safe in any thread.
 *
 * FROM A NODE to the controller (DEALER to ROUTER, CURVE): one frame, a msgpack array
 * [version, kind, map].
 *
 *   hello  {software: text, nonce: bin16, epoch: n, revision: n, digest: bin32, floor: bin64?}
 *          at connect, and whenever the node finds an unknown epoch. floor is the signature that
 *          came with (revision, digest); absent while the node has no state
 *   ack    {revision: n, digest: bin32, unsupported: n, stale: bool}    at most one a second; also
 *          the node's sign of life, sent every report_interval. Answered by a heartbeat
 *   fetch  {after: n}          answered by a delta, or by pull-needed when that would be too large
 *   pull   {cursor: text}      the full state in name order, after cursor ("" = from the start);
 *          answered by one chunk; asking for the next one is the credit
 *
 * FROM THE CONTROLLER (ROUTER to one node, or XPUB to all): one frame, a sealed message (seal.h)
 * whose body is a msgpack map.
 *
 *   welcome   {nonce: bin16, epoch: n, key: bin32, revision: n, digest: bin32, heartbeat_ms: n}
 *             epoch 0 in the seal: CURVE carries it. Answers hello; its nonce proves freshness
 *   epoch     {epoch: n, key: bin32}    unicast, sealed with epoch 0: the group key has changed
 *   heartbeat {revision: n, digest: bin32}
 *   delta     {previous: n, revision: n, digest: bin32, floor: bin64,
 *              upserts: [{revision: n, document: bin}], deletes: [text]}
 *             applies when previous <= mine < revision; digest and floor are those of revision
 *   pull_needed {revision: n}
 *   chunk     {revision: n, digest: bin32, floor: bin64, upserts: [...], next: text}
 *             revision is the controller's at this moment. next = "" ends the state. The first
 *             chunk's revision is where the node then fetches from
 *   advice, candidate    reserved
 *
 * A receiver skips and counts kinds it does not know and ignores keys it does not know. A version
 * it does not speak is refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "error.h"
#include "seal.h"

#define MESSAGE_VERSION   1
#define MESSAGE_MAX       (4 * 1024 * 1024) /* bytes; ZMQ_MAXMSGSIZE of both, CURVE included */
#define MESSAGE_DELTA_MAX (1024 * 1024 + 512 * 1024) /* body bytes; beyond it, pull_needed */
#define MESSAGE_CHUNK     (256 * 1024) /* body bytes, but always at least one document */
#define MESSAGE_NONCE     16
#define MESSAGE_NAME_MAX  63

enum message_kind {
    MESSAGE_HELLO = 1,
    MESSAGE_ACK = 2,
    MESSAGE_FETCH = 3,
    MESSAGE_PULL = 4,
    MESSAGE_WELCOME = 64,
    MESSAGE_EPOCH = 65,
    MESSAGE_HEARTBEAT = 66,
    MESSAGE_DELTA = 67,
    MESSAGE_PULL_NEEDED = 68,
    MESSAGE_CHUNK_STATE = 69,
    MESSAGE_ADVICE = 70,    /* reserved */
    MESSAGE_CANDIDATE = 71, /* reserved */
};

/* The fields of all kinds; each kind uses those named above. Byte fields are borrowed from the
 * bytes that were decoded, and borrowed by those that are encoded. */
struct message_bytes {
    const uint8_t *bytes;
    size_t size;
};

struct message_upsert {
    uint64_t revision;
    struct message_bytes document; /* canonical msgpack, as the controller packed it */
};

struct message {
    unsigned kind;
    char software[64];
    uint8_t nonce[MESSAGE_NONCE];
    uint64_t epoch, revision, previous, after;
    uint32_t heartbeat_ms, unsupported;
    bool is_stale, has_floor;
    uint8_t digest[SEAL_DIGEST], floor[KEY_SIGNATURE], key[KEY_GROUP];
    char cursor[MESSAGE_NAME_MAX + 1], next[MESSAGE_NAME_MAX + 1];
    struct message_upsert *upserts;
    size_t upsert_count;
    char (*deletes)[MESSAGE_NAME_MAX + 1];
    size_t delete_count;
};

/* Gives back what a decoded message owns, wipes its key, leaves {0}. */
void message_done(struct message *message);

/* Appends a node's message, envelope included. */
void message_write_node(const struct message *message, struct buffer *buffer);

/* Appends the body (map only) of a controller's message; seal_close makes it a whole one. */
void message_write_body(const struct message *message, struct buffer *buffer);

/* Reads a node's message. Returns 0; ERROR_UNSUPPORTED for a kind that is not known (kind is then
 * filled), ERROR_INVALID for everything that is wrong. Bounded by size; pack_check comes first. */
int message_read_node(const void *bytes, size_t size, struct message *ret_message,
                      struct error *err);

/* Reads the body of a controller's message of `kind`. As message_read_node. */
int message_read_body(unsigned kind, const void *bytes, size_t size, struct message *ret_message,
                      struct error *err);
