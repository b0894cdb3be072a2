/* auto.h - owned things that let go of themselves at the end of their scope.
 * Floor: base. Inline, no state; safe in any thread.
 *
 * Write `AUTO_FREE char *text = NULL;` and return early as you like. A pointer that is handed on is
 * set to NULL first: `*ret_text = auto_take(text)`.
 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

/* The number of elements of an array that is not a pointer. */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static inline void auto_free(void *pointer)
{
    free(*(void **)pointer);
}

static inline void auto_close(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

#define AUTO_FREE  __attribute__((cleanup(auto_free)))
#define AUTO_CLOSE __attribute__((cleanup(auto_close)))

/* Calls `release(&variable)` at the end of the scope; release must accept an empty variable. */
#define AUTO(release) __attribute__((cleanup(release)))

/* The value of a pointer variable, which becomes NULL: ownership moves to the caller. */
#define auto_take(pointer)                                                                         \
    __extension__({                                                                                \
        __typeof__(pointer) auto_taken = (pointer);                                                \
        (pointer) = NULL;                                                                          \
        auto_taken;                                                                                \
    })
