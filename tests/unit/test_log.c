/* test_log.c - one event, one line; quoted, escaped, counted. */
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "log.h"

/* What the log wrote since the last call. */
static const char *written(int fd)
{
    static char text[8192];
    ssize_t size = read(fd, text, sizeof(text) - 1);

    text[size > 0 ? size : 0] = '\0';
    return text;
}

Test(log, an_event_is_one_line_of_quoted_fields_and_repeats_are_counted)
{
    struct log log;
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    log_init(&log);
    log.fd = ends[1];
    log.journal = false;

    log_event(&log, LOG_LEVEL_WARNING, "destination-down", log_text("policy", "checkout"),
              log_text("reason", "connection \"refused\"\n"), log_number("failures", 3));
    cr_expect_str_eq(written(ends[0]), "destination-down policy=checkout "
                                       "reason=\"connection \\\"refused\\\"\\x0a\" failures=3\n");
    log_event(&log, LOG_LEVEL_INFO + 1, "debug", log_number("n", 1));
    for (int i = 0; i < 5; i++)
        log_event(&log, LOG_LEVEL_ERROR, "again", log_number("n", 1));
    cr_expect_str_eq(written(ends[0]), "again n=1\n");
    log_event(&log, LOG_LEVEL_ERROR, "other", log_text("empty", ""));
    cr_expect_str_eq(written(ends[0]), "again n=1 repeated=4\nother empty=\"\"\n");

    log.journal = true;
    log_event(&log, LOG_LEVEL_ERROR, "journal", log_number("n", -1));
    cr_expect_str_eq(written(ends[0]), "<3>journal n=-1\n");
    log_done(&log);
}

Test(log, a_line_that_is_too_long_is_cut)
{
    struct log log;
    char longer[4000];
    int ends[2];

    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    cr_assert_eq(pipe(ends), 0);
    log_init(&log);
    log.fd = ends[1];
    log_event(&log, LOG_LEVEL_ERROR, "long", log_text("text", longer));
    size_t length = strlen(written(ends[0]));
    cr_expect_leq(length, 1001);
    cr_expect_geq(length, 900);
    log_done(&log);
}
