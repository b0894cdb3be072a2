/* fuzz_document.c - any bytes as a document from outside: JSON as the API takes it, or msgpack as
 * messages carry it. What begins as a JSON object does is JSON.
 *
 * What is read is written and read again; a canonical form is a fixed point.
 */
#include <string.h>

#include "auto.h"
#include "document.h"
#include "follow.h"
#include "json.h"
#include "pack.h"

enum { JSON = FOLLOW_GOALS, PACKED, NO_JSON, NO_PACKED, NAMED, NAMELESS, GOALS };
static struct fuzz_goal goals[GOALS] = {
    FOLLOW_GOAL_NAMES,
    [JSON] = {"json-read"},
    [PACKED] = {"msgpack-read"},
    [NO_JSON] = {"json-refused"},
    [NO_PACKED] = {"msgpack-refused"},
    [NAMED] = {"document-named"},
    [NAMELESS] = {"document-without-a-name"},
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_goals(goals, GOALS);
    return 0;
}

static void through_json(const struct value *value)
{
    AUTO_VALUE struct value back = {.type = VALUE_NULL};
    AUTO_BUFFER struct buffer text = {0};

    json_write(value, 0, &text);
    fuzz_claim(buffer_is_good(&text) &&
                   json_read((const char *)text.bytes, text.size, &back, NULL) == 0 &&
                   value_is_equal(value, &back),
               "a document is the same through JSON");
}

static void through_msgpack(const struct value *value)
{
    AUTO_VALUE struct value back = {.type = VALUE_NULL};
    AUTO_BUFFER struct buffer once = {0}, twice = {0};

    pack_write(value, &once);
    fuzz_claim(buffer_is_good(&once) && pack_read(once.bytes, once.size, &back, NULL) == 0 &&
                   value_is_equal(value, &back),
               "a document is the same through msgpack");
    pack_write(&back, &twice);
    fuzz_claim(once.size == twice.size && memcmp(once.bytes, twice.bytes, once.size) == 0,
               "the canonical form is one");
}

static void name_it(const void *bytes, size_t size)
{
    AUTO_VALUE struct value value = {.type = VALUE_NULL};
    char name[MESSAGE_NAME_MAX + 1];
    int r = document_read(bytes, size, name, &value);

    fuzz_claim(name[0] != '\0' && memchr(name, 0, sizeof name), "each document has a name");
    fuzz_claim((r == 1) == (name[0] != '?'), "a made-up name begins with ?");
    goals[NAMED].count += r == 1;
    goals[NAMELESS].count += r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    AUTO_VALUE struct value document = {.type = VALUE_NULL}, list = {.type = VALUE_NULL};
    struct error err = {0};
    AUTO_FREE void *copy = fuzz_copy(bytes, size);
    bool is_json = size > 0 && (bytes[0] == '{' || bytes[0] == '[');
    int r =
        is_json ? json_read(copy, size, &document, &err) : pack_read(copy, size, &document, &err);

    if (!is_json)
        name_it(copy, size);
    goals[is_json ? (r < 0 ? NO_JSON : JSON) : (r < 0 ? NO_PACKED : PACKED)].count++;
    if (r < 0) {
        follow_error(&err);
        return 0;
    }
    through_json(&document);
    through_msgpack(&document);
    if (value_push(&list, &document) < 0)
        abort();
    follow_documents(&list, goals);
    return 0;
}
