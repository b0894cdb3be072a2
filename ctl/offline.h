/* offline.h - policies into a snapshot without daemon, controller or root.
 * Program: meshctl. No globals; one thread.
 *
 * For `snapshot compile` and `run --policy`. It does what syncd does: the records are for one
 * machine, protected names pass, and the search list is the machine's own.
 */
#pragma once

#include <stddef.h>

#include "command.h"
#include "error.h"
#include "policy.h"
#include "policy_set.h"

/* The machine that the records are for. */
struct offline_node {
    char name[256];   /* --node-name, or this machine's name */
    const char *zone; /* --zone, or NULL */
    struct policy_label labels[POLICY_LABELS_MAX];
    size_t label_count;
};

/* Takes --node-name, --zone and --label of a call. Returns 0 or ERROR_USAGE. offline_node_done
 * gives back what it owns. */
int offline_node_read(const struct command_call *call, struct offline_node *ret_node,
                      struct error *err);
void offline_node_done(struct offline_node *node);

struct offline_result {
    size_t names;          /* keys that were published, protected names among them */
    size_t elsewhere;      /* keys of the set without a rule for this node */
    char unknown_user[64]; /* a user of `when: uid` that this machine does not have; "" = none */
};

/* Makes the snapshot at `path` hold exactly this set. An existing snapshot is changed in place, so
 * that programs which use it see the change; each name changes in one step. */
int offline_compile(const struct policy_set *set, const struct offline_node *node, const char *path,
                    struct offline_result *ret_result, struct error *err);

/* clang-format off */
#define OFFLINE_OPTIONS                                                                            \
    {"node-name", 0, "NAME", "compile for this node; this machine's name if not given"},          \
    {"zone",      0, "ZONE", "the node's zone, for rules with `when: node`"},                     \
    {"label",     0, "KEY=TEXT...", "a label of the node, likewise"}
/* clang-format on */
