/* search_list.h - the machine's search list, as resolv.conf(5) says it.
 * Floor: policy (knows reader, base). No globals; pure but for reading the file.
 */
#pragma once

#include <stddef.h>

#include "error.h"
#include "snapshot_format.h"

struct search_list {
    char *domains[SNAPSHOT_SEARCH_MAX]; /* folded, without the last dot */
    size_t count;
    unsigned ndots; /* 0..15 */
};

void search_list_done(struct search_list *list);

/* Reads the text of a resolv.conf: the last `search` or `domain` counts, `options ndots:N` too.
 * Without them the list is the part of host_name behind its first dot, and ndots is 1. */
int search_list_parse(const char *text, const char *host_name, struct search_list *ret_list,
                      struct error *err);

/* The same from a file; a missing one is an empty one. What ret_list held is given back; on failure
 * it is untouched. */
int search_list_read(const char *path, const char *host_name, struct search_list *ret_list,
                     struct error *err);
