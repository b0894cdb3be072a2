/* key.h - key pairs, secrets and their files.
 * Floor: wire (knows base; libsodium). Secrets live in the structs given, which callers wipe.
 *
 * A key file is text, mode 0600 from its first instant: `meshdns-key KIND HEX\n`, where KIND is
 * "sign" (Ed25519 secret key, 64 bytes) or "curve" (Curve25519 secret key, 32 bytes).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define KEY_SIGN_PUBLIC  32 /* Ed25519 */
#define KEY_SIGN_SECRET  64
#define KEY_CURVE_PUBLIC 32 /* Curve25519, as ZeroMQ's CURVE wants them */
#define KEY_CURVE_SECRET 32
#define KEY_GROUP        32 /* XChaCha20-Poly1305 */
#define KEY_SIGNATURE    64
#define KEY_TOKEN        32 /* random bytes behind a bearer token or an invitation */
#define KEY_TOKEN_HASH   32

struct key_sign {
    uint8_t public_key[KEY_SIGN_PUBLIC];
    uint8_t secret_key[KEY_SIGN_SECRET];
};

struct key_curve {
    uint8_t public_key[KEY_CURVE_PUBLIC];
    uint8_t secret_key[KEY_CURVE_SECRET];
};

/* Once per process, before all else here: sodium_init. Returns 0 or ERROR_INTERNAL. */
int key_init(struct error *err);

void key_sign_make(struct key_sign *ret_key);
void key_curve_make(struct key_curve *ret_key);

/* Overwrites a secret so that the compiler cannot leave it out. */
void key_wipe(void *secret, size_t size);

/* Random bytes for keys, nonces and ids. */
void key_random(void *ret_bytes, size_t size);

/* Compares without telling by its time where the difference is. */
bool key_is_equal(const void *one, const void *other, size_t size);

/* Files. Creating refuses to replace (ERROR_CONFLICT); loading refuses modes beyond 0600. The
 * public halves are derived from the secrets. */
int key_sign_create(const char *path, const struct key_sign *key, struct error *err);
int key_sign_load(const char *path, struct key_sign *ret_key, struct error *err);
int key_curve_create(const char *path, const struct key_curve *key, struct error *err);
int key_curve_load(const char *path, struct key_curve *ret_key, struct error *err);

/* Lower-case hex; ret_text has room for 2 * size + 1. */
void key_to_hex(const uint8_t *bytes, size_t size, char *ret_text);

/* Exactly size bytes from hex, else ERROR_INVALID. Constant time in the digits. */
int key_from_hex(const char *text, uint8_t *ret_bytes, size_t size, struct error *err);

/* A token is `PREFIX_` and 43 characters of base64url (32 random bytes). prefix: at most 8
 * characters, such as "mdt" (bearer) and "mdi" (invitation). ret_text has room for 64. */
void key_token_make(const char *prefix, char *ret_text);

/* What a store keeps of a token: BLAKE2b-256 of its text. */
void key_token_hash(const char *token, uint8_t ret_hash[static KEY_TOKEN_HASH]);
