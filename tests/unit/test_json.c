/* test_json.c - JSON in and out. */
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "json.h"

Test(json, what_is_written_is_read_again)
{
    static const char *const texts[] = {
        "{\"b\":1,\"a\":[true,false,null,-9223372036854775808],\"c\":{}}",
        "[]",
        "\"\\u0001\\\"\\\\ä\"",
        "9223372036854775807",
        "null",
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        AUTO_VALUE struct value value = {0};
        AUTO_BUFFER struct buffer text = {0};
        struct error err = {0};

        cr_assert_eq(json_read(texts[i], strlen(texts[i]), &value, &err), 0, "%s: %s", texts[i],
                     error_line(&err));
        json_write(&value, 0, &text);
        cr_expect(buffer_is_good(&text));
        cr_expect_str_eq((char *)text.bytes, texts[i]);
    }
}

Test(json, indented_text_has_a_line_an_item)
{
    AUTO_VALUE struct value value = {0};
    AUTO_BUFFER struct buffer text = {0};

    cr_assert_eq(json_read("{\"a\":[1]}", 9, &value, NULL), 0);
    json_write(&value, 2, &text);
    cr_expect_str_eq((char *)text.bytes, "{\n  \"a\": [\n    1\n  ]\n}");
}

Test(json, what_documents_do_not_have_is_refused)
{
    static const struct {
        const char *text;
        size_t size;
        const char *says;
    } rows[] = {
        {"{\"a\":1,\"a\":2}", 13, "1:10: duplicate object key near '\"a\"'"},
        {"{\"a\":[1,{\"b\":1.5}]}", 19, "a[1].b: 1.5 is no whole number"},
        {"[1e3]", 5, "[0]: 1000 is no whole number"},
        {"{\"a\":1} x", 9, "1:9: end of file expected near 'x'"},
        {"[9223372036854775808]", 21, "1:20: too big integer near '9223372036854775808'"},
        {"[\"a\\u0000b\"]", 12, "1:11: a NUL (\\u0000) in a text"},
        {"[\"a\0b\"]", 7, NULL},
        {"[\"\xff\"]", 5, NULL},
        {"", 0, NULL},
        {"{\"a\":}", 6, "1:6: unexpected token near '}'"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        AUTO_VALUE struct value value = {0};
        struct error err = {0};

        cr_expect_eq(json_read(rows[i].text, rows[i].size, &value, &err), ERROR_INVALID, "%s",
                     rows[i].text);
        cr_expect_eq(value.type, VALUE_NULL);
        if (rows[i].says)
            cr_expect_str_eq(error_line(&err), rows[i].says);
    }
}

Test(json, depth_is_bounded)
{
    for (size_t depth = 32; depth <= 33; depth++) {
        AUTO_BUFFER struct buffer text = {0};
        AUTO_VALUE struct value value = {0};

        for (size_t i = 0; i < depth; i++)
            buffer_print(&text, "[");
        for (size_t i = 0; i < depth; i++)
            buffer_print(&text, "]");
        cr_expect_eq(json_read((char *)text.bytes, text.size, &value, NULL),
                     depth == 32 ? 0 : ERROR_INVALID);
    }
}
