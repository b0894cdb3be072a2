/* yaml.c - YAML text into documents, event by event.
 *
 * libyaml scans and parses; this file builds the trees, with one frame a container on a stack of
 * fixed depth. libyaml's scanner is quadratic in the depth of nesting, so depth is counted on the
 * events and an excess ends the work at once. Duplicate keys are found by a tree beside each map.
 *
 * [1] YAML 1.2.2, chapter 10.3 (core schema).
 */
#include "yaml.h"

#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "auto.h"
#include "yaml_error.h"
#include "yaml_place.h"

/* A list or map that is being read. */
struct frame {
    struct value value;
    char *key; /* of a map: the key whose value comes next; NULL = a key comes next */
    unsigned key_line, key_column;
    void *keys; /* tsearch tree of the map's keys */
};

struct build {
    yaml_parser_t parser;
    const char *where;
    struct yaml_place place;
    size_t document_start;
    struct frame frames[VALUE_DEPTH_MAX];
    size_t depth;
    struct value documents;
    struct error *err;
};

static int at_place(const struct build *build)
{
    error_where(build->err, build->where);
    return error_place(build->err, yaml_place_line(&build->place),
                       yaml_place_column(&build->place));
}

/* Refuses what begins at the current place. */
static int refuse(const struct build *build, const char *text)
{
    (void)error_set(build->err, ERROR_INVALID, "%s", text);
    (void)at_place(build);
    return ERROR_INVALID;
}

static int no_memory(const struct build *build)
{
    return error_set(build->err, ERROR_INTERNAL, "out of memory");
}

static bool is_any(const char *text, const char *const *words)
{
    while (*words && strcmp(text, *words) != 0)
        words++;
    return *words != NULL;
}

