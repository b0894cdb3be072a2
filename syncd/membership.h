/* membership.h - which mesh this machine has joined, and as whom: mesh.json.
 * Knows base, wire, policy.
 */
#pragma once

#include <stdint.h>

#include "error.h"
#include "key.h"
#include "policy.h"
#include "seal.h"
#include "value.h"

struct membership {
    struct value document;                         /* owns the text that the others point to */
    const char *mesh, *mesh_id_text, *node, *zone; /* zone NULL = none */
    const char *server, *endpoint_node, *endpoint_broadcast;
    uint8_t mesh_id[SEAL_MESH_ID];
    uint8_t sign_key[KEY_SIGN_PUBLIC], controller_key[KEY_CURVE_PUBLIC];
    struct policy_label *labels;
    size_t label_count;
};

void membership_done(struct membership *membership);

/* Takes a document apart; it is moved in on success. ERROR_INVALID names the key that is wrong. */
int membership_parse(struct value *document, struct membership *ret_membership, struct error *err);

/* Reads the file. ERROR_CONFIG with the way out when this machine has not joined a mesh. */
int membership_read(const char *path, struct membership *ret_membership, struct error *err);
