/* policy_read.c - the parts of a document, each with its place and what is allowed. */
#include "policy_read.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suggest.h"

#define KEYS_MAX 32

int policy_read_refuse(struct error *err, enum error_code code, const struct value *value,
                       const char *format, ...)
{
    char text[sizeof(err->text)];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)error_set(err, code, "%s", text);
    (void)error_place(err, value->line, value->column);
    return code;
}

int policy_read_memory(struct error *err)
{
    return error_set(err, ERROR_INTERNAL, "out of memory");
}

static const struct policy_read_key *find(const struct policy_read_key *keys, const char *name)
{
    while (keys->name && strcmp(keys->name, name) != 0)
        keys++;
    return keys->name ? keys : NULL;
}

/* Gives the nearest key that may stand here, or all of them. */
static void hint_keys(const struct policy_read_key *keys, const char *name, struct error *err)
{
    const char *words[KEYS_MAX + 1] = {NULL};
    char all[sizeof(err->hint)] = "";
    size_t count = 0, length = 0;

    for (; keys->name && count < KEYS_MAX; keys++) {
        if (!keys->read)
            continue;
        words[count++] = keys->name;
        if (length < sizeof(all))
            length += (size_t)snprintf(all + length, sizeof(all) - length, "%s%s",
                                       length > 0 ? ", " : "", keys->name);
    }
    const char *nearest = suggest_word(name, words);
    if (nearest)
        error_hint(err, "did you mean '%s'?", nearest);
    else
        error_hint(err, "the keys here are %.300s", all);
}

static int check_key(const struct policy_read_key *keys, const struct value_entry *entry,
                     struct error *err)
{
    const struct policy_read_key *key = find(keys, entry->key);
    const struct value place = {.line = entry->line, .column = entry->column};

    if (key && key->read)
        return 0;
    if (key && !key->instead) {
        (void)policy_read_refuse(err, ERROR_UNSUPPORTED, &place, "not supported yet");
        error_key(err, "%s", entry->key);
        error_hint(err, "this is for a later meshdns; take it out");
        return ERROR_UNSUPPORTED;
    }
    (void)policy_read_refuse(err, ERROR_UNSUPPORTED, &place, "unknown key '%.100s'", entry->key);
    if (key)
        error_hint(err, "%s", key->instead);
    else
        hint_keys(keys, entry->key, err);
    return ERROR_UNSUPPORTED;
}

int policy_read_map(const struct value *map, const struct policy_read_key *keys, void *target,
                    struct error *err)
{
    if (map->type != VALUE_MAP)
        return policy_read_refuse(err, ERROR_INVALID, map, "%s where a map is needed",
                                  value_type_name(map->type));
    for (size_t i = 0; i < map->map.count; i++) {
        int r = check_key(keys, &map->map.entries[i], err);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < map->map.count; i++) {
        const struct value_entry *entry = &map->map.entries[i];
        const struct policy_read_key *key = find(keys, entry->key);
        int r = key ? key->read(&entry->value, target, err) : ERROR_INTERNAL;
        if (r < 0) {
            error_within(err, "%s", entry->key);
            return r;
        }
    }
    return 0;
}

size_t policy_read_count(const struct value *value)
{
    return value->type == VALUE_LIST ? value->list.count : 1;
}

int policy_read_each(const struct value *value, size_t most, const char *what,
                     int (*read)(const struct value *value, void *target, struct error *err),
                     void *target, struct error *err)
{
    if (value->type != VALUE_LIST)
        return read(value, target, err);
    if (value->list.count == 0)
        return policy_read_refuse(err, ERROR_INVALID, value,
                                  "an empty list; at least one is needed");
    if (value->list.count > most)
        return policy_read_refuse(err, ERROR_INVALID, value, "%zu %s are above %zu, the most",
                                  value->list.count, what, most);
    for (size_t i = 0; i < value->list.count; i++) {
        int r = read(&value->list.items[i], target, err);
        if (r < 0) {
            error_within(err, "[%zu]", i);
            return r;
        }
    }
    return 0;
}

