/* stage.h - a full state while it arrives, chunk by chunk.
 * Knows base, wire. Belongs to one thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "mesh.h"
#include "message.h"

#define STAGE_MAX ((size_t)1 << 30) /* bytes of documents; a mesh that needs more is refused */

/* Start from {0}. */
struct stage {
    void *tree; /* tsearch, by name */
    size_t count, bytes;
};

void stage_done(struct stage *stage);

/* Takes what a chunk or a delta says. Returns 0; ERROR_TOO_LARGE above STAGE_MAX; ERROR_AGAIN when
 * memory runs out. */
int stage_take(struct stage *stage, const struct message *message, struct error *err);

/* All documents in name order. ret_changes is malloc'ed; it borrows from the stage. Returns how
 * many, or ERROR_AGAIN. */
int stage_list(const struct stage *stage, struct mesh_change **ret_changes, size_t *ret_count,
               struct error *err);
