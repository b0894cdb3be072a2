/* change.h - one change of the mesh's policies: all of it or nothing.
 * Program: meshctl. No globals; one thread.
 */
#pragma once

#include "client.h"
#include "source.h"

/* Sends documents and names of policies to delete as one change.
 *
 *   source      its documents become upserts; NULL = none. What the controller finds wrong with one
 *               is told with file, line and column
 *   deletes     names, checked; count of them
 *   ret_answer  {revision, changed, unchanged}
 *
 * Returns 0 once the controller has committed, or what is wrong; then nothing was changed. */
int change_send(struct client *client, const struct source *source, char *const *deletes,
                size_t count, struct value *ret_answer, struct error *err);

/* As text and as JSON: what a change did. */
int change_show(const struct command_call *call, const struct value *answer, struct error *err);
