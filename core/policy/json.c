/* json.c - JSON text into a tree and back, by jansson. */
#include "json.h"

#include <string.h>

#include <jansson.h>

#include "auto.h"

static void release(json_t **json)
{
    json_decref(*json);
}

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_INTERNAL, "out of memory");
}

static int read_value(json_t *json, unsigned depth, struct value *ret, struct error *err);

static int read_list(json_t *json, unsigned depth, struct value *ret, struct error *err)
{
    size_t i;
    json_t *item;

    ret->type = VALUE_LIST;
    json_array_foreach(json, i, item)
    {
        AUTO_VALUE struct value value = {.type = VALUE_NULL};
        int r = read_value(item, depth, &value, err);

        if (r < 0) {
            error_within(err, "[%zu]", i);
            return r;
        }
        if (value_push(ret, &value) < 0)
            return no_memory(err);
    }
    return 0;
}

static int read_map(json_t *json, unsigned depth, struct value *ret, struct error *err)
{
    const char *key;
    json_t *item;

    ret->type = VALUE_MAP;
    json_object_foreach(json, key, item)
    {
        AUTO_VALUE struct value value = {.type = VALUE_NULL};
        int r = read_value(item, depth, &value, err);

        if (r < 0) {
            error_within(err, "%s", key);
            return r;
        }
        if (value_put(ret, key, &value) < 0)
            return no_memory(err);
    }
    return 0;
}

/* Recursion is bounded by the depth; jansson itself stops at 2048. */
static int read_value(json_t *json, unsigned depth, struct value *ret, struct error *err)
{
    if (depth > VALUE_DEPTH_MAX && (json_is_array(json) || json_is_object(json)))
        return error_set(err, ERROR_INVALID, "nested deeper than %d levels", VALUE_DEPTH_MAX);

    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return read_map(json, depth + 1, ret, err);
    case JSON_ARRAY:
        return read_list(json, depth + 1, ret, err);
    case JSON_STRING:
        if (value_string(ret, json_string_value(json), json_string_length(json)) < 0)
            return no_memory(err);
        return 0;
    case JSON_INTEGER:
        *ret = value_integer(json_integer_value(json));
        return 0;
    case JSON_REAL:
        return error_set(err, ERROR_INVALID, "%g is no whole number", json_real_value(json));
    case JSON_TRUE:
    case JSON_FALSE:
        *ret = value_boolean(json_is_true(json));
        return 0;
    case JSON_NULL:
        *ret = (struct value){.type = VALUE_NULL};
        return 0;
    }
    return error_set(err, ERROR_INTERNAL, "unknown type of JSON value");
}

int json_read(const char *text, size_t size, struct value *ret_value, struct error *err)
{
    json_error_t problem;
    AUTO(release)
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    struct value value = {.type = VALUE_NULL};

    if (!json) {
        bool is_nul = strstr(problem.text, "JSON_ALLOW_NUL") != NULL; /* a flag of jansson's */
        (void)error_set(err, ERROR_INVALID, "%s",
                        is_nul ? "a NUL (\\u0000) in a text" : problem.text);
        if (problem.line > 0)
            (void)error_place(err, (unsigned)problem.line,
                              problem.column > 0 ? (unsigned)problem.column : 1);
        return ERROR_INVALID;
    }

    int r = read_value(json, 1, &value, err);
    if (r < 0)
        value_done(&value);
    else
        *ret_value = value;
    return r;
}

static json_t *make(const struct value *value);

static json_t *make_list(const struct value *value)
{
    json_t *json = json_array();

    for (size_t i = 0; json && i < value->list.count; i++) {
        if (json_array_append_new(json, make(&value->list.items[i])) < 0) {
            json_decref(json);
            json = NULL;
        }
    }
    return json;
}

static json_t *make_map(const struct value *value)
{
    json_t *json = json_object();

    for (size_t i = 0; json && i < value->map.count; i++) {
        const struct value_entry *entry = &value->map.entries[i];
        if (json_object_set_new(json, entry->key, make(&entry->value)) < 0) {
            json_decref(json);
            json = NULL;
        }
    }
    return json;
}

/* NULL when memory runs out or a text is no UTF-8. The tree's depth is bounded. */
static json_t *make(const struct value *value)
{
    switch (value->type) {
    case VALUE_NULL:
        return json_null();
    case VALUE_BOOL:
        return json_boolean(value->boolean);
    case VALUE_INTEGER:
        return json_integer(value->integer);
    case VALUE_STRING:
        return json_stringn(value->string.text, value->string.length);
    case VALUE_LIST:
        return make_list(value);
    case VALUE_MAP:
        return make_map(value);
    }
    return NULL;
}

static int append(const char *bytes, size_t size, void *buffer)
{
    buffer_append(buffer, bytes, size);
    return buffer_is_good(buffer) ? 0 : -1;
}

void json_write(const struct value *value, unsigned indent, struct buffer *buffer)
{
    AUTO(release) json_t *json = make(value);
    size_t flags = JSON_ENCODE_ANY | (indent > 0 ? JSON_INDENT(indent) : JSON_COMPACT);

    if (!json || json_dump_callback(json, append, buffer, flags) < 0)
        buffer->failed = true;
}
