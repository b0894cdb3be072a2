/* pack.h - trees as canonical msgpack, and back.
 * Floor: wire (knows base; msgpack-c). No globals; safe in any thread.
 *
 * Canonical: map keys sorted bytewise, the shortest form of each number, no floats. The controller
 * packs a document once; those bytes are hashed, stored, sent and kept, never packed again.
 * See https://github.com/msgpack/msgpack/blob/master/spec.md for the format.
 */
#pragma once

#include <stddef.h>

#include "buffer.h"
#include "error.h"
#include "value.h"

/* Appends a tree in canonical form. A failure shows in the buffer. */
void pack_write(const struct value *value, struct buffer *buffer);

/* Checks that bytes are exactly one msgpack object whose counts and lengths fit into the bytes that
 * are there, of depth <= VALUE_DEPTH_MAX, before msgpack-c sees them: six bytes could make it
 * reserve 8 GiB. Returns 0 or ERROR_INVALID. Bounded by size, allocates nothing. */
int pack_check(const void *bytes, size_t size, struct error *err);

/* Reads one msgpack object after pack_check. Text must be UTF-8 without NUL, keys text and unique;
 * floats, extensions and numbers above INT64_MAX are refused; a bin is refused in documents.
 * Returns 0 or ERROR_INVALID. */
int pack_read(const void *bytes, size_t size, struct value *ret_value, struct error *err);
