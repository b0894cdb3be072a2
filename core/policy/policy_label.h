/* policy_label.h - zones and labels: short words that people choose.
 * Floor: policy, for policy*.c. Pure; safe in any thread.
 */
#pragma once

#include <stddef.h>

#include "error.h"
#include "policy.h"
#include "value.h"

/* A zone, or the value of a label: [A-Za-z0-9._/-]{1,63}; numbers are taken as text. `what` names
 * it in messages: "zone". *ret_word is freed first. */
int policy_label_word(const struct value *value, const char *what, char **ret_word,
                      struct error *err);

/* A map of labels, at most POLICY_LABELS_MAX. *ret_labels belongs to the caller, on failure too:
 * policy_label_done. */
int policy_label_read(const struct value *value, struct policy_label **ret_labels,
                      size_t *ret_count, struct error *err);

/* Frees them all. */
void policy_label_done(struct policy_label *labels, size_t count);

/* The text of a key, NULL when it is not among them. */
const char *policy_label_get(const struct policy_label *labels, size_t count, const char *key);
