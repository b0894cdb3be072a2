/* test_hosts.c - how the gethostby functions end, in glibc's codes. */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "hosts.h"
#include "libc.h"

Test(hosts, each_end_has_glibcs_codes)
{
    struct resolve_answer answer = {.count = 1,
                                    .destinations = {{.has_v4 = true}},
                                    .canonical_length = 9,
                                    .canonical = "shop.mesh"};
    struct hosts_kept kept;
    struct hostent *found;
    int h_error = 99;
    struct hosts_place place = {&kept.host, kept.buffer, sizeof(kept.buffer), &found, &h_error};

    errno = 77;
    cr_expect_eq(hosts_fill(&answer, AF_INET, &place), 0);
    cr_expect_eq(found, &kept.host);
    cr_expect_str_eq(found->h_name, "shop.mesh");
    cr_expect_eq(h_error, LIBC_H_SUCCESS);
    cr_expect_eq(errno, 0);

    place.size = 20;
    cr_expect_eq(hosts_fill(&answer, AF_INET, &place), ERANGE);
    cr_expect_null(found);
    cr_expect_eq(h_error, LIBC_H_INTERNAL);
    cr_expect_eq(errno, ERANGE);

    found = &kept.host;
    cr_expect_eq(hosts_refuse(NO_DATA, &place), 0);
    cr_expect_null(found);
    cr_expect_eq(h_error, NO_DATA);
    cr_expect_eq(errno, 0);

    cr_expect_eq(hosts_lack(&place), ENOSYS);
    cr_expect_eq(h_error, LIBC_H_INTERNAL);
}

Test(hosts, h_errno_is_set_when_nothing_was_found)
{
    struct hostent host;

    h_errno = 55;
    cr_expect_eq(hosts_end(&host, LIBC_H_SUCCESS), &host);
    cr_expect_eq(h_errno, 55);
    cr_expect_null(hosts_end(NULL, NO_DATA));
    cr_expect_eq(h_errno, NO_DATA);
}
