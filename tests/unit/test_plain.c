/* test_plain.c - what may be shown and what may not. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "plain.h"

Test(plain, control_characters_and_broken_utf8_are_replaced_and_all_else_stays)
{
    static const struct {
        const char *text, *plain;
    } rows[] = {
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\x1b[31mred\n\t\x7f", "?[31mred???"},
        {"cut \xe2\x82", "cut ??"},
        {"\xff\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80", "??? ??? ????"},
        {"\xc3", "?"},
        {"\xc2\x9b"
         "31mred\xc2\xa0",
         "??31mred\xc2\xa0"}, /* C1 */
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "%s", rows[i].text);
        plain_make(text);
        cr_expect_str_eq(text, rows[i].plain, "%s", rows[i].plain);
    }
}
