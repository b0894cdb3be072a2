/* test_duration.c - lengths of time as people write them. */
#include <criterion/criterion.h>

#include "auto.h"
#include "duration.h"

static const struct {
    const char *text;
    int result;
    uint64_t ms;
} durations[] = {
    {"0s", 0, 0},           {"500ms", 0, 500},         {"5s", 0, 5000},
    {"2m", 0, 120000},      {"24h", 0, 86400000},      {"", ERROR_INVALID},
    {"5", ERROR_INVALID},   {"s", ERROR_INVALID},      {"-5s", ERROR_INVALID},
    {"+5s", ERROR_INVALID}, {" 5s", ERROR_INVALID},    {"5 s", ERROR_INVALID},
    {"5d", ERROR_INVALID},  {"1.5s", ERROR_INVALID},   {"5ss", ERROR_INVALID},
    {"5S", ERROR_INVALID},  {"87841h", ERROR_INVALID}, {"99999999999999999999s", ERROR_INVALID},
};

Test(duration, a_number_and_its_unit_are_read_or_refused)
{
    for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
        uint64_t ms = 42;

        cr_expect_eq(duration_read(durations[i].text, &ms, NULL), durations[i].result, "'%s'",
                     durations[i].text);
        cr_expect_eq(ms, durations[i].result == 0 ? durations[i].ms : 42, "'%s'",
                     durations[i].text);
    }
}

Test(duration, outside_its_bounds_it_is_refused_by_name)
{
    struct error err = {0};
    uint64_t ms = 42;

    cr_expect_eq(duration_read_within("5s", 5000, 5000, &ms, &err), 0);
    cr_expect_eq(duration_read_within("4s", 5000, 60000, &ms, &err), ERROR_INVALID);
    cr_expect_str_eq(error_line(&err), "'4s' is below 5000ms, the least");
    cr_expect_eq(duration_read_within("61s", 5000, 60000, &ms, &err), ERROR_INVALID);
    cr_expect_str_eq(error_line(&err), "'61s' is above 60s, the most");
    cr_expect_eq(ms, 5000);
}