static bool is_integer(const char *text)
{
    if (*text == '-' || *text == '+')
        text++;
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* A plain scalar by the core schema [1]. */
static int read_plain(struct build *build, const char *text, size_t length, struct value *ret)
{
    static const char *const is_nothing[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const is_true[] = {"true", "True", "TRUE", NULL};
    static const char *const is_false[] = {"false", "False", "FALSE", NULL};

    if (is_any(text, is_nothing)) {
        *ret = (struct value){.type = VALUE_NULL};
    } else if (is_any(text, is_true) || is_any(text, is_false)) {
        *ret = value_boolean(is_any(text, is_true));
    } else if (is_integer(text)) {
        errno = 0;
        long long number = strtoll(text, NULL, 10);
        if (errno == ERANGE)
            return refuse(build, "a number of more than 64 bits");
        *ret = value_integer(number);
    } else if (value_string(ret, text, length) < 0) {
        return no_memory(build);
    }
    return 0;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void keep_key(void *key)
{
    (void)key; /* it belongs to the map */
}

static void frame_done(struct frame *frame)
{
    tdestroy(frame->keys, keep_key);
    free(frame->key);
    value_done(&frame->value);
    *frame = (struct frame){0};
}

/* Takes a scalar as the next key of the innermost map. */
static int read_key(struct build *build, struct frame *frame, const yaml_event_t *event)
{
    if (event->type != YAML_SCALAR_EVENT)
        return refuse(build, "a key that is no text");

    const char *text = (const char *)event->data.scalar.value;
    if (memchr(text, '\0', event->data.scalar.length))
        return refuse(build, "a NUL (\\0) in a key");
    if (tfind(text, &frame->keys, compare_keys)) {
        (void)error_set(build->err, ERROR_INVALID, "key '%s' stands here twice", text);
        (void)at_place(build);
        return ERROR_INVALID;
    }
    frame->key_line = yaml_place_line(&build->place);
    frame->key_column = yaml_place_column(&build->place);
    frame->key = strdup(text);
    return frame->key ? 0 : no_memory(build);
}

/* Hands a finished value to its container, or to the documents. */
static int hand_over(struct build *build, struct value *value)
{
    if (build->depth == 0)
        return value_push(&build->documents, value) < 0 ? no_memory(build) : 0;

    struct frame *frame = &build->frames[build->depth - 1];
    if (frame->value.type == VALUE_LIST)
        return value_push(&frame->value, value) < 0 ? no_memory(build) : 0;

    if (value_put(&frame->value, frame->key, value) < 0)
        return no_memory(build);
    struct value_entry *entry = &frame->value.map.entries[frame->value.map.count - 1];
    entry->line = frame->key_line;
    entry->column = frame->key_column;
    free(auto_take(frame->key));
    return tsearch(entry->key, &frame->keys, compare_keys) ? 0 : no_memory(build);
}

/* Refuses what this YAML does not have, and documents that are too long. */
static int check_event(struct build *build, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;

    if (event->type == YAML_ALIAS_EVENT)
        return refuse(build, "an alias (*name); write the value again");
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor)
        return refuse(build, "an anchor (&name); write the value again");
    if (tag)
        return refuse(build, "a tag (!name); the types are plain here");

    if (build->place.offset - build->document_start <= YAML_DOCUMENT_MAX)
        return 0;
    (void)error_set(build->err, ERROR_TOO_LARGE, "the document is above 1 MiB, the largest");
    return at_place(build);
}

static int open_container(struct build *build, enum value_type type)
{
    if (build->depth == VALUE_DEPTH_MAX)
        return refuse(build, "nested deeper than 32 levels");

    build->frames[build->depth++] =
        (struct frame){.value = {.type = type,
                                 .line = yaml_place_line(&build->place),
                                 .column = yaml_place_column(&build->place)}};
    return 0;
}

static int close_container(struct build *build)
{
    struct frame *frame = &build->frames[--build->depth];
    struct value value = frame->value;

    frame->value = (struct value){.type = VALUE_NULL};
    frame_done(frame);
    return hand_over(build, &value);
}

static int add_scalar(struct build *build, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct value value = {.type = VALUE_NULL};

    if (build->depth == 0 && length == 0 && is_plain)
        return 0; /* nothing between two --- */
    if (memchr(text, '\0', length))
        return refuse(build, "a NUL (\\0) in a text");

    int r = 0;
    if (is_plain)
        r = read_plain(build, text, length, &value);
    else if (value_string(&value, text, length) < 0)
        r = no_memory(build);
    if (r < 0)
        return r;
    value.line = yaml_place_line(&build->place);
    value.column = yaml_place_column(&build->place);
    return hand_over(build, &value);
}

static int add_event(struct build *build, const yaml_event_t *event)
{
    yaml_place_find(&build->place, event->start_mark.line, event->start_mark.column);
    if (event->type == YAML_DOCUMENT_START_EVENT)
        build->document_start = build->place.offset;

    int r = check_event(build, event);
    if (r < 0)
        return r;

    struct frame *frame = build->depth > 0 ? &build->frames[build->depth - 1] : NULL;
    bool is_end = event->type == YAML_MAPPING_END_EVENT;
    if (frame && frame->value.type == VALUE_MAP && !frame->key && !is_end)
        return read_key(build, frame, event);
    if (event->type == YAML_SCALAR_EVENT)
        return add_scalar(build, event);
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return open_container(build, VALUE_LIST);
    if (event->type == YAML_MAPPING_START_EVENT)
        return open_container(build, VALUE_MAP);
    if (event->type == YAML_SEQUENCE_END_EVENT || is_end)
        return close_container(build);
    return 0;
}

static int read_stream(struct build *build)
{
    for (bool is_end = false; !is_end;) {
        yaml_event_t event;

        if (!yaml_parser_parse(&build->parser, &event))
            return yaml_error_tell(&build->parser, &build->place, build->where, build->err);
        is_end = event.type == YAML_STREAM_END_EVENT;
        int r = add_event(build, &event);
        yaml_event_delete(&event);
        if (r < 0)
            return r;
    }
    return 0;
}

int yaml_read(const char *text, size_t size, const char *where, struct value *ret_documents,
              struct error *err)
{
    struct build build = {
        .where = where,
        .place = {.text = text, .size = size},
        .documents = {.type = VALUE_LIST},
        .err = err,
    };

    if (!yaml_parser_initialize(&build.parser))
        return no_memory(&build);
    yaml_parser_set_encoding(&build.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&build.parser, (const unsigned char *)text, size);

    int r = read_stream(&build);
    yaml_parser_delete(&build.parser);
    while (build.depth > 0)
        frame_done(&build.frames[--build.depth]);
    if (r == 0)
        *ret_documents = build.documents;
    else
        value_done(&build.documents);
    return r;
}
