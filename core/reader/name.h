/* name.h - a name as it is looked up: folded, without the trailing dot, padded for the hash.
 * Floor: reader (libc only; no lock, log, allocation or descriptor; errno untouched).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot_format.h"

#define NAME_PADDING 16  /* zero bytes behind a name, so that any suffix of it can be hashed */
#define NAME_ROOM    288 /* SNAPSHOT_KEY_MAX + NAME_PADDING, and the last words written whole */
#define NAME_LABELS  127 /* most labels in 253 bytes */

struct name {
    _Alignas(8) uint8_t bytes[NAME_ROOM]; /* NAME_PADDING zero bytes follow the last one */
    size_t length;                        /* 1..SNAPSHOT_NAME_MAX */
    bool is_absolute;                     /* it was typed with a trailing dot */
};

/* Folds a name to lower case.
 *
 *   typed     NUL-terminated, any bytes
 *   ret_name  undefined on failure
 *
 * Returns its length, or 0 for a name that no policy can cover: empty, above SNAPSHOT_NAME_MAX
 * bytes, or beginning as the snapshot's keys do that are no domain ('.', '@', ':'). Other wrong
 * names are let through: no record has them. */
size_t name_fold(const char *typed, struct name *ret_name);

/* Finds the labels of a name.
 *
 *   ret_dots  the offset of each dot, from left to right; one fewer than there are labels
 *
 * Returns the number of labels, or 0 when the name breaks RFC 1035 as people use it: labels of
 * 1..63 bytes of a-z, 0-9, '-' and '_'. */
size_t name_labels(const struct name *name, uint8_t ret_dots[static NAME_LABELS]);

/* Finds the last dots of a name, whatever lies between them.
 *
 *   most      how many are looked for, 1..NAME_LABELS
 *   ret_dots  the offset of each, from right to left
 *
 * Returns how many there are, at most `most`. */
size_t name_dots(const struct name *name, size_t most, uint8_t ret_dots[static NAME_LABELS]);

/* Whether inet_aton would read the name as a number: "10.1", "0x7f.1", "127". */
bool name_is_number(const struct name *name);

/* Cuts a name to its first `length` bytes, at most as many as it has. */
void name_cut(struct name *name, size_t length);

/* Puts a dot and a domain behind a name.
 *
 *   domain  folded, without dots at its ends
 *
 * Returns false, and leaves the name, when the whole is above SNAPSHOT_NAME_MAX. */
bool name_join(struct name *name, const uint8_t *domain, size_t length);
