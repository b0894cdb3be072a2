/* buffer.h - bytes that grow at their end.
 * Floor: base. No globals; a buffer belongs to one thread at a time.
 *
 * A buffer remembers that memory ran out: append piece after piece, then ask once with
 * buffer_is_good. Start from {0}; buffer_done gives the memory back and leaves {0}.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *bytes; /* size bytes, then a NUL, so that text can be used as text; NULL while empty */
    size_t size, room;
    bool failed;
};

void buffer_append(struct buffer *buffer, const void *bytes, size_t size);

/* printf-like. */
void buffer_print(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An unsigned number of 1..8 bytes, most significant first; the counterpart of cursor_number. */
void buffer_number(struct buffer *buffer, uint64_t number, size_t size);

static inline bool buffer_is_good(const struct buffer *buffer)
{
    return !buffer->failed;
}

/* Empties it, keeping the memory. */
void buffer_reset(struct buffer *buffer);

void buffer_done(struct buffer *buffer);

/* As buffer_done, after the bytes were overwritten: for secrets. */
void buffer_wipe(struct buffer *buffer);

#define AUTO_BUFFER __attribute__((cleanup(buffer_done)))
