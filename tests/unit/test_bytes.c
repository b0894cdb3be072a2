/* test_bytes.c - buffer.h and cursor.h, each the other's counterpart. */
#include <string.h>

#include <criterion/criterion.h>

#include "buffer.h"
#include "cursor.h"

Test(bytes, what_a_buffer_wrote_a_cursor_reads)
{
    AUTO_BUFFER struct buffer buffer = {0};

    buffer_number(&buffer, 0x0102030405060708, 8);
    buffer_number(&buffer, 0xfffe, 2);
    buffer_append(&buffer, "text", 4);
    buffer_print(&buffer, "%s-%d", "n", 42);
    cr_assert(buffer_is_good(&buffer));
    cr_assert_eq(buffer.size, 18);
    cr_expect_eq(buffer.bytes[buffer.size], 0, "text ends with a NUL");

    struct cursor cursor = cursor_view(buffer.bytes, buffer.size);
    char text[4];
    cr_expect_eq(cursor_number(&cursor, 8), 0x0102030405060708);
    cr_expect_eq(cursor_number(&cursor, 2), 0xfffe);
    cursor_copy(&cursor, text, sizeof(text));
    cr_expect_arr_eq(text, "text", 4);
    cr_expect_arr_eq(cursor_take(&cursor, 4), "n-42", 4);
    cr_expect(cursor_is_good(&cursor));
    cr_expect_eq(cursor_left(&cursor), 0);
}

Test(bytes, a_cursor_remembers_its_first_failure_and_never_leaves_its_bytes)
{
    for (size_t size = 0; size < 8; size++) {
        uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8}, out[4] = {9, 9, 9, 9};
        struct cursor cursor = cursor_view(bytes, size);

        cr_expect_eq(cursor_number(&cursor, 8), 0);
        cr_expect_not(cursor_is_good(&cursor));
        cr_expect_null(cursor_take(&cursor, 0), "after a failure nothing is given");
        cursor_copy(&cursor, out, sizeof(out));
        cr_expect_eq(out[0] | out[1] | out[2] | out[3], 0);
        cr_expect_eq(cursor_left(&cursor), 0);
    }
    struct cursor cursor = cursor_view("abc", 3);
    cr_expect_null(cursor_take(&cursor, SIZE_MAX));
}

Test(bytes, a_buffer_grows_over_many_appends_and_can_be_used_again)
{
    AUTO_BUFFER struct buffer buffer = {0};

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 10000; i++)
            buffer_print(&buffer, "%04d", i);
        cr_assert(buffer_is_good(&buffer));
        cr_assert_eq(buffer.size, 40000);
        cr_expect_arr_eq(buffer.bytes + 4 * 1234, "1234", 4);
        buffer_reset(&buffer);
        cr_expect_eq(buffer.size, 0);
    }
    buffer_append(&buffer, NULL, SIZE_MAX);
    cr_expect_not(buffer_is_good(&buffer), "what cannot be had is remembered");
}
