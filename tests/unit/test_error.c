/* test_error.c - the form of a message, and the table of codes. */
#include <string.h>

#include <criterion/criterion.h>

#include "error.h"

Test(error, a_message_has_the_form_that_editors_jump_to)
{
    struct error err = {0};

    error_set(&err, ERROR_INVALID, "70000 is above 65535, the largest weight");
    cr_expect_str_eq(error_line(&err), "70000 is above 65535, the largest weight");
    error_key(&err, "weight");
    error_within(&err, "destinations[%d]", 1);
    cr_expect_str_eq(error_line(&err),
                     "destinations[1].weight: 70000 is above 65535, the largest weight");
    error_where(&err, "checkout.yaml");
    cr_expect_str_eq(error_line(&err), "checkout.yaml: destinations[1].weight: 70000 is above "
                                       "65535, the largest weight");
    error_place(&err, 6, 34);
    cr_expect_str_eq(error_line(&err), "checkout.yaml:6:34: destinations[1].weight: 70000 is above "
                                       "65535, the largest weight");
}

Test(error, each_code_has_a_name_an_exit_status_and_a_http_status)
{
    cr_expect_str_eq(error_name(ERROR_INVALID), "invalid");
    cr_expect_eq(error_exit_status(ERROR_INVALID), 65);
    cr_expect_eq(error_http_status(ERROR_INVALID), 422);
    cr_expect_str_eq(error_name(ERROR_CONFIG), "configuration");
    cr_expect_eq(error_exit_status(ERROR_CONFIG), 78);
    cr_expect_str_eq(error_name(-1000), "internal");
    cr_expect_str_eq(error_name(0), "internal");
}

Test(error, other_peoples_text_reaches_terminals_and_json_as_plain_text)
{
    const char *text = "\x1b[31mcaf\xc3\xa9\n\xff", *plain = "?[31mcaf\xc3\xa9??";
    struct error err = {0};
    char longest[300];

    error_set(&err, ERROR_INVALID, "%s", text);
    error_key(&err, "%s", text);
    error_hint(&err, "%s", text);
    error_where(&err, text);
    cr_expect_str_eq(err.text, plain);
    cr_expect_str_eq(err.key, plain);
    cr_expect_str_eq(err.hint, plain);
    cr_expect_str_eq(err.where, plain);

    for (size_t i = 0; i + 2 < sizeof(longest); i += 2)
        memcpy(longest + i, "\xc3\xa9", 3);
    error_set(&err, ERROR_INVALID, "x");
    error_key(&err, "%s", longest);
    error_within(&err, "%s", longest);
    for (const char *at = err.key; *at; at++)
        cr_expect(*at == '?' || *at == '.' || (*at & 0x80));
    cr_expect_lt(strlen(err.key), sizeof(err.key));
}
