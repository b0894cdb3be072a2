/* label.h - --label KEY=TEXT, as often as one likes.
 * Program: meshctl. No globals; one thread.
 */
#pragma once

#include "command.h"
#include "policy.h"
#include "value.h"

/* The labels of a call as a map. Returns 0 or ERROR_USAGE. */
int label_read_value(const struct command_call *call, struct value *ret_map, struct error *err);

/* The labels of a call as an array of POLICY_LABELS_MAX; label_free gives the texts back. */
int label_read(const struct command_call *call, struct policy_label *ret_labels, size_t *ret_count,
               struct error *err);
void label_free(struct policy_label *labels, size_t count);
