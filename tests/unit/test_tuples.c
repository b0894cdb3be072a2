/* test_tuples.c - what gethostbyname4_r returns: all inside the buffer, whole or not at all. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdalign.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tuples.h"

#define ROOM 512 /* enough for the longest name */

static void fill(struct resolve_answer *answer, size_t length)
{
    *answer = (struct resolve_answer){
        .count = 1,
        .destinations = {{.v4 = htonl(0x0a000001), .has_v4 = true, .has_v6 = true}},
        .canonical_length = (uint8_t)length,
    };
    memset(answer->destinations[0].v6, 0xfd, 16);
    memset(answer->canonical, 'x', length);
}

static bool is_inside(const void *pointer, size_t size, const char *buffer, size_t room)
{
    const char *at = pointer;

    return at >= buffer && at + size <= buffer + room;
}

Test(tuples, ipv6_goes_first_and_all_lies_in_the_callers_buffer_whatever_its_alignment)
{
    static const size_t lengths[] = {1, 9, SNAPSHOT_KEY_MAX};
    char memory[ROOM + 2 * alignof(max_align_t)];

    for (size_t i = 0; i < 3 * alignof(max_align_t); i++) {
        char *buffer = memory + i / 3;
        struct gaih_addrtuple *tuples = NULL;
        struct resolve_answer answer;
        size_t size = 0;

        fill(&answer, lengths[i % 3]);
        memset(memory, 0xee, sizeof(memory));
        errno = 77;
        while (!tuples_pack(&answer, buffer, size, &tuples)) {
            cr_assert_null(tuples);
            cr_assert_lt(size++, (size_t)ROOM);
        }
        cr_assert_eq(errno, 77);
        cr_assert(is_inside(tuples, 2 * sizeof(*tuples), buffer, size));
        cr_assert_eq((uintptr_t)tuples % alignof(struct gaih_addrtuple), 0);
        cr_assert_eq(tuples->family, AF_INET6);
        cr_assert_arr_eq(tuples->addr, answer.destinations[0].v6, 16);
        cr_assert_eq(tuples->scopeid, 0);
        cr_assert_str_eq(tuples->name, answer.canonical);
        cr_assert(is_inside(tuples->name, answer.canonical_length + 1u, buffer, size));
        cr_assert_not_null(tuples->next);
        cr_assert_eq(tuples->next->family, AF_INET);
        cr_assert_eq(tuples->next->name, tuples->name);
        cr_assert_arr_eq(tuples->next->addr, &answer.destinations[0].v4, 4);
        cr_assert_null(tuples->next->next);
        for (char *at = buffer + size; at < memory + sizeof(memory); at++)
            cr_assert_eq(*at, (char)0xee, "written behind %zu bytes", size);
    }
}

Test(tuples, the_first_one_goes_into_the_callers_if_there_is_one)
{
    char buffer[ROOM];
    struct gaih_addrtuple given = {0}, *tuples = &given;
    struct resolve_answer answer;

    fill(&answer, 9);
    cr_assert(tuples_pack(&answer, buffer, sizeof(buffer), &tuples));
    cr_expect_eq(tuples, &given);
    cr_expect_eq(given.family, AF_INET6);
    cr_expect_eq(given.next->family, AF_INET);

    answer.destinations[0].has_v6 = false;
    cr_assert(tuples_pack(&answer, buffer, sizeof(buffer), &tuples));
    cr_expect_eq(tuples, &given);
    cr_expect_eq(given.family, AF_INET);
    cr_expect_null(given.next);
}

Test(tuples, the_room_that_is_needed_does_not_tell_which_destination_was_drawn)
{
    char buffer[ROOM];
    struct resolve_answer both, one;

    fill(&both, 9);
    fill(&one, 9);
    one.destinations[0] = (struct resolve_destination){.has_v4 = true};
    for (size_t size = 0; size <= ROOM; size++) {
        struct gaih_addrtuple *first = NULL, *second = NULL;
        bool fits = tuples_pack(&both, buffer, size, &first);

        cr_expect_eq(fits, first != NULL);
        cr_expect_eq(fits, tuples_pack(&one, buffer, size, &second));
    }
}
