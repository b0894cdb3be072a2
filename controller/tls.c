/* tls.c - the controller's certificate, by GnuTLS.
 *
 * P-256 because every TLS client takes it (what certtool calls "medium" is a curve that some
 * refuse). It does not expire: whoever pins a key does not look at dates, and a mesh must not stop
 * on one.
 */
#include "tls.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "auto.h"
#include "file.h"
#include "key.h"

#define PEM_MAX (64 * 1024)

static int refuse(int r, const char *what, struct error *err)
{
    return error_set(err, ERROR_INTERNAL, "cannot %s: %s", what, gnutls_strerror(r));
}

static int set_host(gnutls_x509_crt_t crt, const char *host)
{
    uint8_t address[16];

    if (inet_pton(AF_INET, host, address) == 1)
        return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address, 4, 0);
    if (inet_pton(AF_INET6, host, address) == 1)
        return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address, 16, 0);
    return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, host,
                                                (unsigned)strlen(host), 0);
}

/* Fills in and signs. Each step gives 0 or a negative GnuTLS code; the first failure ends it. */
static int make_certificate(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *host)
{
    static const char name[] = "meshdns controller";
    uint8_t serial[16];

    key_random(serial, sizeof(serial));
    serial[0] &= 0x7f; /* a positive number */
    int r = gnutls_x509_crt_set_version(crt, 3);
    if (r >= 0)
        r = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
    if (r >= 0)
        r = gnutls_x509_crt_set_activation_time(crt, time(NULL) - 24 * 3600);
    if (r >= 0)
        r = gnutls_x509_crt_set_expiration_time(crt, (time_t)-1);
    if (r >= 0)
        r = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                          sizeof(name) - 1);
    if (r >= 0)
        r = set_host(crt, host);
    if (r >= 0)
        r = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
    if (r >= 0)
        r = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (r >= 0)
        r = gnutls_x509_crt_set_key(crt, key);
    if (r >= 0)
        r = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
    return r;
}

static int write_files(const char *folder, gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
                       struct error *err)
{
    char path[PATH_MAX];
    gnutls_datum_t pem;
    int r =
        gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
    if (r < 0)
        return refuse(r, "write the TLS key", err);
    (void)snprintf(path, sizeof(path), "%s/tls.key", folder);
    r = file_create_secret(path, pem.data, pem.size, err);
    key_wipe(pem.data, pem.size);
    gnutls_free(pem.data);
    if (r < 0)
        return r;

    r = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem);
    if (r < 0)
        return refuse(r, "write the certificate", err);
    (void)snprintf(path, sizeof(path), "%s/tls.crt", folder);
    r = file_write(path, 0644, pem.data, pem.size, err);
    gnutls_free(pem.data);
    return r;
}

int tls_create(const char *folder, const char *host, struct error *err)
{
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t crt = NULL;

    int r = gnutls_x509_privkey_init(&key);
    if (r >= 0)
        r = gnutls_x509_crt_init(&crt);
    if (r >= 0)
        r = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                         GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (r >= 0)
        r = make_certificate(crt, key, host);
    r = r < 0 ? refuse(r, "make the certificate", err) : write_files(folder, crt, key, err);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
    return r;
}

/* SHA-256 of the SubjectPublicKeyInfo, in curl's words. */
static int make_pin(gnutls_x509_crt_t crt, char ret_pin[static TLS_PIN])
{
    gnutls_datum_t spki = {0}, text = {0};
    gnutls_pubkey_t key = NULL;
    uint8_t hash[32];

    int r = gnutls_pubkey_init(&key);
    if (r >= 0)
        r = gnutls_pubkey_import_x509(key, crt, 0);
    if (r >= 0)
        r = gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &spki);
    if (r >= 0)
        r = gnutls_hash_fast(GNUTLS_DIG_SHA256, spki.data, spki.size, hash);
    if (r >= 0)
        r = gnutls_base64_encode2(&(gnutls_datum_t){hash, sizeof(hash)}, &text);
    if (r >= 0)
        (void)snprintf(ret_pin, TLS_PIN, "sha256//%.*s", (int)text.size, text.data);
    gnutls_free(text.data);
    gnutls_free(spki.data);
    gnutls_pubkey_deinit(key);
    return r;
}

static int read_pin(const char *pem, size_t size, char ret_pin[static TLS_PIN], struct error *err)
{
    gnutls_x509_crt_t crt = NULL;
    AUTO_FREE unsigned char *copy = (unsigned char *)strndup(pem, size);

    int r = copy ? gnutls_x509_crt_init(&crt) : GNUTLS_E_MEMORY_ERROR;
    if (r >= 0)
        r = gnutls_x509_crt_import(crt, &(gnutls_datum_t){copy, (unsigned)size},
                                   GNUTLS_X509_FMT_PEM);
    if (r >= 0)
        r = make_pin(crt, ret_pin);
    gnutls_x509_crt_deinit(crt);
    return r < 0 ? refuse(r, "read the certificate", err) : 0;
}

int tls_load(const char *folder, struct tls *ret_tls, struct error *err)
{
    struct tls tls = {0};
    char path[PATH_MAX];
    size_t size;

    (void)snprintf(path, sizeof(path), "%s/tls.key", folder);
    int r = file_read_secret(path, PEM_MAX, &tls.key, &size, err);
    (void)snprintf(path, sizeof(path), "%s/tls.crt", folder);
    if (r == 0)
        r = file_read(path, PEM_MAX, &tls.certificate, &size, err);
    if (r == 0)
        r = read_pin(tls.certificate, size, tls.pin, err);
    if (r < 0)
        tls_done(&tls);
    else
        *ret_tls = tls;
    return r;
}

void tls_done(struct tls *tls)
{
    if (tls->key)
        key_wipe(tls->key, strlen(tls->key));
    free(tls->key);
    free(tls->certificate);
    *tls = (struct tls){0};
}
