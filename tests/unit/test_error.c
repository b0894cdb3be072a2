/* test_error.c - the form of a message, and the table of codes. */
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
