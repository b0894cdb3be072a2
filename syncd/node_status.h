/* node_status.h - how this node is: the answer to `status` on the local socket.
 * Knows mesh, sync, membership, settings.
 */
#pragma once

#include <stdint.h>

#include "error.h"
#include "membership.h"
#include "mesh.h"
#include "settings.h"
#include "sync.h"
#include "value.h"

struct node_status_source {
    const struct settings *settings;
    const struct membership *membership;
    const struct mesh *mesh;
    const struct sync *sync;
    const struct error *trouble; /* of reading this machine's files; code 0 = none */
};

/* Adds what meshdns-syncd(8) lists under STATUS to a map. */
void node_status_describe(const struct node_status_source *source, uint64_t now_ms,
                          struct value *map);
