/* criterion.h - as much of criterion as the tests of the reader use, with a plain main().
 *
 * Where criterion does not exist (i386, arm64, musl) this header stands in for it, so that the same
 * tests run there. Each test is a forked child, as in criterion. The names are criterion's.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct criterion_options {
    char none; /* so that no list of options is empty */
    void (*init)(void), (*fini)(void);
};

struct criterion_test {
    const char *suite, *name;
    void (*run)(void);
    struct criterion_options options;
    struct criterion_test *next;
};

/* Adds a test, or with a run of NULL the options of a suite. Called before main. */
void criterion_add(struct criterion_test *test);

/* Notes a failed claim of the running test; ends it when the claim was an assertion. */
void criterion_claim(bool is_true, bool is_fatal, const char *file, int line, const char *claim,
                     const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Ends the running test as one that cannot run here. */
_Noreturn void criterion_skip(const char *why);

#define CRITERION_ADD(a_suite, a_name, a_run, ...)                                                 \
    __attribute__((constructor)) static void a_suite##_##a_name##_add(void)                        \
    {                                                                                              \
        static struct criterion_test test = {                                                      \
            .suite = #a_suite, .name = #a_name, .run = a_run, .options = {0, __VA_ARGS__}};        \
        criterion_add(&test);                                                                      \
    }

#define Test(suite, name, ...)                                                                     \
    static void suite##_##name##_run(void);                                                        \
    CRITERION_ADD(suite, name, suite##_##name##_run, __VA_ARGS__)                                  \
    static void suite##_##name##_run(void)

#define TestSuite(suite, ...)                                                                      \
    CRITERION_ADD(suite, all, NULL, __VA_ARGS__)                                                   \
    _Static_assert(1, "for the semicolon")

#define CRITERION_CLAIM(condition, is_fatal, claim, ...)                                           \
    criterion_claim(condition, is_fatal, __FILE__, __LINE__, claim, " " __VA_ARGS__)

#define cr_skip(why)           criterion_skip(why)
#define cr_assert(is, ...)     CRITERION_CLAIM(is, true, #is, __VA_ARGS__)
#define cr_expect(is, ...)     CRITERION_CLAIM(is, false, #is, __VA_ARGS__)
#define cr_expect_not(is, ...) CRITERION_CLAIM(!(is), false, "not " #is, __VA_ARGS__)

#define CRITERION_TWO(a, op, b, is_fatal, ...)                                                     \
    CRITERION_CLAIM((a)op(b), is_fatal, #a " " #op " " #b, __VA_ARGS__)

#define cr_assert_eq(a, b, ...)  CRITERION_TWO(a, ==, b, true, __VA_ARGS__)
#define cr_assert_neq(a, b, ...) CRITERION_TWO(a, !=, b, true, __VA_ARGS__)
#define cr_assert_lt(a, b, ...)  CRITERION_TWO(a, <, b, true, __VA_ARGS__)
#define cr_assert_leq(a, b, ...) CRITERION_TWO(a, <=, b, true, __VA_ARGS__)
#define cr_assert_gt(a, b, ...)  CRITERION_TWO(a, >, b, true, __VA_ARGS__)
#define cr_assert_geq(a, b, ...) CRITERION_TWO(a, >=, b, true, __VA_ARGS__)
#define cr_expect_eq(a, b, ...)  CRITERION_TWO(a, ==, b, false, __VA_ARGS__)
#define cr_expect_neq(a, b, ...) CRITERION_TWO(a, !=, b, false, __VA_ARGS__)
#define cr_expect_lt(a, b, ...)  CRITERION_TWO(a, <, b, false, __VA_ARGS__)
#define cr_expect_leq(a, b, ...) CRITERION_TWO(a, <=, b, false, __VA_ARGS__)
#define cr_expect_gt(a, b, ...)  CRITERION_TWO(a, >, b, false, __VA_ARGS__)
#define cr_expect_geq(a, b, ...) CRITERION_TWO(a, >=, b, false, __VA_ARGS__)

#define cr_assert_null(a, ...)     CRITERION_TWO(a, ==, NULL, true, __VA_ARGS__)
#define cr_assert_not_null(a, ...) CRITERION_TWO(a, !=, NULL, true, __VA_ARGS__)
#define cr_expect_null(a, ...)     CRITERION_TWO(a, ==, NULL, false, __VA_ARGS__)
#define cr_expect_not_null(a, ...) CRITERION_TWO(a, !=, NULL, false, __VA_ARGS__)

#define cr_assert_str_eq(a, b, ...) CRITERION_TWO(strcmp(a, b), ==, 0, true, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) CRITERION_TWO(strcmp(a, b), ==, 0, false, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, size, ...)                                                          \
    CRITERION_TWO(memcmp(a, b, size), ==, 0, true, __VA_ARGS__)
#define cr_expect_arr_eq(a, b, size, ...)                                                          \
    CRITERION_TWO(memcmp(a, b, size), ==, 0, false, __VA_ARGS__)
