/* test_yaml.c - types and places; tests/corpus has what is refused. */
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "json.h"
#include "yaml.h"

static void read_text(const char *text, struct value *ret_documents)
{
    struct error err = {0};

    cr_assert_eq(yaml_read(text, strlen(text), "x", ret_documents, &err), 0, "%s: %s", text,
                 error_line(&err));
}

Test(yaml, scalars_have_the_types_of_the_core_schema_without_floats)
{
    static const struct {
        const char *yaml, *json;
    } rows[] = {
        {"[a, 'b', \"c\", |\n d]", NULL},
        {"~", "[null]"},
        {"null", "[null]"},
        {"''", "[\"\"]"},
        {"[true, False, TRUE, yes, no, on]", "[[true,false,true,\"yes\",\"no\",\"on\"]]"},
        {"[0, -7, +7, 007, 9223372036854775807, -9223372036854775808]",
         "[[0,-7,7,7,9223372036854775807,-9223372036854775808]]"},
        {"[0x10, 1.5, 1e3, .inf, 1_000, '1', 10.0.0.1]",
         "[[\"0x10\",\"1.5\",\"1e3\",\".inf\",\"1_000\",\"1\",\"10.0.0.1\"]]"},
        {"a: 1\n10: b\ntrue: c\n? d\n: e", "[{\"a\":1,\"10\":\"b\",\"true\":\"c\",\"d\":\"e\"}]"},
        {"a:\nb: {}\nc: []", "[{\"a\":null,\"b\":{},\"c\":[]}]"},
        {"{\"a\": [1, {\"b\": \"\\u00e4\\/\"}], \"c\": null}",
         "[{\"a\":[1,{\"b\":\"ä/\"}],\"c\":null}]"},
        {"a: |\n  x\n  y\nb: >\n  x\n  y", "[{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}]"},
        {"", "[]"},
        {"# only a comment\n", "[]"},
        {"---\n---\na: 1\n---\n...\n---\nb: 2\n", "[{\"a\":1},{\"b\":2}]"},
        {"%YAML 1.2\n---\na: 1\n", "[{\"a\":1}]"},
        {"\xef\xbb\xbf"
         "a: 1\n",
         "[{\"a\":1}]"},
        {"a: {address: fd00::5, list: [fd00::5, x]}",
         "[{\"a\":{\"address\":\"fd00::5\",\"list\":[\"fd00::5\",\"x\"]}}]"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        AUTO_VALUE struct value documents = {0};
        AUTO_BUFFER struct buffer json = {0};
        struct error err = {0};
        int r = yaml_read(rows[i].yaml, strlen(rows[i].yaml), "x", &documents, &err);

        if (!rows[i].json) {
            cr_expect_eq(r, ERROR_INVALID, "%s", rows[i].yaml);
            continue;
        }
        cr_assert_eq(r, 0, "%s: %s", rows[i].yaml, error_line(&err));
        json_write(&documents, 0, &json);
        cr_expect_str_eq((char *)json.bytes, rows[i].json, "%s", rows[i].yaml);
    }
}

Test(yaml, places_are_lines_and_bytes_whatever_the_letters_and_line_ends)
{
    AUTO_VALUE struct value documents = {0};

    read_text("ä: {ö: x, b: y}\r\nc:\r  - 1\n  - [ü, ü, z]\n", &documents);
    const struct value *map = &documents.list.items[0];
    const struct value *inner = value_get(map, "ä"), *list = value_get(map, "c");

    cr_expect(map->line == 1 && map->column == 1);
    cr_expect(inner->line == 1 && inner->column == 5);
    cr_expect(inner->map.entries[1].line == 1 && inner->map.entries[1].column == 13);
    cr_expect(value_get(inner, "b")->column == 16);
    cr_expect(list->line == 3 && list->column == 3);
    cr_expect(list->list.items[1].list.items[2].line == 4);
    cr_expect_eq(list->list.items[1].list.items[2].column, 14);
}

Test(yaml, a_document_is_at_most_a_mebibyte_but_a_text_may_hold_many)
{
    AUTO_BUFFER struct buffer text = {0};
    AUTO_VALUE struct value documents = {0};
    struct error err = {0};

    for (int document = 0; document < 3; document++) {
        buffer_print(&text, "---\n");
        for (size_t i = 0; i < YAML_DOCUMENT_MAX / 16 - 1; i++)
            buffer_print(&text, "k%07zu: v%04zu\n", i, i % 10000);
    }
    cr_assert_eq(yaml_read((char *)text.bytes, text.size, "x", &documents, &err), 0, "%s",
                 error_line(&err));
    cr_expect_eq(documents.list.count, 3);
    buffer_print(&text, "k: 12345678901234567890\nl: 1\n");
    AUTO_VALUE struct value refused = {0};
    cr_expect_eq(yaml_read((char *)text.bytes, text.size, "x", &refused, &err), ERROR_INVALID);
    text.size -= strlen("k: 12345678901234567890\nl: 1\n");
    buffer_print(&text, "k: \"%01024d\"\nl: 1\n", 1);
    cr_expect_eq(yaml_read((char *)text.bytes, text.size, "x", &refused, &err), ERROR_TOO_LARGE);
    cr_expect_str_eq(err.text, "the document is above 1 MiB, the largest");
    cr_expect_eq(refused.type, VALUE_NULL);
}

/* libyaml's scanner is quadratic in depth: a long run of brackets must end early. */
Test(yaml, deep_nesting_is_refused_in_no_time, .timeout = 5)
{
    AUTO_BUFFER struct buffer text = {0};
    AUTO_VALUE struct value documents = {0};
    struct error err = {0};

    for (size_t i = 0; i < 1000000; i++)
        buffer_append(&text, i % 2 ? "{" : "[", 1);
    cr_expect_eq(yaml_read((char *)text.bytes, text.size, "x", &documents, &err), ERROR_INVALID);
    cr_expect_str_eq(err.text, "a key that is no text");
    for (size_t i = 0; i < text.size; i++)
        text.bytes[i] = '[';
    cr_expect_eq(yaml_read((char *)text.bytes, text.size, "x", &documents, &err), ERROR_INVALID);
    cr_expect_str_eq(err.text, "nested deeper than 32 levels");
    cr_expect_eq(err.column, 33);
}
