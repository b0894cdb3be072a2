/* cursor.h - bounded reading of bytes that came from outside.
 * Floor: base. Inline, no state but the caller's; safe in any thread.
 *
 * A cursor remembers its first failure: read field after field, then ask once with cursor_is_good.
 * After a failure every read gives zero or NULL and nothing moves.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const uint8_t *bytes;
    size_t size, at;
    bool failed;
};

static inline struct cursor cursor_view(const void *bytes, size_t size)
{
    return (struct cursor){.bytes = bytes, .size = size};
}

static inline bool cursor_is_good(const struct cursor *cursor)
{
    return !cursor->failed;
}

static inline size_t cursor_left(const struct cursor *cursor)
{
    return cursor->failed ? 0 : cursor->size - cursor->at;
}

/* The next size bytes, borrowed; NULL when there are fewer. */
static inline const uint8_t *cursor_take(struct cursor *cursor, size_t size)
{
    if (cursor->failed || size > cursor->size - cursor->at) {
        cursor->failed = true;
        return NULL;
    }
    const uint8_t *taken = cursor->bytes + cursor->at;
    cursor->at += size;
    return taken;
}

/* An unsigned number of 1..8 bytes, most significant first. */
static inline uint64_t cursor_number(struct cursor *cursor, size_t size)
{
    const uint8_t *taken = cursor_take(cursor, size);
    uint64_t number = 0;

    for (size_t i = 0; taken && i < size; i++)
        number = number << 8 | taken[i];
    return number;
}

/* Copies size bytes to `ret`, which is zeroed on failure. */
static inline void cursor_copy(struct cursor *cursor, void *ret, size_t size)
{
    const uint8_t *taken = cursor_take(cursor, size);

    if (taken)
        memcpy(ret, taken, size);
    else
        memset(ret, 0, size);
}
