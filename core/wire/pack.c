/* pack.c - trees as canonical msgpack and back, by msgpack-c.
 *
 * msgpack-c chooses the shortest form of numbers and lengths by itself; the order of the keys is
 * ours. Nothing is handed to its reader before pack_check (pack_check.c) has walked it.
 */
#include "pack.h"

#include <string.h>

#include <msgpack.h>

#include "auto.h"
#include "cursor.h"

static int append(void *context, const char *bytes, size_t size)
{
    struct buffer *buffer = context;

    buffer_append(buffer, bytes, size);
    return buffer_is_good(buffer) ? 0 : -1;
}

static int compare_entries(const void *a, const void *b)
{
    const struct value_entry *const *left = a, *const *right = b;

    return strcmp((*left)->key, (*right)->key);
}

static void write_value(const struct value *value, msgpack_packer *packer);

static void write_map(const struct value *map, msgpack_packer *packer)
{
    size_t count = map->map.count;
    AUTO_FREE const struct value_entry **sorted = calloc(count + 1, sizeof(struct value_entry *));
    struct buffer *buffer = packer->data;

    if (!sorted) {
        buffer->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = &map->map.entries[i];
    qsort(sorted, count, sizeof(struct value_entry *), compare_entries);

    msgpack_pack_map(packer, count);
    for (size_t i = 0; i < count; i++) {
        msgpack_pack_str_with_body(packer, sorted[i]->key, strlen(sorted[i]->key));
        write_value(&sorted[i]->value, packer);
    }
}

/* Recurses over a tree whose depth its reader has bounded (value.h). */
static void write_value(const struct value *value, msgpack_packer *packer)
{
    switch (value->type) {
    case VALUE_NULL:
        msgpack_pack_nil(packer);
        break;
    case VALUE_BOOL:
        value->boolean ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
        break;
    case VALUE_INTEGER:
        msgpack_pack_int64(packer, value->integer);
        break;
    case VALUE_STRING:
        msgpack_pack_str_with_body(packer, value->string.text, value->string.length);
        break;
    case VALUE_LIST:
        msgpack_pack_array(packer, value->list.count);
        for (size_t i = 0; i < value->list.count; i++)
            write_value(&value->list.items[i], packer);
        break;
    case VALUE_MAP:
        write_map(value, packer);
        break;
    }
}

void pack_write(const struct value *value, struct buffer *buffer)
{
    msgpack_packer packer;

    msgpack_packer_init(&packer, buffer, append);
    write_value(value, &packer);
}

/* How many bytes the UTF-8 character at `at` takes: 1..4, or 0 when it is none (overlong forms,
 * surrogates and what is above U+10FFFF are none, RFC 3629). */
static size_t character_size(const uint8_t *at, size_t left)
{
    uint8_t low = 0x80, high = 0xbf;
    size_t size = at[0] < 0x80                     ? 1
                  : at[0] >= 0xc2 && at[0] <= 0xdf ? 2
                  : (at[0] & 0xf0) == 0xe0         ? 3
                  : at[0] >= 0xf0 && at[0] <= 0xf4 ? 4
                                                   : 0;

    if (size == 0 || size > left)
        return 0;
    low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : low;
    high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : high;
    for (size_t i = 1; i < size; i++) {
        if (at[i] < (i == 1 ? low : 0x80) || at[i] > (i == 1 ? high : 0xbf))
            return 0;
    }
    return size;
}

/* The bytes of a text: msgpack-c has NULL for none. */
static const char *bytes_of(const msgpack_object_str *str)
{
    return str->size ? str->ptr : "";
}

static bool is_text(const msgpack_object_str *str)
{
    struct cursor cursor = cursor_view(str->ptr, str->size);

    while (cursor_left(&cursor) > 0) {
        const uint8_t *at = cursor.bytes + cursor.at;
        size_t size = at[0] ? character_size(at, cursor_left(&cursor)) : 0;
        if (size == 0)
            return false;
        (void)cursor_take(&cursor, size);
    }
    return true;
}

static int no_text(struct error *err)
{
    return error_set(err, ERROR_INVALID, "a text is not UTF-8 without NUL");
}

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_INTERNAL, "no memory for a document");
}

