/* value.h - a document as a tree: what YAML, JSON and msgpack have in common.
 * Floor: base. No globals; a tree belongs to one thread at a time.
 *
 * There are no floats: durations and the like are strings. Each value and each key knows its place
 * in the text it came from, so that whoever finds a mistake can name it. Depth is at most
 * VALUE_DEPTH_MAX, which every reader of outside bytes enforces; so walks may recurse.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "error.h"

#define VALUE_DEPTH_MAX 32

enum value_type { VALUE_NULL, VALUE_BOOL, VALUE_INTEGER, VALUE_STRING, VALUE_LIST, VALUE_MAP };

struct value {
    enum value_type type;
    unsigned line, column; /* from 1; 0 = not from a text */
    union {
        bool boolean;
        int64_t integer;
        struct {
            char *text; /* UTF-8, a NUL behind it and none in it */
            size_t length;
        } string;
        struct {
            struct value *items;
            size_t count;
        } list;
        struct {
            struct value_entry *entries; /* in the order of the text */
            size_t count;
        } map;
    };
};

struct value_entry {
    char *key; /* UTF-8, unique in its map */
    unsigned line, column;
    struct value value;
};

/* Gives back what a tree owns and leaves VALUE_NULL; not the struct itself. */
void value_done(struct value *value);

#define AUTO_VALUE __attribute__((cleanup(value_done)))

/* Build. Each returns 0 or ERROR_INTERNAL when memory runs out. value_push and value_put move
 * `item` into the tree and leave VALUE_NULL behind, on failure too. text is copied. */
struct value value_boolean(bool boolean);
struct value value_integer(int64_t integer);
int value_string(struct value *ret_value, const char *text, size_t length);
int value_push(struct value *list, struct value *item); /* a VALUE_NULL becomes a list */
int value_put(struct value *map, const char *key, struct value *item); /* likewise a map */

/* Shorter ways for maps that a program builds. A failure shows as a missing key. */
void value_put_text(struct value *map, const char *key, const char *text);
void value_put_integer(struct value *map, const char *key, int64_t integer);
void value_put_boolean(struct value *map, const char *key, bool boolean);

/* A deep copy. */
int value_copy(const struct value *value, struct value *ret_copy);

/* The value of a key, borrowed; NULL when it is not there or `map` is no map (or is NULL). */
const struct value *value_get(const struct value *map, const char *key);

/* The same with a type: NULL, fallback or false when absent or of another type. */
const char *value_get_text(const struct value *map, const char *key);
int64_t value_get_integer(const struct value *map, const char *key, int64_t fallback);
bool value_get_boolean(const struct value *map, const char *key, bool fallback);

/* "a number", "text", ...: for messages. */
const char *value_type_name(enum value_type type);

/* Equal in type and content; maps whatever their order, places do not count. */
bool value_is_equal(const struct value *a, const struct value *b);
