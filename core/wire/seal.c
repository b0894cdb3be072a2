/* seal.c - sign, encrypt, and check in the order that tells an attacker nothing.
 *
 * A node first looks at what needs no key (length, magic, version, mesh), then at the signature
 * over every byte, and only then at the epoch and the body. So nothing in a message is acted upon
 * before the controller is known to have said it. Ed25519 and XChaCha20-Poly1305 are libsodium's.
 */
#include "seal.h"

#include <string.h>

#include <sodium.h>

#include "cursor.h"

#define MAGIC       "MDNS"
#define NONCE_AT    40
#define TAG         crypto_aead_xchacha20poly1305_ietf_ABYTES
#define FLOOR_TITLE "meshdns floor 1"

_Static_assert(NONCE_AT + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == SEAL_HEADER, "layout");
_Static_assert(SEAL_HEADER + TAG + KEY_SIGNATURE == SEAL_OVERHEAD, "layout");

const char *seal_refusal_name(enum seal_refusal refusal)
{
    static const char *const names[SEAL_REFUSALS] = {
        [SEAL_OK] = "ok",
        [SEAL_MALFORMED] = "malformed",
        [SEAL_OTHER_VERSION] = "other-version",
        [SEAL_WRONG_MESH] = "wrong-mesh",
        [SEAL_BAD_SIGNATURE] = "bad-signature",
        [SEAL_OLD_EPOCH] = "old-epoch",
        [SEAL_UNKNOWN_EPOCH] = "unknown-epoch",
        [SEAL_UNREADABLE] = "unreadable",
    };

    return (unsigned)refusal < SEAL_REFUSALS ? names[refusal] : "unknown";
}

/* Lays out bytes 0..63. A random nonce of 192 bits never repeats under one key. */
static void write_header(const struct seal_header *header, struct buffer *buffer)
{
    uint8_t nonce[SEAL_HEADER - NONCE_AT] = {0};

    if (header->epoch)
        randombytes_buf(nonce, sizeof(nonce));
    buffer_append(buffer, MAGIC, 4);
    buffer_number(buffer, SEAL_VERSION, 2);
    buffer_number(buffer, header->kind, 2);
    buffer_append(buffer, header->mesh_id, SEAL_MESH_ID);
    buffer_number(buffer, header->epoch, 8);
    buffer_number(buffer, header->sequence, 8);
    buffer_append(buffer, nonce, sizeof(nonce));
}

int seal_close(const struct seal_header *header, const uint8_t *group_key,
               const uint8_t secret_key[static KEY_SIGN_SECRET], const void *body, size_t size,
               struct buffer *ret_message, struct error *err)
{
    static const uint8_t room[TAG + KEY_SIGNATURE];
    size_t start = ret_message->size, tag = header->epoch ? TAG : 0;

    if (header->epoch && !group_key)
        return error_set(err, ERROR_INTERNAL, "no group key for epoch %llu",
                         (unsigned long long)header->epoch);
    write_header(header, ret_message);
    buffer_append(ret_message, body, size);
    buffer_append(ret_message, room, tag + KEY_SIGNATURE);
    if (!buffer_is_good(ret_message))
        return error_set(err, ERROR_INTERNAL, "no memory for a message of %zu bytes", size);

    uint8_t *message = ret_message->bytes + start, *text = message + SEAL_HEADER;
    if (header->epoch)
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
            text, NULL, text, size, message, SEAL_HEADER, NULL, message + NONCE_AT, group_key);
    size_t signed_size = SEAL_HEADER + size + tag;
    (void)crypto_sign_detached(message + signed_size, NULL, message, signed_size, secret_key);
    return 0;
}

static struct seal_header read_header(const void *message)
{
    struct cursor cursor = cursor_view(message, SEAL_HEADER);
    struct seal_header header;

    (void)cursor_take(&cursor, 4);
    header.version = (uint16_t)cursor_number(&cursor, 2);
    header.kind = (uint16_t)cursor_number(&cursor, 2);
    cursor_copy(&cursor, header.mesh_id, SEAL_MESH_ID);
    header.epoch = cursor_number(&cursor, 8);
    header.sequence = cursor_number(&cursor, 8);
    return header;
}

