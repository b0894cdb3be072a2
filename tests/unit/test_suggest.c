/* test_suggest.c - a slip gets the word that was meant, another word gets none. */
#include <criterion/criterion.h>

#include "suggest.h"

static const char *const words[] = {"weight", "priority", "address", "zone", "labels", "uid", NULL};

static const struct {
    const char *typed, *meant;
} rows[] = {
    {"weigth", "weight"},
    {"wieght", "weight"},
    {"Weight", "weight"},
    {"adress", "address"},
    {"prioritty", "priority"},
    {"ui", "uid"},
    {"zone", "zone"},
    {"label", "labels"},
    {"colour", NULL},
    {"x", NULL},
    {"", NULL},
    {"weather", NULL},
    {"wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww",
     NULL},
};

Test(suggest, a_slip_gets_the_word_that_was_meant)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *nearest = suggest_word(rows[i].typed, words);

        if (rows[i].meant)
            cr_expect_str_eq(nearest ? nearest : "nothing", rows[i].meant, "%s", rows[i].typed);
        else
            cr_expect_null(nearest, "'%s' gave '%s'", rows[i].typed, nearest);
    }
}
