/* test_pack.c - canonical bytes, and bytes that lie about their size. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "pack.h"

#define LONG_TEXT "0123456789abcdef0123456789abcdef" /* 32: no longer a fixstr */

static size_t from_hex(const char *hex, uint8_t *bytes)
{
    size_t size = 0;

    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2) {
        bytes[size++] = (uint8_t)byte;
        while (hex[2] == ' ')
            hex++;
    }
    return size;
}

static struct value text_of(const char *text)
{
    struct value value = {0};

    cr_assert_eq(value_string(&value, text, strlen(text)), 0);
    return value;
}

static struct value sample(bool backwards)
{
    struct value map = {0}, list = {0}, item;
    const char *const keys[] = {"answers", "policy", "zone"};

    item = text_of("*.shop.mesh");
    cr_assert_eq(value_push(&list, &item), 0);
    item = value_boolean(true);
    cr_assert_eq(value_push(&list, &item), 0);
    item = (struct value){.type = VALUE_NULL};
    cr_assert_eq(value_push(&list, &item), 0);
    cr_assert_eq(value_put(&map, "domains", &list), 0);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        value_put_integer(&map, keys[backwards ? 2 - i : i], -1);
    return map;
}

Test(pack_write, the_same_tree_gives_the_same_golden_bytes_whatever_the_order_of_its_keys)
{
    static const char golden[] = "84a7616e7377657273ffa7646f6d61696e7393ab2a2e73686f702e6d657368c3"
                                 "c0a6706f6c696379ffa47a6f6e65ff";
    uint8_t expected[128];
    size_t size = from_hex(golden, expected);

    for (int backwards = 0; backwards < 2; backwards++) {
        AUTO_VALUE struct value map = sample(backwards);
        AUTO_BUFFER struct buffer buffer = {0};

        pack_write(&map, &buffer);
        cr_assert(buffer_is_good(&buffer));
        cr_assert_eq(buffer.size, size);
        cr_expect_eq(memcmp(buffer.bytes, expected, size), 0);
    }
}

static const struct {
    int64_t number;
    const char *hex;
} numbers[] = {
    {0, "00"},
    {127, "7f"},
    {128, "cc80"},
    {255, "ccff"},
    {256, "cd0100"},
    {65535, "cdffff"},
    {65536, "ce00010000"},
    {4294967295, "ceffffffff"},
    {4294967296, "cf0000000100000000"},
    {INT64_MAX, "cf7fffffffffffffff"},
    {-1, "ff"},
    {-32, "e0"},
    {-33, "d0df"},
    {-129, "d1ff7f"},
    {INT64_MIN, "d38000000000000000"},
};

Test(pack_write, each_number_takes_its_shortest_form_and_comes_back)
{
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        AUTO_BUFFER struct buffer buffer = {0};
        struct value value = value_integer(numbers[i].number), back = {0};
        uint8_t expected[16];
        size_t size = from_hex(numbers[i].hex, expected);

        pack_write(&value, &buffer);
        cr_expect(buffer.size == size && memcmp(buffer.bytes, expected, size) == 0, "%s",
                  numbers[i].hex);
        cr_expect_eq(pack_read(buffer.bytes, buffer.size, &back, NULL), 0);
        cr_expect(value_is_equal(&value, &back), "%s", numbers[i].hex);
    }
}

Test(pack_read, a_tree_comes_back_as_it_was)
{
    AUTO_VALUE struct value map = sample(false), back = {0};
    AUTO_BUFFER struct buffer buffer = {0};
    struct value item = text_of(LONG_TEXT "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x8d");

    cr_assert_eq(value_put(&map, "text", &item), 0);
    pack_write(&map, &buffer);
    cr_assert_eq(pack_read(buffer.bytes, buffer.size, &back, NULL), 0);
    cr_expect(value_is_equal(&map, &back));
}

Test(pack_read, an_empty_text_in_front_is_a_text)
{
    AUTO_VALUE struct value back = {0};

    cr_assert_eq(pack_read("\xa0", 1, &back, NULL), 0);
    cr_expect(back.type == VALUE_STRING && back.string.length == 0);
    value_done(&back);
    cr_assert_eq(pack_read("\x81\xa0\x01", 3, &back, NULL), 0);
    cr_expect_eq(value_get_integer(&back, "", 0), 1);
}

