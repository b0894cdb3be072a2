/* policy_label.c - zones and labels: short words that people choose. */
#include "policy_label.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_read.h"

#define WORD_MAX 63
#define LETTERS  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-"

static int check_word(const struct value *value, const char *text, const char *what,
                      struct error *err)
{
    size_t length = strlen(text);
    size_t good = strspn(text, LETTERS);

    if (length > WORD_MAX)
        return policy_read_refuse(err, ERROR_INVALID, value,
                                  "'%.20s...' has %zu bytes, above %d, the longest %s", text,
                                  length, WORD_MAX, what);
    if (good == length && length > 0)
        return 0;
    return policy_read_refuse(err, ERROR_INVALID, value,
                              "'%s' is no %s; allowed are A-Z, a-z, 0-9 and . _ / -", text, what);
}

int policy_label_word(const struct value *value, const char *what, char **ret_word,
                      struct error *err)
{
    char number[24];
    const char *text = number;
    int r = 0;

    /* `version: 1` is plain enough; true and null are not. */
    if (value->type == VALUE_INTEGER)
        (void)snprintf(number, sizeof(number), "%" PRId64, value->integer);
    else
        r = policy_read_text(value, SIZE_MAX, &text, err);
    if (r == 0)
        r = check_word(value, text, what, err);
    if (r < 0)
        return r;
    char *copy = strdup(text);
    if (!copy)
        return policy_read_memory(err);
    free(*ret_word);
    *ret_word = copy;
    return 0;
}

int policy_label_read(const struct value *value, struct policy_label **ret_labels,
                      size_t *ret_count, struct error *err)
{
    if (value->type != VALUE_MAP)
        return policy_read_refuse(err, ERROR_INVALID, value, "%s where a map is needed",
                                  value_type_name(value->type));
    if (value->map.count > POLICY_LABELS_MAX)
        return policy_read_refuse(err, ERROR_INVALID, value, "%zu labels are above %d, the most",
                                  value->map.count, POLICY_LABELS_MAX);
    *ret_labels = calloc(value->map.count + 1, sizeof(**ret_labels));
    if (!*ret_labels)
        return policy_read_memory(err);
    for (size_t i = 0; i < value->map.count; i++) {
        const struct value_entry *entry = &value->map.entries[i];
        struct policy_label *label = &(*ret_labels)[i];
        const struct value place = {.line = entry->line, .column = entry->column};
        int r = check_word(&place, entry->key, "label", err);

        *ret_count = i + 1;
        if (r == 0)
            r = policy_label_word(&entry->value, "label", &label->text, err);
        if (r < 0) {
            error_within(err, "%.63s", entry->key);
            return r;
        }
        label->key = strdup(entry->key);
        if (!label->key)
            return policy_read_memory(err);
    }
    return 0;
}

void policy_label_done(struct policy_label *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(labels[i].key);
        free(labels[i].text);
    }
    free(labels);
}

const char *policy_label_get(const struct policy_label *labels, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(labels[i].key, key) == 0)
            return labels[i].text;
    }
    return NULL;
}
