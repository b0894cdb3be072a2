/* record.h - encodes a record, word by word as snapshot_format.h says, from the meta word on.
 * Floor: policy (knows reader's format). Pure; safe in any thread.
 *
 * record_begin, then record_rule for each, then record_end. The record is reused: start from {0}.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile.h"
#include "snapshot_format.h"

struct record_destination {
    uint32_t v4; /* network order */
    uint16_t port, weight;
    bool has_v4, has_v6;
    uint8_t v6[16];
};

/* One rule. Everything is borrowed. */
struct record_rule {
    enum snapshot_verb verb;
    unsigned answers; /* 1..SNAPSHOT_ANSWERS_MAX */
    unsigned flags;   /* SNAPSHOT_RULE_SHIM_ONLY or _NSS_ONLY */
    const struct record_destination *destinations;
    size_t count;      /* 0..SNAPSHOT_DESTINATIONS */
    const char **apps; /* each of 1..255 bytes */
    size_t app_count;  /* 0..SNAPSHOT_APPS_MAX; 0 = any */
    const uint32_t *uids;
    size_t uid_count;      /* 0..SNAPSHOT_UIDS_MAX; 0 = any */
    const char *canonical; /* NULL = the name asked for */
};

/* Starts a record. Returns 0 or ERROR_INTERNAL. */
int record_begin(struct compile_record *record, const void *key, size_t length);

/* Appends a rule. `is_alone`: it is the only one, so that the extension may be left out. Returns 0
 * or ERROR_INTERNAL. */
int record_rule(struct compile_record *record, const struct record_rule *rule, bool is_alone);

/* Appends bytes, zero-padded to whole words. */
int record_bytes(struct compile_record *record, const void *bytes, size_t size);

/* Writes the meta word. */
void record_end(struct compile_record *record, size_t rules);