/* What was found, of another type than wanted: "text", "a whole number". */
static int refuse_type(const struct value *value, const char *wanted, struct error *err)
{
    const char *found = value_type_name(value->type);

    if (value->type == VALUE_STRING)
        return policy_read_refuse(err, ERROR_INVALID, value, "'%.100s' where %s is needed",
                                  value->string.text, wanted);
    if (value->type == VALUE_INTEGER)
        return policy_read_refuse(err, ERROR_INVALID, value,
                                  "the number %" PRId64 " where %s is needed", value->integer,
                                  wanted);
    if (value->type == VALUE_BOOL)
        found = value->boolean ? "true" : "false";
    return policy_read_refuse(err, ERROR_INVALID, value, "%s where %s is needed", found, wanted);
}

int policy_read_text(const struct value *value, size_t most, const char **ret_text,
                     struct error *err)
{
    if (value->type != VALUE_STRING) {
        int r = refuse_type(value, "text", err);
        if (value->type == VALUE_INTEGER || value->type == VALUE_BOOL)
            error_hint(err, "put it into quotes if it is a name");
        return r;
    }
    const char *text = value->string.text;
    if (value->string.length == 0)
        return policy_read_refuse(err, ERROR_INVALID, value, "an empty text");
    if (value->string.length > most)
        return policy_read_refuse(err, ERROR_INVALID, value,
                                  "'%.20s...' has %zu bytes, above %zu, the most", text,
                                  value->string.length, most);
    for (size_t i = 0; i < value->string.length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < ' ' || byte == 0x7f)
            return policy_read_refuse(err, ERROR_INVALID, value,
                                      "a control character (0x%02x) in a text", byte);
    }
    *ret_text = text;
    return 0;
}

int policy_read_copy(const struct value *value, size_t most, char **ret_text, struct error *err)
{
    const char *text = NULL;
    int r = policy_read_text(value, most, &text, err);

    if (r < 0)
        return r;
    char *copy = strdup(text);
    if (!copy)
        return policy_read_memory(err);
    free(*ret_text);
    *ret_text = copy;
    return 0;
}

int policy_read_integer(const struct value *value, int64_t least, int64_t most, const char *what,
                        int64_t *ret_number, struct error *err)
{
    if (value->type != VALUE_INTEGER) {
        int r = refuse_type(value, "a whole number", err);
        const char *text = value->type == VALUE_STRING ? value->string.text : "";
        if (*text != '\0' && text[strspn(text, "0123456789")] == '\0')
            error_hint(err, "write it without quotes");
        else
            error_hint(err, "allowed are %" PRId64 " to %" PRId64, least, most);
        return r;
    }
    if (value->integer > most)
        return policy_read_refuse(err, ERROR_INVALID, value,
                                  "%" PRId64 " is above %" PRId64 ", the largest %s",
                                  value->integer, most, what);
    if (value->integer < least)
        return policy_read_refuse(err, ERROR_INVALID, value,
                                  "%" PRId64 " is below %" PRId64 ", the smallest %s",
                                  value->integer, least, what);
    *ret_number = value->integer;
    return 0;
}

int policy_read_boolean(const struct value *value, bool *ret_boolean, struct error *err)
{
    if (value->type != VALUE_BOOL) {
        int r = refuse_type(value, "true or false", err);
        error_hint(err, "write true or false, without quotes");
        return r;
    }
    *ret_boolean = value->boolean;
    return 0;
}

int policy_read_choice(const struct value *value, const char *const *words, size_t *ret_index,
                       struct error *err)
{
    const char *text = "";
    char all[160] = "";
    size_t length = 0;
    int r = policy_read_text(value, 200, &text, err);

    if (r < 0)
        return r;
    for (size_t i = 0; words[i]; i++) {
        if (strcmp(words[i], text) == 0) {
            *ret_index = i;
            return 0;
        }
        if (length < sizeof(all))
            length += (size_t)snprintf(all + length, sizeof(all) - length, "%s%s",
                                       i > 0 ? ", " : "", words[i]);
    }
    const char *nearest = suggest_word(text, words);
    if (words[1])
        (void)policy_read_refuse(err, ERROR_INVALID, value, "'%s' is none of %s", text, all);
    else
        (void)policy_read_refuse(err, ERROR_INVALID, value, "'%s' is not %s, the only word here",
                                 text, all);
    if (nearest)
        error_hint(err, "did you mean '%s'?", nearest);
    return ERROR_INVALID;
}
