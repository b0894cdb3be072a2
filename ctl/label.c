/* label.c - --label KEY=TEXT, as often as one likes. */
#include "label.h"

#include <stdlib.h>
#include <string.h>

#include "auto.h"

void label_free(struct policy_label *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(labels[i].key);
        free(labels[i].text);
    }
}

static int read_one(const char *text, struct policy_label *ret_label, struct error *err)
{
    const char *equal = strchr(text, '=');

    if (!equal || equal == text) {
        error_set(err, ERROR_USAGE, "--label: '%.100s' is no KEY=TEXT", text);
        return ERROR_USAGE;
    }
    struct policy_label label = {.key = strndup(text, (size_t)(equal - text)),
                                 .text = strdup(equal + 1)};
    if (!label.key || !label.text) {
        label_free(&label, 1);
        error_set(err, ERROR_INTERNAL, "no memory");
        return ERROR_INTERNAL;
    }
    *ret_label = label;
    return 0;
}

int label_read(const struct command_call *call, struct policy_label *ret_labels, size_t *ret_count,
               struct error *err)
{
    size_t at = 0, count = 0;
    const char *text;
    int r = 0;

    memset(ret_labels, 0, POLICY_LABELS_MAX * sizeof(*ret_labels));
    while (r == 0 && (text = command_next(call, "label", &at))) {
        if (count == POLICY_LABELS_MAX)
            r = error_set(err, ERROR_USAGE, "more than %d labels", POLICY_LABELS_MAX);
        else
            r = read_one(text, &ret_labels[count], err);
        count += r == 0;
        for (size_t i = 0; r == 0 && i + 1 < count; i++) {
            if (strcmp(ret_labels[i].key, ret_labels[count - 1].key) == 0)
                r = error_set(err, ERROR_USAGE, "--label: '%.60s' is given twice",
                              ret_labels[i].key);
        }
    }
    if (r < 0)
        label_free(ret_labels, count);
    else
        *ret_count = count;
    return r;
}

int label_read_value(const struct command_call *call, struct value *ret_map, struct error *err)
{
    struct policy_label labels[POLICY_LABELS_MAX] = {0};
    struct value map = {.type = VALUE_MAP};
    size_t count = 0;

    int r = label_read(call, labels, &count, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        value_put_text(&map, labels[i].key, labels[i].text);
    label_free(labels, count);
    *ret_map = map;
    return 0;
}
