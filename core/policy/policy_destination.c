/* policy_destination.c - one entry of `destinations:`.
 *
 * An address is written as RFC 3986 writes hosts: 10.0.1.10, 10.0.1.10:8443, fd00::11 and
 * [fd00::11]:8443. inet_pton decides what is an address, so 010.0.0.1 and 10.1 are none.
 */
#include "policy_destination.h"

#include <arpa/inet.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "policy_label.h"
#include "policy_read.h"

#define ADDRESS_TEXT_MAX 64
#define PRIORITY_MAX     65535

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

/* Splits "host:port" and "[host]:port" in place; *ret_port is "" when there is none. */
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

static int set_port(const struct value *value, struct policy_destination *destination,
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

static int read_one_address(const struct value *value, void *target, struct error *err)
{
    struct policy_destination *destination = target;
    const char *text = NULL, *port_text = NULL;
    char copy[ADDRESS_TEXT_MAX + 1], *host = NULL;
    uint16_t port = 0;
    int r = policy_read_text(value, ADDRESS_TEXT_MAX, &text, err);

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
    return r < 0 ? r : set_port(value, destination, port, err);
}

static int read_address(const struct value *value, void *target, struct error *err)
{
    return policy_read_each(value, 2, "addresses of one host", read_one_address, target, err);
}

static int read_port(const struct value *value, void *target, struct error *err)
{
    int64_t port = 0;
    int r = policy_read_integer(value, 1, 65535, "port", &port, err);

    return r < 0 ? r : set_port(value, target, (uint16_t)port, err);
}

static int read_weight(const struct value *value, void *target, struct error *err)
{
    struct policy_destination *destination = target;
    int64_t weight = 0;
    int r = policy_read_integer(value, 0, UINT16_MAX, "weight", &weight, err);

    destination->weight = (uint16_t)weight;
    if (r < 0 && value->type == VALUE_INTEGER && value->integer > 0)
        error_hint(err, "weights are shares, not percent or requests: 90 and 10 will do");
    if (r < 0 && value->type == VALUE_STRING && strpbrk(value->string.text, "%."))
        error_hint(err, "weights are shares of their sum, in whole numbers: 90 and 10");
    return r;
}

static int read_priority(const struct value *value, void *target, struct error *err)
{
    struct policy_destination *destination = target;
    int64_t priority = 0;
    int r = policy_read_integer(value, 0, PRIORITY_MAX, "priority", &priority, err);

    destination->priority = (uint32_t)priority;
    return r;
}

static int read_zone(const struct value *value, void *target, struct error *err)
{
    struct policy_destination *destination = target;

    return policy_label_word(value, "zone", &destination->zone, err);
}

static int read_labels(const struct value *value, void *target, struct error *err)
{
    struct policy_destination *destination = target;

    return policy_label_read(value, &destination->labels, &destination->label_count, err);
}

static int read_drain(const struct value *value, void *target, struct error *err)
{
    struct policy_destination *destination = target;

    return policy_read_boolean(value, &destination->is_drained, err);
}

static const struct policy_read_key keys[] = {
    {"address", read_address, NULL},
    {"port", read_port, NULL},
    {"weight", read_weight, NULL},
    {"priority", read_priority, NULL},
    {"zone", read_zone, NULL},
    {"labels", read_labels, NULL},
    {"drain", read_drain, NULL},
    {"hostname", NULL, NULL},
    {"pool", NULL, NULL},
    {"probe", NULL, NULL},
    {"ramp", NULL, NULL},
    {"capacity", NULL, NULL},
    {NULL, NULL, NULL},
};

int policy_destination_read(const struct value *value, struct policy_destination *ret_destination,
                            struct error *err)
{
    ret_destination->weight = 1;
    if (value->type == VALUE_STRING || value->type == VALUE_INTEGER) {
        (void)policy_read_refuse(err, ERROR_INVALID, value, "%s where a map is needed",
                                 value_type_name(value->type));
        error_hint(err, "write {address: 10.0.1.10, weight: 90}");
        return ERROR_INVALID;
    }
    int r = policy_read_map(value, keys, ret_destination, err);
    if (r < 0)
        return r;
    if (!ret_destination->has_v4 && !ret_destination->has_v6)
        return policy_read_refuse(err, ERROR_INVALID, value, "a destination without address");
    return 0;
}

void policy_destination_done(struct policy_destination *destination)
{
    free(destination->zone);
    policy_label_done(destination->labels, destination->label_count);
}

static int compare(const void *a, const void *b)
{
    const struct policy_destination *x = a, *y = b;

    if (x->has_v4 != y->has_v4 || x->has_v6 != y->has_v6)
        return x->has_v4 * 2 + x->has_v6 < y->has_v4 * 2 + y->has_v6 ? -1 : 1;
    if (x->v4 != y->v4)
        return x->v4 < y->v4 ? -1 : 1;
    if (x->port != y->port)
        return x->port < y->port ? -1 : 1;
    return memcmp(x->v6, y->v6, sizeof(x->v6));
}

static void keep(void *node)
{
    (void)node; /* the destinations belong to the policy */
}

int policy_destination_check_unique(const struct policy *policy, const struct value *list,
                                    struct error *err)
{
    void *tree = NULL;
    int r = 0;

    for (size_t i = 0; i < policy->destination_count && r == 0; i++) {
        const struct policy_destination *destination = &policy->destinations[i], **found;

        found = tsearch(destination, &tree, compare);
        if (!found) {
            r = policy_read_memory(err);
        } else if (*found != destination) {
            r = policy_read_refuse(err, ERROR_INVALID, &list->list.items[i],
                                   "the same address and port as destinations[%zu]",
                                   (size_t)(*found - policy->destinations));
            error_key(err, "destinations[%zu]", i);
            error_hint(err, "give one of them the weight of both");
        }
    }
    tdestroy(tree, keep);
    return r;
}