static const struct {
    const char *hex, *why;
} wrong[] = {
    {"", "nothing"},
    {"c1", "the unused byte"},
    {"dd10000000 01", "an array that claims 2^28 elements"},
    {"ddffffffff 01", "an array that claims 2^32-1 elements"},
    {"dfffffffff a161 01", "a map that claims 2^32-1 pairs"},
    {"dc ffff 01", "an array of 65535"},
    {"de ffff 01", "a map of 65535"},
    {"9f 01", "an array of 15"},
    {"8f a16101", "a map of 15"},
    {"dbffffffff 61", "a text of 4 GiB"},
    {"c6ffffffff 61", "a binary of 4 GiB"},
    {"c9ffffffff 01", "an extension of 4 GiB"},
    {"a5 6161", "a short text"},
    {"01 01", "two objects"},
    {"cd 01", "half a number"},
    {"9393939393939393dd00ffffff01", "claims inside claims"},
};

Test(pack_check, what_claims_more_than_is_there_is_refused)
{
    struct error err = {0};
    uint8_t bytes[64];

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct value value = value_boolean(true);
        size_t size = from_hex(wrong[i].hex, bytes);

        cr_expect_eq(pack_check(bytes, size, &err), ERROR_INVALID, "%s", wrong[i].why);
        cr_expect_eq(pack_read(bytes, size, &value, &err), ERROR_INVALID, "%s", wrong[i].why);
        cr_expect(value.type == VALUE_BOOL, "untouched: %s", wrong[i].why);
    }
}

Test(pack_check, nesting_ends_at_the_limit_of_all_readers)
{
    for (size_t depth = 1; depth <= 40; depth++) {
        AUTO_VALUE struct value value = {0};
        uint8_t bytes[64];

        memset(bytes, 0x91, depth);
        bytes[depth] = 0x01;
        int expected = depth <= VALUE_DEPTH_MAX ? 0 : ERROR_INVALID;
        cr_expect_eq(pack_check(bytes, depth + 1, NULL), expected, "%zu", depth);
        cr_expect_eq(pack_read(bytes, depth + 1, &value, NULL), expected, "%zu", depth);
    }
}

static const struct {
    const char *hex, *says;
} not_a_document[] = {
    {"ca3f800000", "a float, binary, extension or too large number is in it; allowed are text, "
                   "64-bit numbers, true, false, nil, lists and maps"},
    {"c40161", "a float, binary, extension or too large number is in it; allowed are text, 64-bit "
               "numbers, true, false, nil, lists and maps"},
    {"d40161", "a float, binary, extension or too large number is in it; allowed are text, 64-bit "
               "numbers, true, false, nil, lists and maps"},
    {"cf8000000000000000", "a float, binary, extension or too large number is in it; allowed are "
                           "text, 64-bit numbers, true, false, nil, lists and maps"},
    {"810101", "a key is not text"},
    {"82a16101a16102", "the key 'a' is there twice"},
    {"83a16101a16202a16103", "the key 'a' is there twice"},
    {"a100", "a text is not UTF-8 without NUL"},
    {"a2c080", "a text is not UTF-8 without NUL"},
    {"a1ff", "a text is not UTF-8 without NUL"},
    {"a3eda080", "a text is not UTF-8 without NUL"},
    {"a3e08080", "a text is not UTF-8 without NUL"},
    {"a4f4908080", "a text is not UTF-8 without NUL"},
    {"a4f0808080", "a text is not UTF-8 without NUL"},
    {"a2c3c3", "a text is not UTF-8 without NUL"},
    {"a1c3", "a text is not UTF-8 without NUL"},
    {"81a1c301", "a text is not UTF-8 without NUL"},
};

Test(pack_read, what_no_document_may_hold_is_refused_with_its_reason)
{
    for (size_t i = 0; i < ARRAY_SIZE(not_a_document); i++) {
        struct value value = {0};
        struct error err = {0};
        uint8_t bytes[64];
        size_t size = from_hex(not_a_document[i].hex, bytes);

        cr_expect_eq(pack_read(bytes, size, &value, &err), ERROR_INVALID, "%s",
                     not_a_document[i].hex);
        cr_expect_str_eq(error_line(&err), not_a_document[i].says, "%s", not_a_document[i].hex);
    }
}

Test(pack_read, cut_at_every_length_it_is_refused)
{
    AUTO_VALUE struct value map = sample(false);
    AUTO_BUFFER struct buffer buffer = {0};

    pack_write(&map, &buffer);
    for (size_t size = 0; size < buffer.size; size++) {
        struct value value = {0};
        AUTO_FREE uint8_t *cut = malloc(size + 1); /* ASan sees a byte too far */

        cut = realloc(cut, size ? size : 1);
        memcpy(cut, buffer.bytes, size);
        cr_expect_eq(pack_read(cut, size, &value, NULL), ERROR_INVALID, "%zu", size);
    }
}
