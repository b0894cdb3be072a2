/* seal.h - signed and encrypted messages from the controller, and signed floors.
 * Floor: wire (knows base; libsodium). No globals; safe in any thread.
 *
 * A sealed message, numbers most significant byte first:
 *
 *      0   4   "MDNS"
 *      4   2   protocol version, SEAL_VERSION
 *      6   2   kind, enum message_kind
 *      8  16   mesh id
 *     24   8   epoch of the group key; 0 = the body is not encrypted (CURVE alone carries it)
 *     32   8   sequence: rises with every message of a controller, over restarts too
 *     40  24   nonce (zero when epoch is 0)
 *     64   n   body: ciphertext and its 16-byte tag, or plain bytes when epoch is 0
 *   64+n  64   Ed25519 signature over all before it
 *
 * The body is XChaCha20-Poly1305 under the epoch's group key with bytes 0..63 as additional data: a
 * node that can read cannot forge, and no header can be moved to another body.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "error.h"
#include "key.h"

#define SEAL_VERSION  1
#define SEAL_MESH_ID  16
#define SEAL_HEADER   64
#define SEAL_OVERHEAD (SEAL_HEADER + 16 + KEY_SIGNATURE)
#define SEAL_DIGEST   32

struct seal_header {
    uint16_t version, kind;
    uint8_t mesh_id[SEAL_MESH_ID];
    uint64_t epoch, sequence;
};

/* Why a message was refused: each is counted by itself and shown in `status`. */
enum seal_refusal {
    SEAL_OK = 0,
    SEAL_MALFORMED,     /* too short, wrong magic, wrong length */
    SEAL_OTHER_VERSION, /* a protocol version this program does not speak */
    SEAL_WRONG_MESH,
    SEAL_BAD_SIGNATURE, /* forged, flipped, or another controller's */
    SEAL_OLD_EPOCH,
    SEAL_UNKNOWN_EPOCH, /* newer than the key at hand: say hello again */
    SEAL_UNREADABLE,    /* signed, but does not decrypt */
    SEAL_REFUSALS
};

/* "bad-signature" and the like, for counters. */
const char *seal_refusal_name(enum seal_refusal refusal);

/* Appends a sealed message to ret_message.
 *
 *   header     version is set by this function; epoch 0 leaves the body in the clear
 *   group_key  of header->epoch; NULL when that is 0
 *
 * Returns 0 or ERROR_INTERNAL. */
int seal_close(const struct seal_header *header, const uint8_t *group_key,
               const uint8_t secret_key[static KEY_SIGN_SECRET], const void *body, size_t size,
               struct buffer *ret_message, struct error *err);

/* What a node expects. */
struct seal_expected {
    uint8_t mesh_id[SEAL_MESH_ID];
    uint8_t public_key[KEY_SIGN_PUBLIC];
    uint64_t epoch; /* of group_key; 0 = none yet */
    uint8_t group_key[KEY_GROUP];
};

/* Checks and opens a message. ret_header is filled as soon as the signature holds; ret_body gets
 * the plain bytes (reset first). Sequences are the caller's to compare. */
enum seal_refusal seal_open(const void *message, size_t size, const struct seal_expected *expected,
                            struct seal_header *ret_header, struct buffer *ret_body);

/* The controller's word that revision with digest was in force, which a node shows at hello:
 * Ed25519 over "meshdns floor 1", mesh id, revision (8 bytes), digest. */
void seal_floor(const uint8_t mesh_id[static SEAL_MESH_ID], uint64_t revision,
                const uint8_t digest[static SEAL_DIGEST],
                const uint8_t secret_key[static KEY_SIGN_SECRET],
                uint8_t ret_signature[static KEY_SIGNATURE]);
int seal_floor_check(const uint8_t mesh_id[static SEAL_MESH_ID], uint64_t revision,
                     const uint8_t digest[static SEAL_DIGEST],
                     const uint8_t public_key[static KEY_SIGN_PUBLIC],
                     const uint8_t signature[static KEY_SIGNATURE]); /* 0 = holds */

/* The digest of a set of documents: the sum mod 2^256 of BLAKE2b-256 of each one's packed bytes, so
 * that one change costs one addition and one subtraction. Starts as all zero, least significant
 * byte first. */
void seal_digest_add(uint8_t digest[static SEAL_DIGEST], const void *bytes, size_t size);
void seal_digest_remove(uint8_t digest[static SEAL_DIGEST], const void *bytes, size_t size);
