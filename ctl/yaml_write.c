/* yaml_write.c - a document as YAML, by libyaml's emitter. Text that could be read as a number, a
 * truth or nothing is quoted. */
#include "yaml_write.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <yaml.h>

#include "auto.h"

#define WIDTH 100

/* Whether plain text stays text: a letter first, and none of the words that mean something else. */
static bool is_plain(const char *text, size_t length)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
    bool is_letter = (text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z');
    bool is_address = length > 0 && strspn(text, "0123456789.") == length && strchr(text, '.') &&
                      strchr(strchr(text, '.') + 1, '.'); /* 10.0.1.10 is no number */

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcasecmp(text, words[i]) == 0)
            return false;
    }
    return is_address || (is_letter && strspn(text, plain) == length);
}

static int put_scalar(yaml_emitter_t *emitter, const char *text, size_t length, bool is_text)
{
    yaml_event_t event;
    bool is_quoted = is_text && !is_plain(text, length);

    return yaml_scalar_event_initialize(
               &event, NULL, NULL, (const yaml_char_t *)text, (int)length, !is_quoted, 1,
               is_quoted ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE) &&
           yaml_emitter_emit(emitter, &event);
}

static bool is_scalar(const struct value *value)
{
    return value->type != VALUE_LIST && value->type != VALUE_MAP;
}

/* Whether a list or map holds nothing deeper than a list of plain values: it fits on a line. */
static bool is_flat(const struct value *value, unsigned levels)
{
    if (is_scalar(value))
        return true;
    if (levels == 0)
        return false;
    for (size_t i = 0; value->type == VALUE_LIST && i < value->list.count; i++) {
        if (!is_flat(&value->list.items[i], levels - 1))
            return false;
    }
    for (size_t i = 0; value->type == VALUE_MAP && i < value->map.count; i++) {
        if (!is_flat(&value->map.entries[i].value, levels - 1))
            return false;
    }
    return true;
}

static int put_value(yaml_emitter_t *emitter, const struct value *value, bool is_top);

static int put_list(yaml_emitter_t *emitter, const struct value *value)
{
    yaml_event_t event;
    bool are_scalars = is_flat(value, 1);

    if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                              are_scalars ? YAML_FLOW_SEQUENCE_STYLE
                                                          : YAML_BLOCK_SEQUENCE_STYLE) ||
        !yaml_emitter_emit(emitter, &event))
        return 0;
    for (size_t i = 0; i < value->list.count; i++) {
        if (!put_value(emitter, &value->list.items[i], false))
            return 0;
    }
    return yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static int put_map(yaml_emitter_t *emitter, const struct value *value, bool is_top)
{
    yaml_event_t event;
    bool is_line = !is_top && is_flat(value, 2);

    if (!yaml_mapping_start_event_initialize(
            &event, NULL, NULL, 1, is_line ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE) ||
        !yaml_emitter_emit(emitter, &event))
        return 0;
    for (size_t i = 0; i < value->map.count; i++) {
        const struct value_entry *entry = &value->map.entries[i];
        if (!put_scalar(emitter, entry->key, strlen(entry->key), true) ||
            !put_value(emitter, &entry->value, false))
            return 0;
    }
    return yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static int put_value(yaml_emitter_t *emitter, const struct value *value, bool is_top)
{
    char number[24];

    switch (value->type) {
    case VALUE_NULL:
        return put_scalar(emitter, "null", 4, false);
    case VALUE_BOOL:
        return put_scalar(emitter, value->boolean ? "true" : "false", value->boolean ? 4 : 5,
                          false);
    case VALUE_INTEGER:
        (void)snprintf(number, sizeof(number), "%" PRId64, value->integer);
        return put_scalar(emitter, number, strlen(number), false);
    case VALUE_STRING:
        return put_scalar(emitter, value->string.text, value->string.length, true);
    case VALUE_LIST:
        return put_list(emitter, value);
    case VALUE_MAP:
        return put_map(emitter, value, is_top);
    }
    return 0;
}

static int put_document(yaml_emitter_t *emitter, const struct value *document)
{
    yaml_event_t event;

    return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
           yaml_emitter_emit(emitter, &event) &&
           yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
           yaml_emitter_emit(emitter, &event) && put_value(emitter, document, true) &&
           yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(emitter, &event) &&
           yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

int yaml_write(const struct value *document, FILE *out, struct error *err)
{
    yaml_emitter_t emitter;
    int r = 0;

    if (!yaml_emitter_initialize(&emitter))
        return error_set(err, ERROR_INTERNAL, "no memory");
    yaml_emitter_set_output_file(&emitter, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, WIDTH);
    if (!put_document(&emitter, document))
        r = error_set(err, ERROR_INTERNAL, "cannot write YAML: %s",
                      emitter.problem ? emitter.problem : "no memory");
    yaml_emitter_delete(&emitter);
    return r;
}
