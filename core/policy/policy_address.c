/* policy_address.c - the address of a destination, perhaps with its port.
 *
 * It is written as RFC 3986 writes hosts: 10.0.1.10, 10.0.1.10:8443, fd00::11 and [fd00::11]:8443.
 * inet_pton decides what is an address, so 010.0.0.1 and 10.1 are none.
 */
#include "policy_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_read.h"

#define TEXT_MAX 64

/* What an address must not be: it names no single host, or another one on each machine. */
static int check_v4(const struct value *value, const char *text, uint32_t v4, struct error *err)
{
    uint32_t host = ntohl(v4);

    if (host == INADDR_ANY) {
        (void)policy_read_refuse(err, ERROR_INVALID, value, "%s is no host's address", text);
        error_hint(err, "`action: deny` says that there is no such name");
        return ERROR_INVALID;
    }
    if (IN_MULTICAST(host) || host == INADDR_BROADCAST)
        return policy_read_refuse(err, ERROR_INVALID, value, "%s is no single host's address",
                                  text);
    return 0;
}

static int check_v6(const struct value *value, const char *text, const struct in6_addr *v6,
                    struct error *err)
{
    if (IN6_IS_ADDR_UNSPECIFIED(v6)) {
        (void)policy_read_refuse(err, ERROR_INVALID, value, "%s is no host's address", text);
        error_hint(err, "`action: deny` says that there is no such name");
    } else if (IN6_IS_ADDR_MULTICAST(v6)) {
        (void)policy_read_refuse(err, ERROR_INVALID, value, "%s is no single host's address", text);
    } else if (IN6_IS_ADDR_LINKLOCAL(v6)) {
        (void)policy_read_refuse(err, ERROR_INVALID, value,
                                 "%s is link-local: it is of use with an interface only", text);
    } else if (IN6_IS_ADDR_V4MAPPED(v6)) {
        (void)policy_read_refuse(err, ERROR_INVALID, value, "%s holds an IPv4 address", text);
        error_hint(err, "write it as 10.0.1.10");
    } else {
        return 0;
    }
    return ERROR_INVALID;
}

static int read_port_text(const struct value *value, const char *text, uint16_t *ret_port,
                          struct error *err)
{
    char *end;
    size_t length = strlen(text);
    unsigned long port = strtoul(text, &end, 10);

    if (length == 0 || length > 5 || text[strspn(text, "0123456789")] != '\0' || port == 0 ||
        port > 65535)
        return policy_read_refuse(err, ERROR_INVALID, value,
                                  "'%s' is no port; allowed are 1 to 65535", text);
    *ret_port = (uint16_t)port;
    return 0;
}

/* Splits "host:port" and "[host]:port" in place; *ret_port is NULL when there is none. */
static int split(const struct value *value, char *text, char **ret_host, const char **ret_port,
                 struct error *err)
{
    char *colon = strchr(text, ':');

    *ret_host = text;
    *ret_port = NULL;
    if (text[0] == '[') {
        char *end = strchr(text, ']');
        if (!end || (end[1] != ':' && end[1] != '\0'))
            return policy_read_refuse(err, ERROR_INVALID, value,
                                      "'%s' is no address; with a port it is [fd00::11]:8443",
                                      text);
        *ret_host = text + 1;
        *ret_port = end[1] == ':' ? end + 2 : NULL;
        *end = '\0';
    } else if (colon && !strchr(colon + 1, ':')) {
        *colon = '\0';
        *ret_port = colon + 1;
    }
    return 0;
}

static int refuse_address(const struct value *value, const char *text, struct error *err)
{
    (void)policy_read_refuse(err, ERROR_INVALID, value, "'%s' is no IPv4 or IPv6 address", text);
    if (strchr(text, '/'))
        error_hint(err, "a destination is one host; list its addresses one by one");
    else if (strchr(text, '%'))
        error_hint(err, "an interface has another name on each machine");
    else if (strspn(text, "0123456789.") != strlen(text) && !strchr(text, ':'))
        error_hint(err, "host names as destinations are not supported yet; write its address");
    return ERROR_INVALID;
}

int policy_address_set_port(const struct value *value, struct policy_destination *destination,
                            uint16_t port, struct error *err)
{
    if (destination->port != 0 && destination->port != port)
        return policy_read_refuse(err, ERROR_INVALID, value,
                                  "port %u beside port %u; a destination has one port", port,
                                  destination->port);
    destination->port = port;
    return 0;
}

static int refuse_second(const struct value *value, const char *family, struct error *err)
{
    (void)policy_read_refuse(err, ERROR_INVALID, value, "a second %s address of one host", family);
    error_hint(err, "hosts that share the load are destinations of their own");
    return ERROR_INVALID;
}

static int set_host(const struct value *value, const char *host, const char *text,
                    struct policy_destination *destination, struct error *err)
{
    struct in_addr v4;
    struct in6_addr v6;
    int r;

    if (inet_pton(AF_INET, host, &v4) == 1) {
        r = check_v4(value, host, v4.s_addr, err);
        if (r == 0 && destination->has_v4)
            r = refuse_second(value, "IPv4", err);
        destination->v4 = v4.s_addr;
        destination->has_v4 = true;
    } else if (inet_pton(AF_INET6, host, &v6) == 1) {
        r = check_v6(value, host, &v6, err);
        if (r == 0 && destination->has_v6)
            r = refuse_second(value, "IPv6", err);
        memcpy(destination->v6, &v6, sizeof(v6));
        destination->has_v6 = true;
    } else {
        return refuse_address(value, text, err);
    }
    return r;
}

int policy_address_read(const struct value *value, void *target, struct error *err)
{
    struct policy_destination *destination = target;
    const char *text = NULL, *port_text = NULL;
    char copy[TEXT_MAX + 1], *host = NULL;
    uint16_t port = 0;
    int r = policy_read_text(value, TEXT_MAX, &text, err);

    if (r < 0)
        return r;
    (void)snprintf(copy, sizeof(copy), "%s", text);
    r = split(value, copy, &host, &port_text, err);
    if (r == 0 && text[0] == '[' && !strchr(host, ':'))
        r = refuse_address(value, text, err);
    if (r == 0)
        r = set_host(value, host, text, destination, err);
    if (r < 0 || !port_text)
        return r;
    r = read_port_text(value, port_text, &port, err);
    return r < 0 ? r : policy_address_set_port(value, destination, port, err);
}
