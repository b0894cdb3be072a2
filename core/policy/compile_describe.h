/* compile_describe.h - what explanations and descriptions have in common.
 * Floor: policy, for compile_*.c. Pure; safe in any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "value.h"

/* "draw", "list", ...; "unknown" for others. */
const char *compile_describe_verb(unsigned verb);

/* Parts per million, rounded; 0 when whole is 0. */
int64_t compile_describe_share(uint64_t part, uint64_t whole);

/* Appends a text to a list. A failure shows as a missing item. */
void compile_describe_push(struct value *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends the text of an address of 4 or 16 bytes. */
void compile_describe_push_address(struct value *list, const void *address, size_t size);
