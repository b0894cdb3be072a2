/* endpoint.h - "host:port" as people write it.
 * Floor: base. Pure; safe in any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

#define ENDPOINT_HOST_MAX 253

struct endpoint {
    char host[ENDPOINT_HOST_MAX + 1]; /* an address, or a host name; IPv6 without brackets */
    uint16_t port;                    /* 1..65535, host order */
    bool is_v4, is_v6;                /* host is a numeric address of that family */
};

/* Reads "10.0.0.1:7443", "[fd00::1]:7443", "controller.example.net:7443", with or without a scheme
 * before it ("tcp://", "https://"). Returns 0 or ERROR_INVALID. */
int endpoint_read(const char *text, struct endpoint *ret_endpoint, struct error *err);

/* As endpoint_read, where only a numeric address will do: what a server listens on. */
int endpoint_read_numeric(const char *text, struct endpoint *ret_endpoint, struct error *err);

/* Whether a host, without a port, is one: a numeric address (IPv6 without brackets) or a host name
 * of letters, digits, '-', '_' and '.'. */
bool endpoint_is_host(const char *host);

/* Writes SCHEME://HOST:PORT, IPv6 in brackets. ret_text has room for ENDPOINT_TEXT. */
#define ENDPOINT_TEXT 300
void endpoint_write(const char *scheme, const char *host, uint16_t port,
                    char ret_text[static ENDPOINT_TEXT]);
