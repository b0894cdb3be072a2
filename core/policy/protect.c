/* protect.c - collects the protected names.
 *
 * The hosts file is read as glibc's `files` service reads it: an address, then names, a # begins a
 * comment. What it cannot use, we do not protect: a line whose first word is no address.
 */
#include "protect.h"

#include <arpa/inet.h>
#include <string.h>

#include "auto.h"
#include "file.h"

#define HOSTS_MAX (64 * 1024 * 1024) /* bytes; block lists have a few */

static const char *const always[] = {"localhost", "*.localhost", "localhost.localdomain",
                                     "ip6-localhost", "ip6-loopback"};

static void add_address(struct key_set *keys, const void *address, size_t size)
{
    uint8_t key[17] = {'@'};

    memcpy(key + 1, address, size);
    key_set_add(keys, key, size + 1);
}

/* One line of the hosts file, cut into words in place. */
static void add_line(struct key_set *keys, char *line)
{
    static const char blank[] = " \t\r\v\f";
    char *rest = NULL, *word;
    uint8_t address[16];

    line[strcspn(line, "#")] = '\0';
    word = strtok_r(line, blank, &rest);
    if (!word)
        return;

    char *zone = strchr(word, '%'); /* fe80::1%eth0 */
    if (zone)
        *zone = '\0';
    if (inet_pton(AF_INET, word, address) == 1)
        add_address(keys, address, 4);
    else if (inet_pton(AF_INET6, word, address) == 1)
        add_address(keys, address, 16);
    else
        return;
    while ((word = strtok_r(NULL, blank, &rest)))
        if (word[0] != '*')
            (void)key_set_add_domain(keys, word);
}

static int add_hosts(struct key_set *keys, const char *path, struct error *err)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    int r = file_read(path, HOSTS_MAX, &text, &size, err);

    if (r == ERROR_NOT_FOUND)
        return 0;
    if (r < 0)
        return r;
    for (size_t at = 0; at < size;) {
        char *line = text + at;
        size_t length = strcspn(line, "\n");

        line[length] = '\0';
        add_line(keys, line);
        at += length + 1;
    }
    return 0;
}

/* The host of scheme://HOST:PORT; an IPv6 address stands in brackets. */
static void add_endpoint(struct key_set *keys, const char *endpoint)
{
    char host[256];
    const char *start = strstr(endpoint, "://");
    uint8_t address[16];

    start = start ? start + 3 : endpoint;
    bool is_v6 = *start == '[';
    start += is_v6;
    size_t length = strcspn(start, is_v6 ? "]" : ":/");
    if (length == 0 || length >= sizeof host)
        return;
    memcpy(host, start, length);
    host[length] = '\0';
    if (inet_pton(AF_INET, host, address) != 1 && inet_pton(AF_INET6, host, address) != 1)
        (void)key_set_add_domain(keys, host);
}

/* The name as it is, its first label, and the first label in the machine's domain. */
static void add_own(struct key_set *keys, const struct protect_source *source)
{
    char name[512];
    size_t length = strlen(source->host_name), label = strcspn(source->host_name, ".");

    if (length == 0 || length > 253)
        return;
    (void)key_set_add_domain(keys, source->host_name);
    memcpy(name, source->host_name, label);
    name[label] = '\0';
    (void)key_set_add_domain(keys, name);
    if (source->domain_count > 0 && strlen(source->domains[0]) <= 253) {
        name[label] = '.';
        memcpy(name + label + 1, source->domains[0], strlen(source->domains[0]) + 1);
        (void)key_set_add_domain(keys, name);
    }
}

int protect_collect(const struct protect_source *source, struct key_set *ret_keys,
                    struct error *err)
{
    struct key_set keys = {0};
    int r = add_hosts(&keys, source->hosts, err);

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(always); i++)
        (void)key_set_add_domain(&keys, always[i]);
    for (size_t i = 0; r == 0 && i < source->endpoint_count; i++)
        add_endpoint(&keys, source->endpoints[i]);
    for (size_t i = 0; r == 0 && i < source->name_count; i++)
        (void)key_set_add_domain(&keys, source->names[i]);
    if (r == 0) {
        add_own(&keys, source);
        if (keys.failed)
            r = error_set(err, ERROR_INTERNAL, "out of memory for the protected names");
    }
    if (r < 0) {
        key_set_done(&keys);
        return r;
    }
    key_set_sort(&keys);
    key_set_done(ret_keys);
    *ret_keys = keys;
    return 0;
}

enum protect_verdict protect_judge(const struct key_set *protected_keys, const void *key,
                                   size_t length)
{
    const uint8_t *bytes = key;

    if (length > 0 && bytes[0] == '@')
        return key_set_has(protected_keys, key, length) ? PROTECT_ABSENT : PROTECT_NO;
    if (key_set_has(protected_keys, key, length))
        return PROTECT_PASS;
    for (size_t i = 1; i < length; i++)
        if (bytes[i] == '.' && key_set_has(protected_keys, bytes + i, length - i))
            return PROTECT_ABSENT;
    return PROTECT_NO;
}
