/* reason.c - looks a name up as the reader does, and puts together what each part says about it. */
#include "reason.h"

#include <arpa/inet.h>
#include <string.h>

#include "auto.h"

/* The key that answers for a name: itself, else the longest wildcard. Returns its offset in the
 * name, or -1. Rules that do not hold for a caller make the reader go on; this does not. */
static long match(const struct publish *publish, const char *name, size_t length)
{
    const uint64_t *words;

    for (size_t i = 0; i < length; i++)
        if ((i == 0 || (name[i] == '.' && name[0] != '@')) &&
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
        value_put_text(explanation, "matched", count > 0 ? domain : "");
        r = compile_explain(publish->set, &publish->node, domain, &reasons, err);
        /* An alias of what is not understood: there is a record, but no reason to be given. */
        if (r < 0 && publish_is_frozen(publish, key, length))
            r = 0;
    }
    if (r >= 0)
        r = value_put(explanation, "explanation", &reasons);
    if (r >= 0)
        r = value_put(explanation, "record", &record);
    return r < 0 ? r : 0;
}

/* The key of an address: "@" and its bytes. Returns its length, 0 when the text is none. */
static size_t address_key(const char *text, char ret_key[static 17])
{
    ret_key[0] = '@';
    if (inet_pton(AF_INET, text, ret_key + 1) == 1)
        return 5;
    return inet_pton(AF_INET6, text, ret_key + 1) == 1 ? 17 : 0;
}

/* Brings what was typed into the form of a key. Returns its length, or ERROR_INVALID. */
static int read_name(const char *name, char ret_key[static SNAPSHOT_KEY_MAX + 1], struct error *err)
{
    AUTO(key_set_done) struct key_set key = {0};
    size_t length = address_key(name, ret_key);

    if (length > 0)
        return (int)length;
    if (name[0] == '*' || !key_set_add_domain(&key, name))
        return error_set(err, ERROR_INVALID, "'%.253s' is no name", name);
    length = key.items[0].length;
    memcpy(ret_key, key_set_view(&key, 0), length);
    ret_key[length] = '\0';
    return (int)length;
}

int reason_explain(const struct publish *publish, const char *name, struct value *ret_explanation,
                   struct error *err)
{
    AUTO_VALUE struct value explanation = {0};
    char key[SNAPSHOT_KEY_MAX + 1];
    int read = read_name(name, key, err);

    if (read < 0)
        return read;
    size_t length = (size_t)read;
    long at = match(publish, key, length);
    const char *matched = key + (at > 0 ? at : 0);
    size_t matched_length = length - (size_t)(matched - key);

    value_put_text(&explanation, "name", key[0] == '@' ? name : key);
    if (key[0] == '@')
        value_put_text(&explanation, "matched", at == 0 ? name : "");
    int r = describe(publish, matched, matched_length, &explanation, err);
    if (r < 0)
        return r;
    value_put_boolean(&explanation, "protected",
                      protect_judge(&publish->protected_keys, key, length) != PROTECT_NO);
    value_put_boolean(&explanation, "kept", publish_is_frozen(publish, matched, matched_length));
    *ret_explanation = explanation;
    explanation = (struct value){0};
    return 0;
}
