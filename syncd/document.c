/* document.c - what can be said about a document that need not be understood. */
#include "document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "pack.h"
#include "policy.h"
#include "seal.h"

#define HASH_SHOWN 16 /* bytes of the hash in a made-up name */

int document_read(const void *bytes, size_t size, char ret_name[static MESSAGE_NAME_MAX + 1],
                  struct value *ret_value)
{
    AUTO_VALUE struct value document = {0};
    uint8_t hash[SEAL_DIGEST] = {0};
    const char *name = NULL;
    int r = 1;

    if (pack_read(bytes, size, &document, NULL) == 0)
        name = value_get_text(&document, "policy");
    if (name && policy_is_name(name)) {
        (void)snprintf(ret_name, MESSAGE_NAME_MAX + 1, "%s", name);
    } else {
        seal_digest_add(hash, bytes, size);
        ret_name[0] = '?';
        key_to_hex(hash, HASH_SHOWN, ret_name + 1);
        r = 0;
    }
    if (ret_value) {
        *ret_value = document;
        document = (struct value){0};
    }
    return r;
}

static void entry_done(struct document_entry *entry)
{
    key_set_done(&entry->keys);
}

void document_list_done(struct document_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        entry_done(&list->entries[i]);
    free(list->entries);
    key_set_done(&list->all);
    *list = (struct document_list){0};
}

/* Where the entry of a name is, or would be. */
static bool find(const struct document_list *list, const char *name, size_t *ret_at)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(list->entries[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_at = low;
    return low < list->count && strcmp(list->entries[low].name, name) == 0;
}

int document_list_put(struct document_list *list, const char *name, const struct value *document)
{
    size_t at;
    bool is_known = find(list, name, &at);

    if (!is_known && list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 8;
        struct document_entry *larger = reallocarray(list->entries, room, sizeof *larger);

        if (!larger)
            return -1;
        list->entries = larger;
        list->room = room;
    }
    struct document_entry *entry = &list->entries[at];
    list->is_stale = true;
    if (is_known)
        entry_done(entry);
    else
        memmove(entry + 1, entry, (list->count++ - at) * sizeof *entry);
    *entry = (struct document_entry){0};
    (void)snprintf(entry->name, sizeof entry->name, "%s", name);
    entry->is_reverse = value_get_boolean(document, "reverse", false);

    const struct value *domains = value_get(document, "domains");
    for (size_t i = 0; domains && domains->type == VALUE_LIST && i < domains->list.count; i++)
        if (domains->list.items[i].type == VALUE_STRING)
            (void)key_set_add_domain(&entry->keys, domains->list.items[i].string.text);
    return entry->keys.failed ? -1 : 0;
}

int document_list_delete(struct document_list *list, const char *name, struct key_set *ret_keys)
{
    size_t at;

    if (!find(list, name, &at) || list->entries[at].is_gone)
        return 0;
    struct document_entry *entry = &list->entries[at];
    for (size_t i = 0; i < entry->keys.count; i++)
        key_set_add(ret_keys, key_set_view(&entry->keys, i), entry->keys.items[i].length);
    entry_done(entry);
    entry->is_gone = true;
    list->is_stale = true;
    return 1;
}

int document_list_sum(struct document_list *list)
{
    size_t kept = 0;

    if (!list->is_stale)
        return 0;
    key_set_done(&list->all);
    list->has_reverse = false;
    for (size_t i = 0; i < list->count; i++)
        if (!list->entries[i].is_gone)
            list->entries[kept++] = list->entries[i];
    list->count = kept;
    for (size_t i = 0; i < list->count; i++) {
        const struct key_set *keys = &list->entries[i].keys;

        list->has_reverse |= list->entries[i].is_reverse;
        for (size_t k = 0; k < keys->count; k++)
            key_set_add(&list->all, key_set_view(keys, k), keys->items[k].length);
    }
    key_set_sort(&list->all);
    list->is_stale = list->all.failed;
    return list->all.failed ? -1 : 0;
}
