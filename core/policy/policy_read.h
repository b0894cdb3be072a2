/* policy_read.h - the parts of a document, each with its place and what is allowed.
 * Floor: policy, for policy*.c. Pure; safe in any thread.
 *
 * Each function returns 0 or a negative error code with line, column, text and hint; the caller
 * adds its key with error_within as the call stack unwinds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "policy.h"
#include "value.h"

/* One key of a map. */
struct policy_read_key {
    const char *name;
    int (*read)(const struct value *value, void *target, struct error *err); /* NULL = refused */
    const char *instead; /* of a refused key that is no later feature: the hint */
};

/* Sets text and the place of a value. Returns code. */
int policy_read_refuse(struct error *err, enum error_code code, const struct value *value,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

int policy_read_memory(struct error *err);

/* Reads a map by a table that ends with a row of NULLs. All keys are checked before the first value
 * is read, so that a document of a later meshdns is known as such. */
int policy_read_map(const struct value *map, const struct policy_read_key *keys, void *target,
                    struct error *err);

/* Calls `read` for each item of a list of 1..most, or for a value that stands alone.
 * `what` names the items in messages: "destinations". */
int policy_read_each(const struct value *value, size_t most, const char *what,
                     int (*read)(const struct value *value, void *target, struct error *err),
                     void *target, struct error *err);

/* How many times policy_read_each will call `read`. */
size_t policy_read_count(const struct value *value);

/* A text of 1..most bytes without control characters, borrowed. */
int policy_read_text(const struct value *value, size_t most, const char **ret_text,
                     struct error *err);

/* As policy_read_text, copied; *ret_text is freed first. */
int policy_read_copy(const struct value *value, size_t most, char **ret_text, struct error *err);

/* `what` names the number: "weight". */
int policy_read_integer(const struct value *value, int64_t least, int64_t most, const char *what,
                        int64_t *ret_number, struct error *err);
int policy_read_boolean(const struct value *value, bool *ret_boolean, struct error *err);

/* The index of a word among `words` (NULL-terminated). */
int policy_read_choice(const struct value *value, const char *const *words, size_t *ret_index,
                       struct error *err);
