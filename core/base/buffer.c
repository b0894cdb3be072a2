/* buffer.c - bytes that grow at their end. */
#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for `more` bytes and the NUL behind them. */
static bool reserve(struct buffer *buffer, size_t more)
{
    size_t need = buffer->size + more + 1;

    if (buffer->failed || need <= more) {
        buffer->failed = true;
        return false;
    }
    if (need <= buffer->room)
        return true;

    size_t room = buffer->room * 2 > need ? buffer->room * 2 : need + 64;
    uint8_t *larger = realloc(buffer->bytes, room);
    if (!larger) {
        buffer->failed = true;
        return false;
    }
    buffer->bytes = larger;
    buffer->room = room;
    return true;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
    if (!reserve(buffer, size))
        return;
    if (size > 0)
        memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
    buffer->bytes[buffer->size] = 0;
}

void buffer_print(struct buffer *buffer, const char *format, ...)
{
    va_list arguments, again;

    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length >= 0 && reserve(buffer, (size_t)length)) {
        (void)vsnprintf((char *)buffer->bytes + buffer->size, (size_t)length + 1, format, again);
        buffer->size += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}

void buffer_number(struct buffer *buffer, uint64_t number, size_t size)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(number >> (8 * (size - 1 - i)));
    buffer_append(buffer, bytes, size);
}

void buffer_reset(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
    if (buffer->bytes)
        buffer->bytes[0] = 0;
}

void buffer_done(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}

void buffer_wipe(struct buffer *buffer)
{
    if (buffer->bytes)
        explicit_bzero(buffer->bytes, buffer->room);
    buffer_done(buffer);
}
