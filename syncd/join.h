/* join.h - `meshdns-syncd join`: one invitation becomes a member of a mesh.
 * Knows wire, policy (JSON), base.
 *
 * The invitation is a secret that works once; it names the controller, pins its certificate and
 * says which keys it must answer with. The file mesh.json is written last, so a join that broke off
 * can be repeated: it uses the node key that is already there.
 */
#pragma once

#include "error.h"
#include "membership.h"

#define JOIN_KEY_FILE  "node.key"  /* in the state folder; key.h's form, 0600 */
#define JOIN_MESH_FILE "mesh.json" /* see membership.h */

/* Joins.
 *
 *   path   the invitation's file (private to its owner), or "-" for standard input
 *   state  the state folder; made with mode 0700 when it is not there
 *
 * Returns 0 and whom this machine now is; ERROR_CONFLICT when it is a member already; what the
 * controller says when it refuses; ERROR_REFUSED when it is not the controller of the
 * invitation. */
int join_mesh(const char *path, const char *state, struct membership *ret_membership,
              struct error *err);
