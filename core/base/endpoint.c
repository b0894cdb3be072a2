/* endpoint.c - "host:port" as people write it. */
#include "endpoint.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_numeric(int family, const char *host)
{
    uint8_t address[16];

    return inet_pton(family, host, address) == 1;
}

bool endpoint_is_host(const char *host)
{
    size_t length = strlen(host);

    if (is_numeric(AF_INET, host) || is_numeric(AF_INET6, host))
        return true;
    if (length == 0 || length > ENDPOINT_HOST_MAX || host[0] == '.' || host[0] == '-')
        return false;
    return strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
           length;
}

/* 1..65535 in plain digits; 0 for all else. */
static uint16_t read_port(const char *text)
{
    size_t length = strspn(text, "0123456789");

    if (length == 0 || length > 5 || text[length] != '\0')
        return 0;
    long port = strtol(text, NULL, 10);
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static int refuse(const char *text, struct error *err)
{
    error_set(err, ERROR_INVALID, "'%.300s' is no address with a port", text);
    error_hint(err, "such as 0.0.0.0:7443 or [::]:7443; ports are 1..65535");
    return ERROR_INVALID;
}

int endpoint_read(const char *text, struct endpoint *ret_endpoint, struct error *err)
{
    struct endpoint endpoint = {0};
    const char *scheme = strstr(text, "://");
    const char *host = scheme ? scheme + 3 : text;
    bool has_brackets = host[0] == '[';
    const char *end = has_brackets ? strchr(host, ']') : strrchr(host, ':');
    const char *colon = end && has_brackets ? end + 1 : end;

    host += has_brackets;
    if (!colon || *colon != ':' || (size_t)(end - host) >= sizeof(endpoint.host))
        return refuse(text, err);
    memcpy(endpoint.host, host, (size_t)(end - host));
    endpoint.port = read_port(colon + 1);
    endpoint.is_v4 = is_numeric(AF_INET, endpoint.host);
    endpoint.is_v6 = is_numeric(AF_INET6, endpoint.host);
    if (endpoint.port == 0 || endpoint.is_v6 != has_brackets || !endpoint_is_host(endpoint.host))
        return refuse(text, err);
    *ret_endpoint = endpoint;
    return 0;
}

int endpoint_read_numeric(const char *text, struct endpoint *ret_endpoint, struct error *err)
{
    struct endpoint endpoint;
    int r = endpoint_read(text, &endpoint, err);

    if (r == 0 && !endpoint.is_v4 && !endpoint.is_v6)
        return refuse(text, err);
    if (r == 0)
        *ret_endpoint = endpoint;
    return r;
}

void endpoint_write(const char *scheme, const char *host, uint16_t port,
                    char ret_text[static ENDPOINT_TEXT])
{
    bool has_brackets = strchr(host, ':') != NULL;

    (void)snprintf(ret_text, ENDPOINT_TEXT, "%s://%s%.253s%s:%u", scheme, has_brackets ? "[" : "",
                   host, has_brackets ? "]" : "", port);
}
