/* publish.h - what the snapshot should hold, key by key, and putting it there.
 * Knows reader's format, writer, policy. Belongs to the thread of its writer.
 *
 * A key's record is, the first that applies: a pass when it is protected; nothing when a protected
 * wildcard covers it; its last record when a document about it is not understood; what the policies
 * compile to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "compile.h"
#include "document.h"
#include "error.h"
#include "key_set.h"
#include "policy_set.h"
#include "protect.h"
#include "search_list.h"
#include "snapshot_writer.h"

struct publish {
    struct snapshot_writer *writer;
    struct policy_set *set;
    struct document_list unsupported;
    struct compile_node node;
    struct key_set protected_keys;
    struct compile_record search; /* count 0 = none yet */
    struct compile_record record; /* reused */
    bool has_state;               /* documents were received; else what a former agent left stays */
    bool is_ready;                /* publish_all ran once */
    bool is_behind;               /* something could not be published since publish_all */
    struct error why;             /* the first reason, when is_behind */
};

/* Gives back what it holds, but for writer and set. */
void publish_done(struct publish *publish);

/* The domain of a snapshot key (".x" -> "*.x"). Returns false for keys that are no domain. */
bool publish_domain(const void *key, size_t length, char ret_domain[static SNAPSHOT_KEY_MAX + 2]);

/* Whether a key keeps its last record because a document about it, or about what it is an alias
 * of, is not understood. */
bool publish_is_frozen(const struct publish *publish, const char *key, size_t length);

/* Brings one key's record up to date. A failure shows in is_behind and why. */
void publish_key(struct publish *publish, const char *key, size_t length);

/* Compares everything and mends the difference. */
void publish_all(struct publish *publish);

/* Exchanges the protected names, and the search list; publishes what differs when is_ready. */
void publish_protect(struct publish *publish, struct key_set *keys);
void publish_search(struct publish *publish, const struct search_list *list);
