/* value.c - a document as a tree. */
#include "value.h"

#include <stdlib.h>
#include <string.h>

static void *copy_text(const char *text, size_t length)
{
    char *copy = malloc(length + 1);

    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

static int no_memory(void)
{
    return ERROR_INTERNAL;
}

void value_done(struct value *value)
{
    switch (value->type) {
    case VALUE_STRING:
        free(value->string.text);
        break;
    case VALUE_LIST:
        for (size_t i = 0; i < value->list.count; i++)
            value_done(&value->list.items[i]);
        free(value->list.items);
        break;
    case VALUE_MAP:
        for (size_t i = 0; i < value->map.count; i++) {
            free(value->map.entries[i].key);
            value_done(&value->map.entries[i].value);
        }
        free(value->map.entries);
        break;
    case VALUE_NULL:
    case VALUE_BOOL:
    case VALUE_INTEGER:
        break;
    }
    *value = (struct value){.type = VALUE_NULL};
}

struct value value_boolean(bool boolean)
{
    return (struct value){.type = VALUE_BOOL, .boolean = boolean};
}

struct value value_integer(int64_t integer)
{
    return (struct value){.type = VALUE_INTEGER, .integer = integer};
}

int value_string(struct value *ret_value, const char *text, size_t length)
{
    char *copy = copy_text(text, length);

    if (!copy)
        return no_memory();
    *ret_value = (struct value){.type = VALUE_STRING, .string = {.text = copy, .length = length}};
    return 0;
}

/* Room for one more element: capacity is the next power of two, which need not be stored. */
static void *grow(void *items, size_t count, size_t size)
{
    bool is_full = (count & (count - 1)) == 0; /* 0, 1, 2, 4, 8 ... */

    return is_full ? reallocarray(items, count ? count * 2 : 1, size) : items;
}

static int adopt(struct value *container, enum value_type type, struct value *item)
{
    if (container->type == VALUE_NULL) {
        container->type = type;
        if (type == VALUE_LIST)
            container->list.items = NULL, container->list.count = 0;
        else
            container->map.entries = NULL, container->map.count = 0;
    }
    if (container->type != type) {
        value_done(item);
        return no_memory();
    }
    return 0;
}

int value_push(struct value *list, struct value *item)
{
    if (adopt(list, VALUE_LIST, item) < 0)
        return no_memory();

    struct value *items = grow(list->list.items, list->list.count, sizeof(*items));
    if (!items) {
        value_done(item);
        return no_memory();
    }
    items[list->list.count++] = *item;
    list->list.items = items;
    *item = (struct value){.type = VALUE_NULL};
    return 0;
}

int value_put(struct value *map, const char *key, struct value *item)
{
    if (adopt(map, VALUE_MAP, item) < 0)
        return no_memory();

    char *name = copy_text(key, strlen(key));
    struct value_entry *entries = grow(map->map.entries, map->map.count, sizeof(*entries));
    if (entries)
        map->map.entries = entries;
    if (!name || !entries) {
        free(name);
        value_done(item);
        return no_memory();
    }
    entries[map->map.count++] = (struct value_entry){.key = name, .value = *item};
    *item = (struct value){.type = VALUE_NULL};
    return 0;
}

void value_put_text(struct value *map, const char *key, const char *text)
{
    struct value item;

    if (value_string(&item, text, strlen(text)) == 0)
        (void)value_put(map, key, &item);
}

void value_put_integer(struct value *map, const char *key, int64_t integer)
{
    struct value item = value_integer(integer);

    (void)value_put(map, key, &item);
}

void value_put_boolean(struct value *map, const char *key, bool boolean)
{
    struct value item = value_boolean(boolean);

    (void)value_put(map, key, &item);
}

static int copy_list(const struct value *value, struct value *copy)
{
    copy->list.items = NULL;
    copy->list.count = 0;
    for (size_t i = 0; i < value->list.count; i++) {
        struct value item;
        if (value_copy(&value->list.items[i], &item) < 0 || value_push(copy, &item) < 0)
            return no_memory();
    }
    return 0;
}

static int copy_map(const struct value *value, struct value *copy)
{
    copy->map.entries = NULL;
    copy->map.count = 0;
    for (size_t i = 0; i < value->map.count; i++) {
        const struct value_entry *entry = &value->map.entries[i];
        struct value item;

        if (value_copy(&entry->value, &item) < 0 || value_put(copy, entry->key, &item) < 0)
            return no_memory();
        copy->map.entries[i].line = entry->line;
        copy->map.entries[i].column = entry->column;
    }
    return 0;
}

int value_copy(const struct value *value, struct value *ret_copy)
{
    struct value copy = *value;
    int r = 0;

    switch (value->type) {
    case VALUE_STRING:
        copy.string.text = copy_text(value->string.text, value->string.length);
        r = copy.string.text ? 0 : no_memory();
        break;
    case VALUE_LIST:
        r = copy_list(value, &copy);
        break;
    case VALUE_MAP:
        r = copy_map(value, &copy);
        break;
    case VALUE_NULL:
    case VALUE_BOOL:
    case VALUE_INTEGER:
        break;
    }
    if (r < 0)
        value_done(&copy);
    else
        *ret_copy = copy;
    return r;
}

const struct value *value_get(const struct value *map, const char *key)
{
    if (!map || map->type != VALUE_MAP)
        return NULL;
    for (size_t i = 0; i < map->map.count; i++) {
        if (strcmp(map->map.entries[i].key, key) == 0)
            return &map->map.entries[i].value;
    }
    return NULL;
}

const char *value_get_text(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, key);

    return value && value->type == VALUE_STRING ? value->string.text : NULL;
}

int64_t value_get_integer(const struct value *map, const char *key, int64_t fallback)
{
    const struct value *value = value_get(map, key);

    return value && value->type == VALUE_INTEGER ? value->integer : fallback;
}

bool value_get_boolean(const struct value *map, const char *key, bool fallback)
{
    const struct value *value = value_get(map, key);

    return value && value->type == VALUE_BOOL ? value->boolean : fallback;
}

const char *value_type_name(enum value_type type)
{
    static const char *const names[] = {
        [VALUE_NULL] = "nothing", [VALUE_BOOL] = "true or false", [VALUE_INTEGER] = "a number",
        [VALUE_STRING] = "text",  [VALUE_LIST] = "a list",        [VALUE_MAP] = "a map",
    };

    return names[type];
}

static bool are_lists_equal(const struct value *a, const struct value *b)
{
    if (a->list.count != b->list.count)
        return false;
    for (size_t i = 0; i < a->list.count; i++) {
        if (!value_is_equal(&a->list.items[i], &b->list.items[i]))
            return false;
    }
    return true;
}

static bool are_maps_equal(const struct value *a, const struct value *b)
{
    if (a->map.count != b->map.count)
        return false;
    for (size_t i = 0; i < a->map.count; i++) {
        const struct value *other = value_get(b, a->map.entries[i].key);
        if (!other || !value_is_equal(&a->map.entries[i].value, other))
            return false;
    }
    return true;
}

bool value_is_equal(const struct value *a, const struct value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case VALUE_NULL:
        return true;
    case VALUE_BOOL:
        return a->boolean == b->boolean;
    case VALUE_INTEGER:
        return a->integer == b->integer;
    case VALUE_STRING:
        return a->string.length == b->string.length &&
               memcmp(a->string.text, b->string.text, a->string.length) == 0;
    case VALUE_LIST:
        return are_lists_equal(a, b);
    case VALUE_MAP:
        return are_maps_equal(a, b);
    }
    return false;
}
