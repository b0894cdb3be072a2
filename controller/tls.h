/* tls.h - the controller's certificate: self-signed, known by the hash of its public key.
 * Part of the controller; GnuTLS. No globals.
 *
 * Nobody's certification authority is asked: invitations and contexts carry the pin, as curl
 * writes it (`sha256//` and base64 of SHA-256 over the SubjectPublicKeyInfo).
 */
#pragma once

#include "error.h"

#define TLS_PIN 64

struct tls {
    char *key, *certificate; /* PEM */
    char pin[TLS_PIN];
};

/* Writes FOLDER/tls.key (0600 from the first instant) and FOLDER/tls.crt: EC P-256, for a host. */
int tls_create(const char *folder, const char *host, struct error *err);

/* Reads both. ret_tls: tls_done. */
int tls_load(const char *folder, struct tls *ret_tls, struct error *err);

/* Wipes the key and frees. */
void tls_done(struct tls *tls);
