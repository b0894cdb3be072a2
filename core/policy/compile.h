/* compile.h - policies into records for one machine.
 * Floor: policy (knows reader, base). Pure but for uid_of; safe in any thread.
 *
 * Every feature becomes effective weights here, each with its reason; the reader only draws.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "error.h"
#include "policy_set.h"
#include "value.h"

/* The machine that a record is for. */
struct compile_node {
    const char *name, *zone; /* zone NULL = none */
    const struct policy_label *labels;
    size_t label_count;
    /* A user's number on this machine: 1 and ret_uid, or 0 when there is none of that name. */
    int (*uid_of)(void *context, const char *user, uint32_t *ret_uid);
    void *context;
};

/* A record under construction or done: the words of snapshot_format.h from the meta word on. */
struct compile_record {
    uint64_t *words;
    size_t count, room;
};
void compile_record_done(struct compile_record *record);

/* Compiles one key of a set ("x", ".x", or "@" and address bytes) for a node.
 *
 * Returns 1 and the record, 0 when no rule of that key is for this node (then it has no record), or
 * ERROR_INTERNAL. ret_record is reused: start from {0}. */
int compile_key(const struct policy_set *set, const struct compile_node *node, const char *key,
                size_t length, struct compile_record *ret_record, struct error *err);

/* The record of a protected name (verb pass), of ":search", and so on. Same results. */
int compile_pass(const char *key, size_t length, struct compile_record *ret_record);
int compile_search(const char *const *domains, size_t count, unsigned ndots,
                   struct compile_record *ret_record);

/* Why a domain ("x" or "*.x") resolves as it does on a node: a map
 *   {domain, rules: [{policy, rank, select, verb, answers, applies: bool, why: text, when: {...},
 *     destinations: [{address: [text], port, weight, priority, effective: integer (parts per
 *       million of the rule's first answers), reasons: [text]}], warnings: [text]}]}
 * and, where an alias led to the policy, via: [{policy, when}] and canonical; `when`, port, zone
 * and labels only where they are given, destinations only where the policy has them. Policies whose
 * `when: node` does not hold are listed with applies false. Returns 1, 0 when no policy covers the
 * domain, or a negative error code. */
int compile_explain(const struct policy_set *set, const struct compile_node *node,
                    const char *domain, struct value *ret_explanation, struct error *err);

/* The same from a record alone (what the snapshot holds, no names of policies), for `explain`
 * without a daemon: a map
 *   {domain | address, rules: [{verb, answers, caller: shim | nss, apps: [text], uids: [integer],
 *     canonical, destinations: [{address: [text], port, weight, effective}]}], search: [text],
 *     ndots}
 * with what a record has. words as compile_key made them, or as the snapshot holds them: they are
 * not trusted. Returns 1, or ERROR_INVALID for a record that does not add up. */
int compile_describe(const uint64_t *words, size_t count, struct value *ret_description,
                     struct error *err);