static int read_value(const msgpack_object *object, struct value *ret_value, struct error *err);

static int read_list(const msgpack_object_array *array, struct value *list, struct error *err)
{
    *list = (struct value){.type = VALUE_LIST};
    for (uint32_t i = 0; i < array->size; i++) {
        struct value item = {.type = VALUE_NULL};
        int r = read_value(&array->ptr[i], &item, err);
        if (r == 0 && value_push(list, &item) < 0)
            r = no_memory(err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int compare_keys(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;

    return strcmp(*left, *right);
}

/* Sorting finds duplicates without comparing each key with each other one. */
static int check_unique(const struct value *map, struct error *err)
{
    size_t count = map->map.count;
    AUTO_FREE const char **keys = calloc(count + 1, sizeof(char *));

    if (!keys)
        return no_memory(err);
    for (size_t i = 0; i < count; i++)
        keys[i] = map->map.entries[i].key;
    qsort(keys, count, sizeof(char *), compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(keys[i - 1], keys[i]) == 0)
            return error_set(err, ERROR_INVALID, "the key '%.64s' is there twice", keys[i]);
    }
    return 0;
}

static int read_map(const msgpack_object_map *source, struct value *map, struct error *err)
{
    *map = (struct value){.type = VALUE_MAP};
    for (uint32_t i = 0; i < source->size; i++) {
        const msgpack_object *key = &source->ptr[i].key;
        if (key->type != MSGPACK_OBJECT_STR)
            return error_set(err, ERROR_INVALID, "a key is not text");
        if (!is_text(&key->via.str))
            return no_text(err);

        AUTO_FREE char *name = strndup(bytes_of(&key->via.str), key->via.str.size);
        struct value item = {.type = VALUE_NULL};
        int r = name ? read_value(&source->ptr[i].val, &item, err) : no_memory(err);
        if (r == 0 && value_put(map, name, &item) < 0)
            r = no_memory(err);
        if (r < 0)
            return r;
    }
    return check_unique(map, err);
}

static int read_text(const msgpack_object_str *str, struct value *ret_value, struct error *err)
{
    if (!is_text(str))
        return no_text(err);
    return value_string(ret_value, bytes_of(str), str->size) < 0 ? no_memory(err) : 0;
}

/* Recurses at most VALUE_DEPTH_MAX deep, by pack_check. On failure leaves VALUE_NULL. */
static int read_value(const msgpack_object *object, struct value *ret_value, struct error *err)
{
    struct value value = {.type = VALUE_NULL};
    int r = 0;

    if (object->type == MSGPACK_OBJECT_NIL)
        ;
    else if (object->type == MSGPACK_OBJECT_BOOLEAN)
        value = value_boolean(object->via.boolean);
    else if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER && object->via.u64 <= INT64_MAX)
        value = value_integer((int64_t)object->via.u64);
    else if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        value = value_integer(object->via.i64);
    else if (object->type == MSGPACK_OBJECT_STR)
        r = read_text(&object->via.str, &value, err);
    else if (object->type == MSGPACK_OBJECT_ARRAY)
        r = read_list(&object->via.array, &value, err);
    else if (object->type == MSGPACK_OBJECT_MAP)
        r = read_map(&object->via.map, &value, err);
    else
        r = error_set(err, ERROR_INVALID,
                      "a float, binary, extension or too large number is in it; allowed are text, "
                      "64-bit numbers, true, false, nil, lists and maps");
    if (r < 0)
        value_done(&value);
    else
        *ret_value = value;
    return r;
}

int pack_read(const void *bytes, size_t size, struct value *ret_value, struct error *err)
{
    int r = pack_check(bytes, size, err);
    if (r < 0)
        return r;

    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    if (msgpack_unpack_next(&unpacked, bytes, size, NULL) == MSGPACK_UNPACK_SUCCESS)
        r = read_value(&unpacked.data, ret_value, err);
    else
        r = error_set(err, ERROR_INVALID, "is no msgpack object");
    msgpack_unpacked_destroy(&unpacked);
    return r;
}
