/* policy.h - one policy: what a document says, checked.
 * Floor: policy (knows reader, base). No globals; a policy is immutable once parsed.
 *
 * The language is in meshdns-policy(5). Every mistake is refused with its place, key, what was
 * found and what is allowed, and a suggestion where a word is misspelt.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "value.h"

#define POLICY_NAME_MAX         63
#define POLICY_DOMAINS_MAX      64
#define POLICY_DESTINATIONS_MAX 4096
#define POLICY_LABELS_MAX       32

enum policy_select { POLICY_WEIGHTED, POLICY_LATENCY, POLICY_STICKY, POLICY_ORDERED };
enum policy_sticky { POLICY_BY_HOST, POLICY_BY_UID, POLICY_BY_APP, POLICY_BY_PROCESS };
enum policy_all_down { POLICY_DOWN_ALL, POLICY_DOWN_DNS, POLICY_DOWN_FAIL };
enum policy_port { POLICY_PORT_REQUIRED, POLICY_PORT_OPTIONAL, POLICY_PORT_IGNORE };
enum policy_action { POLICY_ROUTE, POLICY_DENY, POLICY_ALIAS };

struct policy_label {
    char *key, *text;
};

struct policy_destination {
    uint32_t v4;    /* network order */
    uint8_t v6[16]; /* network order */
    bool has_v4, has_v6, is_drained;
    uint16_t port; /* host order; 0 = none */
    uint16_t weight;
    uint32_t priority;
    char *zone; /* NULL = none */
    struct policy_label *labels;
    size_t label_count;
};

struct policy_uid {
    char *name; /* NULL when it was a number */
    uint32_t uid;
};

/* `when`. An empty list does not restrict. */
struct policy_when {
    char *node_name, *node_zone; /* NULL = any */
    struct policy_label *node_labels;
    size_t node_label_count;
    char **apps;
    size_t app_count;
    struct policy_uid *uids;
    size_t uid_count;
};

struct policy_domain {
    char *text; /* folded, no trailing dot; "*.shop.mesh" for a wildcard */
    unsigned line, column;
};

struct policy {
    char *name;
    struct policy_domain *domains;
    size_t domain_count;
    enum policy_action action;
    char *alias; /* folded, with POLICY_ALIAS */
    enum policy_select select;
    enum policy_sticky sticky;
    enum policy_all_down on_all_down;
    enum policy_port port;
    bool is_port_given, is_sticky_given; /* written, not the default */
    struct policy_destination *destinations;
    size_t destination_count;
    struct policy_when when;
    unsigned answers;
    int32_t rank;
    bool is_reverse;
    char *where;           /* the file it came from, NULL = none; for mistakes found later */
    unsigned line, column; /* of its value `policy:` */
    unsigned alias_line, alias_column;
};

/* Checks a document and builds the policy.
 *
 *   document    one item of yaml_read, or what json_read or pack_read gave
 *   where       for errors; may be NULL
 *   ret_policy  policy_free
 *
 * Returns 0; ERROR_UNSUPPORTED for a key or value that is of a later meshdns (the known ones in the
 * manual, and any unknown key); ERROR_INVALID for all else, with place and key. */
int policy_parse(const struct value *document, const char *where, struct policy **ret_policy,
                 struct error *err);

/* NULL does nothing. */
void policy_free(struct policy *policy);

/* What a policy says that has no effect (yet), a sentence each: zones, labels and the like. Calls
 * `tell` with the key and the sentence. For `policy check` and explain. */
void policy_warn(const struct policy *policy,
                 void (*tell)(void *context, const char *key, const char *sentence), void *context);

/* Whether the policy has `when`. */
bool policy_is_conditional(const struct policy *policy);

/* Whether any of its destinations has a port. */
bool policy_has_port(const struct policy *policy);

/* The word of the language: "weighted". */
const char *policy_select_name(enum policy_select select);

/* Whether a name is a good policy name: [a-z0-9-]{1,63}. */
bool policy_is_name(const char *name);
