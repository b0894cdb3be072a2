/* reason.c - looks a name up as the reader does, and puts together what each part says about it. */
#include "reason.h"

#include <string.h>

#include "auto.h"

/* The key that answers for a name: itself, else the longest wildcard. Returns its offset in the
 * name, or -1. Rules that do not hold for a caller make the reader go on; this does not. */
static long match(const struct publish *publish, const char *name, size_t length)
{
    const uint64_t *words;

    for (size_t i = 0; i < length; i++)
        if ((i == 0 || name[i] == '.') &&
            snapshot_writer_get(publish->writer, name + i, length - i, &words) > 0)
            return (long)i;
    return -1;
}

static int describe(const struct publish *publish, const char *key, size_t length,
                    struct value *explanation, struct error *err)
{
    AUTO_VALUE struct value record = {0}, reasons = {0};
    char domain[SNAPSHOT_KEY_MAX + 2];
    const uint64_t *words = NULL;
    size_t count = snapshot_writer_get(publish->writer, key, length, &words);

    int r = count > 0 ? compile_describe(words, count, &record, err) : 0;
    if (r >= 0 && publish_domain(key, length, domain)) {
        value_put_text(explanation, "matched", domain);
        r = compile_explain(publish->set, &publish->node, domain, &reasons, err);
    }
    if (r >= 0)
        r = value_put(explanation, "explanation", &reasons);
    if (r >= 0)
        r = value_put(explanation, "record", &record);
    return r < 0 ? r : 0;
}

int reason_explain(const struct publish *publish, const char *name, struct value *ret_explanation,
                   struct error *err)
{
    AUTO(key_set_done) struct key_set key = {0};
    AUTO_VALUE struct value explanation = {0};

    if (name[0] == '*' || !key_set_add_domain(&key, name))
        return error_set(err, ERROR_INVALID, "'%.253s' is no name", name);

    char folded[SNAPSHOT_KEY_MAX + 1];
    size_t length = key.items[0].length;
    memcpy(folded, key_set_view(&key, 0), length);
    folded[length] = '\0';

    long at = match(publish, folded, length);
    const char *matched = folded + (at > 0 ? at : 0);
    size_t matched_length = length - (at > 0 ? (size_t)at : 0);
    value_put_text(&explanation, "name", folded);
    if (at < 0)
        value_put_text(&explanation, "matched", "");
    int r = describe(publish, matched, matched_length, &explanation, err);
    if (r < 0)
        return r;
    value_put_boolean(&explanation, "protected",
                      protect_judge(&publish->protected_keys, folded, length) != PROTECT_NO);
    value_put_boolean(&explanation, "kept", publish_is_frozen(publish, matched, matched_length));
    *ret_explanation = explanation;
    explanation = (struct value){0};
    return 0;
}
