/* test_packing.c - answers in the caller's buffer: all inside, aligned, whole or not at all. */
#include <arpa/inet.h>
#include <stdalign.h>
#include <string.h>

#include <criterion/criterion.h>

#include "packing.h"

/* The largest name there can be, and a destination with both families. */
static void fill_largest(struct resolve_answer *answer)
{
    *answer = (struct resolve_answer){
        .count = 1,
        .destinations = {{.v4 = htonl(0x0a000001), .has_v4 = true, .has_v6 = true}},
        .canonical_length = SNAPSHOT_KEY_MAX,
    };
    memset(answer->destinations[0].v6, 0xfd, 16);
    memset(answer->canonical, 'x', SNAPSHOT_KEY_MAX);
}

static bool is_inside(const void *pointer, size_t size, const char *buffer, size_t room)
{
    const char *at = pointer;

    return at >= buffer && at + size <= buffer + room;
}

Test(packing, a_host_lies_in_the_callers_buffer_whatever_its_alignment)
{
    char memory[PACKING_ROOM + 2 * alignof(max_align_t)];
    struct resolve_answer answer;

    fill_largest(&answer);
    for (size_t offset = 0; offset < alignof(max_align_t); offset++) {
        char *buffer = memory + offset;
        struct hostent host;

        memset(memory, 0xee, sizeof(memory));
        cr_assert(packing_host(answer.canonical, AF_INET6, answer.destinations[0].v6, buffer,
                               PACKING_ROOM, &host));
        cr_expect_str_eq(host.h_name, answer.canonical);
        cr_expect_eq(host.h_addrtype, AF_INET6);
        cr_expect_eq(host.h_length, 16);
        cr_expect_null(host.h_aliases[0]);
        cr_expect_arr_eq(host.h_addr_list[0], answer.destinations[0].v6, 16);
        cr_expect_null(host.h_addr_list[1]);
        cr_expect_eq((uintptr_t)host.h_addr_list % alignof(char *), 0);
        cr_expect_eq((uintptr_t)host.h_addr_list[0] % alignof(struct in6_addr), 0);
        cr_expect(is_inside(host.h_name, SNAPSHOT_KEY_MAX + 1, buffer, PACKING_ROOM));
        cr_expect(is_inside(host.h_aliases, sizeof(char *), buffer, PACKING_ROOM));
        cr_expect(is_inside(host.h_addr_list, 2 * sizeof(char *), buffer, PACKING_ROOM));
        cr_expect(is_inside(host.h_addr_list[0], 16, buffer, PACKING_ROOM));
        cr_expect_eq(memory[sizeof(memory) - 1], (char)0xee);
    }
}

Test(packing, tuples_go_ipv6_first_and_into_the_callers_first_tuple_if_there_is_one)
{
    char buffer[PACKING_ROOM];
    struct gaih_addrtuple given = {0}, *tuples = NULL;
    struct resolve_answer answer;

    fill_largest(&answer);
    cr_assert(packing_tuples(&answer, buffer, sizeof(buffer), &tuples));
    cr_expect_eq(tuples->family, AF_INET6);
    cr_expect_arr_eq(tuples->addr, answer.destinations[0].v6, 16);
    cr_expect_eq(tuples->scopeid, 0);
    cr_expect_str_eq(tuples->name, answer.canonical);
    cr_expect(is_inside(tuples->name, SNAPSHOT_KEY_MAX + 1, buffer, sizeof(buffer)));
    cr_assert_not_null(tuples->next);
    cr_expect_eq(tuples->next->family, AF_INET);
    cr_expect_arr_eq(tuples->next->addr, &answer.destinations[0].v4, 4);
    cr_expect_null(tuples->next->next);

    tuples = &given;
    answer.destinations[0].has_v6 = false;
    cr_assert(packing_tuples(&answer, buffer, sizeof(buffer), &tuples));
    cr_expect_eq(tuples, &given);
    cr_expect_eq(given.family, AF_INET);
    cr_expect_null(given.next);
}

Test(packing, a_buffer_is_refused_by_the_largest_answer_and_not_by_this_one)
{
    char buffer[PACKING_ROOM];
    struct resolve_answer answer, small = {.count = 1, .canonical_length = 1, .canonical = "x"};
    struct gaih_addrtuple *tuples = NULL;
    struct hostent host;

    fill_largest(&answer);
    small.destinations[0] = (struct resolve_destination){.has_v4 = true};
    for (size_t size = 0; size <= PACKING_ROOM; size++) {
        bool fits = packing_host(answer.canonical, AF_INET, &answer.destinations[0].v4, buffer,
                                 size, &host);

        cr_expect_eq(fits,
                     packing_host("x", AF_INET, &small.destinations[0].v4, buffer, size, &host));
        tuples = NULL;
        fits = packing_tuples(&answer, buffer, size, &tuples);
        cr_expect_eq(fits, tuples != NULL);
        tuples = NULL;
        cr_expect_eq(fits, packing_tuples(&small, buffer, size, &tuples));
    }
    cr_expect_not(packing_host("x", AF_INET, &small.destinations[0].v4, buffer, 256, &host));
    cr_expect_not(packing_tuples(&small, buffer, 256, &tuples));
}