/* Opens what a known epoch's key closed. */
static enum seal_refusal decrypt(const uint8_t *message, size_t size, const uint8_t *group_key,
                                 struct buffer *ret_body)
{
    if (size < TAG)
        return SEAL_MALFORMED;
    buffer_append(ret_body, message + SEAL_HEADER, size);
    if (!buffer_is_good(ret_body))
        return SEAL_UNREADABLE;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            ret_body->bytes, NULL, NULL, message + SEAL_HEADER, size, message, SEAL_HEADER,
            message + NONCE_AT, group_key) != 0) {
        buffer_reset(ret_body);
        return SEAL_UNREADABLE;
    }
    ret_body->size = size - TAG;
    ret_body->bytes[ret_body->size] = 0;
    return SEAL_OK;
}

enum seal_refusal seal_open(const void *message, size_t size, const struct seal_expected *expected,
                            struct seal_header *ret_header, struct buffer *ret_body)
{
    const uint8_t *bytes = message;

    buffer_reset(ret_body);
    if (size < SEAL_HEADER + KEY_SIGNATURE || memcmp(bytes, MAGIC, 4) != 0)
        return SEAL_MALFORMED;

    struct seal_header header = read_header(bytes);
    size_t signed_size = size - KEY_SIGNATURE;
    if (header.version != SEAL_VERSION)
        return SEAL_OTHER_VERSION;
    if (memcmp(header.mesh_id, expected->mesh_id, SEAL_MESH_ID) != 0)
        return SEAL_WRONG_MESH;
    if (crypto_sign_verify_detached(bytes + signed_size, bytes, signed_size,
                                    expected->public_key) != 0)
        return SEAL_BAD_SIGNATURE;
    *ret_header = header;

    if (header.epoch == 0) {
        buffer_append(ret_body, bytes + SEAL_HEADER, signed_size - SEAL_HEADER);
        return buffer_is_good(ret_body) ? SEAL_OK : SEAL_UNREADABLE;
    }
    if (header.epoch < expected->epoch)
        return SEAL_OLD_EPOCH;
    if (header.epoch > expected->epoch)
        return SEAL_UNKNOWN_EPOCH;
    return decrypt(bytes, signed_size - SEAL_HEADER, expected->group_key, ret_body);
}

#define FLOOR_SIZE (sizeof(FLOOR_TITLE) - 1 + SEAL_MESH_ID + 8 + SEAL_DIGEST)

static void write_floor(const uint8_t *mesh_id, uint64_t revision, const uint8_t *digest,
                        uint8_t ret_text[static FLOOR_SIZE])
{
    uint8_t *at = ret_text;

    memcpy(at, FLOOR_TITLE, sizeof(FLOOR_TITLE) - 1);
    at += sizeof(FLOOR_TITLE) - 1;
    memcpy(at, mesh_id, SEAL_MESH_ID);
    at += SEAL_MESH_ID;
    for (unsigned i = 0; i < 8; i++)
        *at++ = (uint8_t)(revision >> (56 - 8 * i));
    memcpy(at, digest, SEAL_DIGEST);
}

void seal_floor(const uint8_t mesh_id[static SEAL_MESH_ID], uint64_t revision,
                const uint8_t digest[static SEAL_DIGEST],
                const uint8_t secret_key[static KEY_SIGN_SECRET],
                uint8_t ret_signature[static KEY_SIGNATURE])
{
    uint8_t text[FLOOR_SIZE];

    write_floor(mesh_id, revision, digest, text);
    (void)crypto_sign_detached(ret_signature, NULL, text, sizeof(text), secret_key);
}

int seal_floor_check(const uint8_t mesh_id[static SEAL_MESH_ID], uint64_t revision,
                     const uint8_t digest[static SEAL_DIGEST],
                     const uint8_t public_key[static KEY_SIGN_PUBLIC],
                     const uint8_t signature[static KEY_SIGNATURE])
{
    uint8_t text[FLOOR_SIZE];

    write_floor(mesh_id, revision, digest, text);
    return crypto_sign_verify_detached(signature, text, sizeof(text), public_key) == 0
               ? 0
               : ERROR_REFUSED;
}

static void hash(const void *bytes, size_t size, uint8_t ret_hash[static SEAL_DIGEST])
{
    (void)crypto_generichash(ret_hash, SEAL_DIGEST, bytes, size, NULL, 0);
}

/* libsodium's add and sub are mod 2^256, least significant byte first. */
void seal_digest_add(uint8_t digest[static SEAL_DIGEST], const void *bytes, size_t size)
{
    uint8_t one[SEAL_DIGEST];

    hash(bytes, size, one);
    sodium_add(digest, one, SEAL_DIGEST);
}

void seal_digest_remove(uint8_t digest[static SEAL_DIGEST], const void *bytes, size_t size)
{
    uint8_t one[SEAL_DIGEST];

    hash(bytes, size, one);
    sodium_sub(digest, one, SEAL_DIGEST);
}
