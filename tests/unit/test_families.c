/* test_families.c - which families count as configured, in network namespaces of its own. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "families.h"

static const struct {
    const char *commands; /* in a fresh namespace */
    unsigned families;
} rows[] = {
    {"true", 0},
    {"ip link set lo up", 0},
    {"ip link set lo up; ip addr add 127.0.0.9/8 dev lo", FAMILIES_V4},
    {"ip link set lo up; ip addr add 10.1.0.1/24 dev lo", FAMILIES_V4},
    {"ip link set lo up; ip addr add fd00::1/64 dev lo", FAMILIES_V6},
    {"ip link set lo up; ip addr add 10.1.0.1/24 dev lo; ip addr add fd00::1/64 dev lo",
     FAMILIES_V4 | FAMILIES_V6},
};

/* In a process of its own: the answer is remembered. Exits with the families, or 99. */
static int families_in_namespace(const char *commands)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        if (unshare(CLONE_NEWNET) < 0 || system(commands) != 0)
            _exit(99);
        errno = 1234;
        unsigned families = families_configured();
        _exit(errno == 1234 ? (int)families : 98);
    }
    cr_assert(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

Test(families, loopbacks_own_addresses_do_not_count_as_in_glibc)
{
    if (geteuid() != 0)
        cr_skip("needs network namespaces");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        cr_expect_eq(families_in_namespace(rows[i].commands), rows[i].families, "%s: %d",
                     rows[i].commands, families_in_namespace(rows[i].commands));
}

Test(families, the_answer_is_remembered)
{
    if (geteuid() != 0)
        cr_skip("needs network namespaces");
    cr_assert_eq(unshare(CLONE_NEWNET), 0);
    cr_expect_eq(families_configured(), 0);
    cr_assert_eq(system("ip link set lo up; ip addr add 10.1.0.1/24 dev lo"), 0);
    cr_expect_eq(families_configured(), 0);
}
