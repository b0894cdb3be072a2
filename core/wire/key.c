/* key.c - keys and tokens, by libsodium.
 *
 * The public half of an Ed25519 key is the second half of its secret [1]; that of a Curve25519 key
 * is the base point times the secret [2], which is also what ZeroMQ's CURVE takes.
 *
 * [1] https://doc.libsodium.org/public-key_cryptography/public-key_signatures
 * [2] https://doc.libsodium.org/advanced/scalar_multiplication
 */
#include "key.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "auto.h"
#include "file.h"

#define MAGIC    "meshdns-key"
#define FILE_MAX 512 /* bytes of a key file */

_Static_assert(KEY_SIGN_PUBLIC == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(KEY_SIGN_SECRET == crypto_sign_SECRETKEYBYTES, "Ed25519");
_Static_assert(KEY_SIGNATURE == crypto_sign_BYTES, "Ed25519");
_Static_assert(KEY_CURVE_PUBLIC == crypto_scalarmult_BYTES, "Curve25519");
_Static_assert(KEY_CURVE_SECRET == crypto_scalarmult_SCALARBYTES, "Curve25519");
_Static_assert(KEY_GROUP == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "XChaCha20-Poly1305");

int key_init(struct error *err)
{
    if (sodium_init() < 0)
        return error_set(err, ERROR_INTERNAL, "libsodium cannot start: no random numbers");
    return 0;
}

void key_sign_make(struct key_sign *ret_key)
{
    (void)crypto_sign_keypair(ret_key->public_key, ret_key->secret_key);
}

void key_curve_make(struct key_curve *ret_key)
{
    (void)crypto_box_keypair(ret_key->public_key, ret_key->secret_key);
}

void key_wipe(void *secret, size_t size)
{
    sodium_memzero(secret, size);
}

void key_random(void *ret_bytes, size_t size)
{
    randombytes_buf(ret_bytes, size);
}

bool key_is_equal(const void *one, const void *other, size_t size)
{
    return sodium_memcmp(one, other, size) == 0;
}

static int create(const char *path, const char *kind, const uint8_t *secret, size_t size,
                  struct error *err)
{
    char hex[2 * KEY_SIGN_SECRET + 1], text[FILE_MAX];

    key_to_hex(secret, size, hex);
    int length = snprintf(text, sizeof(text), MAGIC " %s %s\n", kind, hex);
    int r = file_create_secret(path, text, (size_t)length, err);

    sodium_memzero(hex, sizeof(hex));
    sodium_memzero(text, sizeof(text));
    return r;
}

/* The hexadecimal part of a key file's text, cut at its line end; NULL when it is of another kind.
 */
static char *find_digits(char *text, size_t size, const char *kind)
{
    char head[64];
    int length = snprintf(head, sizeof(head), MAGIC " %s ", kind);

    if (size < (size_t)length + 1 || memcmp(text, head, (size_t)length) != 0)
        return NULL;
    if (text[size - 1] == '\n')
        text[size - 1] = '\0';
    return text + length;
}

static int load(const char *path, const char *kind, uint8_t *ret_secret, size_t size,
                struct error *err)
{
    AUTO_FREE char *text = NULL;
    size_t length;
    int r = file_read_secret(path, FILE_MAX, &text, &length, err);
    if (r < 0)
        return r;

    const char *digits = find_digits(text, length, kind);
    if (!digits || key_from_hex(digits, ret_secret, size, NULL) < 0) {
        r = error_set(err, ERROR_INVALID, "is no key file of the kind '%s'", kind);
        error_hint(err, "the line must be: " MAGIC " %s and %zu hexadecimal digits", kind,
                   2 * size);
        error_where(err, path);
    }
    sodium_memzero(text, length);
    return r;
}

int key_sign_create(const char *path, const struct key_sign *key, struct error *err)
{
    return create(path, "sign", key->secret_key, sizeof(key->secret_key), err);
}

int key_sign_load(const char *path, struct key_sign *ret_key, struct error *err)
{
    struct key_sign key;
    int r = load(path, "sign", key.secret_key, sizeof(key.secret_key), err);

    if (r == 0) {
        (void)crypto_sign_ed25519_sk_to_pk(key.public_key, key.secret_key);
        *ret_key = key;
    }
    sodium_memzero(&key, sizeof(key));
    return r;
}

int key_curve_create(const char *path, const struct key_curve *key, struct error *err)
{
    return create(path, "curve", key->secret_key, sizeof(key->secret_key), err);
}

int key_curve_load(const char *path, struct key_curve *ret_key, struct error *err)
{
    struct key_curve key;
    int r = load(path, "curve", key.secret_key, sizeof(key.secret_key), err);

    if (r == 0) {
        (void)crypto_scalarmult_base(key.public_key, key.secret_key);
        *ret_key = key;
    }
    sodium_memzero(&key, sizeof(key));
    return r;
}

void key_to_hex(const uint8_t *bytes, size_t size, char *ret_text)
{
    (void)sodium_bin2hex(ret_text, 2 * size + 1, bytes, size);
}

int key_from_hex(const char *text, uint8_t *ret_bytes, size_t size, struct error *err)
{
    uint8_t bytes[KEY_SIGN_SECRET];
    const char *end;
    size_t got, length = strlen(text);

    if (size > sizeof(bytes) || length != 2 * size ||
        sodium_hex2bin(bytes, sizeof(bytes), text, length, NULL, &got, &end) != 0 || got != size ||
        *end != '\0')
        return error_set(err, ERROR_INVALID, "must be %zu hexadecimal digits", 2 * size);
    memcpy(ret_bytes, bytes, size);
    sodium_memzero(bytes, sizeof(bytes));
    return 0;
}

void key_token_make(const char *prefix, char *ret_text)
{
    uint8_t secret[KEY_TOKEN];
    char text[sodium_base64_ENCODED_LEN(KEY_TOKEN, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

    randombytes_buf(secret, sizeof(secret));
    (void)sodium_bin2base64(text, sizeof(text), secret, sizeof(secret),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    (void)snprintf(ret_text, 64, "%.8s_%s", prefix, text);
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(text, sizeof(text));
}

void key_token_hash(const char *token, uint8_t ret_hash[static KEY_TOKEN_HASH])
{
    (void)crypto_generichash(ret_hash, KEY_TOKEN_HASH, (const uint8_t *)token, strlen(token), NULL,
                             0);
}
