/* document.h - the name of a document, and the documents that this program does not understand.
 * Knows base, wire, policy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "key_set.h"
#include "message.h"
#include "value.h"

/* Reads packed bytes as a document.
 *
 *   ret_name   its name; a document that has none (another kind of a later meshdns, or bytes that
 *              cannot be read) is called "?" and the hash of its bytes. So it is kept, the digests
 *              agree, and a full state heals what a delta cannot say about it
 *   ret_value  the tree; VALUE_NULL when it cannot be read. May be NULL: only the name is wanted
 *
 * Returns 1, or 0 when the name had to be made up. */
int document_read(const void *bytes, size_t size, char ret_name[static MESSAGE_NAME_MAX + 1],
                  struct value *ret_value);

/* Documents with an unknown key: kept, their domains keep their last record, reported. */
struct document_list {
    struct document_entry {
        char name[MESSAGE_NAME_MAX + 1];
        struct key_set keys; /* the domains it is about, as far as they can be read */
        bool is_reverse;
        bool is_gone; /* taken out by the next document_list_sum */
    } * entries;      /* by name */
    size_t count, room;
    struct key_set all; /* of all entries, sorted */
    bool has_reverse;
    bool is_stale; /* `all` and has_reverse are to be brought up to date */
};

void document_list_done(struct document_list *list);

/* Adds the document, or replaces the one of its name; quick when names come in order. Returns 0,
 * or -1 when memory runs out. Call document_list_sum after the last change: only then count and
 * entries are right. */
int document_list_put(struct document_list *list, const char *name, const struct value *document);

/* Takes a document out; its keys are added to ret_keys (unsorted). Returns 1, or 0 when it was not
 * in. */
int document_list_delete(struct document_list *list, const char *name, struct key_set *ret_keys);

/* Brings `all` and `has_reverse` up to date. Returns 0, or -1 when memory runs out. */
int document_list_sum(struct document_list *list);
