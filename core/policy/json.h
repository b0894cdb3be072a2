/* json.h - JSON text into a tree and back, by jansson.
 * Floor: policy (knows reader, base; jansson). No globals; safe in any thread.
 */
#pragma once

#include <stddef.h>

#include "buffer.h"
#include "error.h"
#include "value.h"

/* Reads one JSON value: duplicate keys, depth above VALUE_DEPTH_MAX, floats, a NUL in a text and
 * trailing bytes are refused, with line and column where jansson knows them. */
int json_read(const char *text, size_t size, struct value *ret_value, struct error *err);

/* Appends a tree as JSON, keys in their order. `indent` spaces a level, 0 = one line. A failure
 * shows in the buffer. */
void json_write(const struct value *value, unsigned indent, struct buffer *buffer);
