/* criterion.c - runs the tests that were added, each in a child of its own, and speaks TAP. */
#include "criterion.h"

#include <stdarg.h>
#include <sys/wait.h>

#define SKIPPED 77

static struct criterion_test *tests, **last = &tests;
static bool is_failed; /* a claim of the test that this process runs turned out false */

void criterion_add(struct criterion_test *test)
{
    *last = test;
    last = &test->next;
}

void criterion_claim(bool is_true, bool is_fatal, const char *file, int line, const char *claim,
                     const char *format, ...)
{
    va_list arguments;

    if (is_true)
        return;
    is_failed = true;
    printf("# %s:%d: false: %s;", file, line, claim);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    if (is_fatal)
        _exit(1);
}

void criterion_skip(const char *why)
{
    printf("# %s\n", why);
    fflush(stdout);
    _exit(SKIPPED);
}

static const struct criterion_options *options_of_suite(const struct criterion_test *test)
{
    static const struct criterion_options none;

    for (const struct criterion_test *each = tests; each; each = each->next)
        if (!each->run && strcmp(each->suite, test->suite) == 0)
            return &each->options;
    return &none;
}

static _Noreturn void run(const struct criterion_test *test)
{
    const struct criterion_options *suite = options_of_suite(test), *own = &test->options;
    void (*init)(void) = own->init ? own->init : suite->init;
    void (*fini)(void) = own->fini ? own->fini : suite->fini;

    if (init)
        init();
    test->run();
    if (fini)
        fini();
    exit(is_failed);
}

int main(void)
{
    int count = 0, failed = 0;

    for (struct criterion_test *test = tests; test; test = test->next) {
        int status = -1;
        if (!test->run)
            continue;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0)
            run(test);
        if (child > 0)
            waitpid(child, &status, 0);
        bool is_skipped = WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED;
        bool is_good = status == 0 || is_skipped;
        failed += !is_good;
        printf("%sok %d - %s: %s%s\n", is_good ? "" : "not ", ++count, test->suite, test->name,
               is_skipped ? " # SKIP" : "");
        if (!is_good)
            printf("# wait status %#x\n", (unsigned)status);
    }
    printf("1..%d\n", count);
    return failed > 0 || count == 0;
}
