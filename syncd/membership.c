/* membership.c - reads mesh.json, which join.c wrote. */
#include "membership.h"

#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "endpoint.h"
#include "file.h"
#include "json.h"

#define MEMBERSHIP_MAX (256 * 1024) /* bytes */

void membership_done(struct membership *membership)
{
    for (size_t i = 0; i < membership->label_count; i++) {
        free(membership->labels[i].key);
        free(membership->labels[i].text);
    }
    free(membership->labels);
    value_done(&membership->document);
    *membership = (struct membership){0};
}

static int text(const struct value *map, const char *key, const char **ret_text, struct error *err)
{
    const char *found = value_get_text(map, key);

    if (!found || !*found) {
        error_set(err, ERROR_INVALID, "nothing, a text is needed");
        (void)error_key(err, "%s", key);
        return ERROR_INVALID;
    }
    *ret_text = found;
    return 0;
}

static int hex(const struct value *map, const char *key, uint8_t *ret_bytes, size_t size,
               struct error *err)
{
    const char *digits;
    int r = text(map, key, &digits, err);

    if (r == 0) {
        r = key_from_hex(digits, ret_bytes, size, err);
        if (r < 0)
            (void)error_key(err, "%s", key);
    }
    return r;
}

static int endpoint(const struct value *map, const char *key, const char **ret_text,
                    struct error *err)
{
    struct endpoint unused;
    int r = text(map, key, ret_text, err);

    if (r == 0)
        r = endpoint_read(*ret_text, &unused, err);
    if (r < 0)
        (void)error_key(err, "endpoints.%s", key);
    return r;
}

static int labels(const struct value *map, struct membership *membership, struct error *err)
{
    if (!map || map->type != VALUE_MAP || map->map.count == 0)
        return 0;
    membership->labels = calloc(map->map.count, sizeof *membership->labels);
    if (!membership->labels)
        return error_set(err, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < map->map.count; i++) {
        const struct value_entry *entry = &map->map.entries[i];
        struct policy_label *label = &membership->labels[membership->label_count++];

        if (entry->value.type != VALUE_STRING)
            return error_set(err, ERROR_INVALID, "label '%s' is no text", entry->key);
        label->key = strdup(entry->key);
        label->text = strdup(entry->value.string.text);
        if (!label->key || !label->text)
            return error_set(err, ERROR_INTERNAL, "out of memory");
    }
    return 0;
}

int membership_parse(struct value *document, struct membership *ret_membership, struct error *err)
{
    AUTO(membership_done) struct membership found = {0};
    const struct value *node = value_get(document, "node");
    const struct value *endpoints = value_get(document, "endpoints");
    int r = text(document, "mesh", &found.mesh, err);

    if (r == 0)
        r = text(document, "server", &found.server, err);
    if (r == 0)
        r = text(document, "mesh_id", &found.mesh_id_text, err);
    if (r == 0)
        r = hex(document, "mesh_id", found.mesh_id, sizeof found.mesh_id, err);
    if (r == 0)
        r = hex(document, "sign_key", found.sign_key, sizeof found.sign_key, err);
    if (r == 0)
        r = hex(document, "controller_key", found.controller_key, sizeof found.controller_key, err);
    if (r == 0)
        r = text(node, "name", &found.node, err);
    if (r == 0)
        r = endpoint(endpoints, "node", &found.endpoint_node, err);
    if (r == 0)
        r = endpoint(endpoints, "broadcast", &found.endpoint_broadcast, err);
    if (r == 0)
        r = labels(value_get(node, "labels"), &found, err);
    if (r < 0)
        return r;
    found.zone = value_get_text(node, "zone");
    if (found.zone && !*found.zone)
        found.zone = NULL;
    found.document = *document;
    *document = (struct value){0};
    membership_done(ret_membership);
    *ret_membership = found;
    found = (struct membership){0};
    return 0;
}

int membership_read(const char *path, struct membership *ret_membership, struct error *err)
{
    AUTO_VALUE struct value document = {0};
    AUTO_FREE char *content = NULL;
    size_t size = 0;
    int r = file_read(path, MEMBERSHIP_MAX, &content, &size, err);

    if (r == ERROR_NOT_FOUND) {
        error_set(err, ERROR_CONFIG, "this machine has not joined a mesh");
        (void)error_where(err, path);
        (void)error_hint(err, "`meshctl node invite NAME -o FILE` on the controller's side, then "
                              "`meshdns-syncd join FILE` here");
        return ERROR_CONFIG;
    }
    if (r < 0)
        return r;
    r = json_read(content, size, &document, err);
    if (r == 0)
        r = membership_parse(&document, ret_membership, err);
    if (r < 0)
        (void)error_where(err, path);
    return r < 0 && r != ERROR_INTERNAL ? ERROR_CONFIG : r;
}
