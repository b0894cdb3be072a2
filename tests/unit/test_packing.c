/* test_packing.c - hosts in the caller's buffer: all inside, aligned, whole or not at all. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdalign.h>
#include <string.h>

#include <criterion/criterion.h>

#include "packing.h"

/* The longest name there can be, and as many destinations, each with both families. */
static void fill(struct resolve_answer *answer, size_t count, size_t length)
{
    *answer = (struct resolve_answer){.count = count, .canonical_length = (uint8_t)length};
    for (size_t i = 0; i < count; i++) {
        answer->destinations[i].has_v4 = answer->destinations[i].has_v6 = true;
        answer->destinations[i].v4 = htonl(0x0a000000 + (uint32_t)i);
        memset(answer->destinations[i].v6, 0xf0 + (int)i, 16);
    }
    memset(answer->canonical, 'x', length);
}

static bool is_inside(const void *pointer, size_t size, const char *buffer, size_t room)
{
    const char *at = pointer;

    return at >= buffer && at + size <= buffer + room;
}

/* Everything about a host that was packed into `room` bytes. */
static void check(const struct hostent *host, const struct resolve_answer *answer, int family,
                  const char *buffer, size_t room)
{
    size_t length = family == AF_INET ? 4 : 16;

    cr_assert_str_eq(host->h_name, answer->canonical);
    cr_assert_eq(host->h_addrtype, family);
    cr_assert_eq(host->h_length, (int)length);
    cr_assert(is_inside(host->h_name, answer->canonical_length + 1u, buffer, room));
    cr_assert(is_inside(host->h_aliases, sizeof(char *), buffer, room));
    cr_assert_null(host->h_aliases[0]);
    cr_assert(is_inside(host->h_addr_list, (answer->count + 1) * sizeof(char *), buffer, room));
    cr_assert_eq((uintptr_t)host->h_addr_list % alignof(char *), 0);
    for (size_t i = 0; i < answer->count; i++) {
        const struct resolve_destination *from = &answer->destinations[i];

        cr_assert(is_inside(host->h_addr_list[i], length, buffer, room));
        cr_assert_eq((uintptr_t)host->h_addr_list[i] % alignof(struct in6_addr), 0);
        cr_assert_arr_eq(host->h_addr_list[i],
                         family == AF_INET ? (const void *)&from->v4 : from->v6, length);
    }
    cr_assert_null(host->h_addr_list[answer->count]);
}

Test(packing, a_host_lies_in_the_callers_buffer_whatever_its_size_and_alignment)
{
    static const size_t counts[] = {1, 2, SNAPSHOT_ANSWERS_MAX};
    static const size_t lengths[] = {1, 9, SNAPSHOT_KEY_MAX};
    static const int families[] = {AF_INET, AF_INET6};
    char memory[PACKING_ROOM + 2 * alignof(max_align_t)];

    for (size_t i = 0; i < 3 * 3 * 2 * alignof(max_align_t); i++) {
        size_t rest = i / alignof(max_align_t), offset = i % alignof(max_align_t), size = 0;
        int family = families[rest % 2];
        char *buffer = memory + offset;
        struct resolve_answer answer;
        struct hostent host, untouched;

        fill(&answer, counts[rest / 2 % 3], lengths[rest / 6]);
        memset(memory, 0xee, sizeof(memory));
        memset(&untouched, 0x77, sizeof(untouched));
        host = untouched;
        errno = 77;
        while (!packing_host(&answer, family, buffer, size, &host)) {
            cr_assert_eq(memcmp(&host, &untouched, sizeof(host)), 0);
            for (size_t at = 0; at < sizeof(memory); at++)
                cr_assert_eq(memory[at], (char)0xee);
            size++;
        }
        cr_assert_eq(errno, 77);
        cr_assert_leq(size, PACKING_ROOM);
        check(&host, &answer, family, buffer, size);
        for (size_t at = offset + size; at < sizeof(memory); at++)
            cr_assert_eq(memory[at], (char)0xee, "written behind %zu bytes", size);
    }
}

Test(packing, an_addresss_family_is_that_of_its_length)
{
    static const struct {
        size_t length;
        int family, is;
    } rows[] = {{4, AF_INET, AF_INET},    {4, AF_UNSPEC, AF_INET},   {4, AF_INET6, -1},
                {16, AF_INET6, AF_INET6}, {16, AF_UNSPEC, AF_INET6}, {16, AF_INET, -1},
                {0, AF_UNSPEC, -1},       {5, AF_INET, -1},          {4, AF_UNIX, -1},
                {17, AF_INET6, -1},       {SIZE_MAX, AF_UNSPEC, -1}, {4, -1, -1}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(packing_family(rows[i].length, rows[i].family), rows[i].is, "row %zu", i);
}

Test(packing, addresses_of_the_other_family_are_left_out)
{
    char buffer[PACKING_ROOM];
    struct resolve_answer answer;
    struct hostent host;

    fill(&answer, 3, 9);
    answer.destinations[0].has_v6 = answer.destinations[1].has_v4 = false;
    cr_assert(packing_host(&answer, AF_INET6, buffer, sizeof(buffer), &host));
    cr_expect_arr_eq(host.h_addr_list[0], answer.destinations[1].v6, 16);
    cr_expect_arr_eq(host.h_addr_list[1], answer.destinations[2].v6, 16);
    cr_expect_null(host.h_addr_list[2]);
    cr_assert(packing_host(&answer, AF_INET, buffer, sizeof(buffer), &host));
    cr_expect_arr_eq(host.h_addr_list[0], &answer.destinations[0].v4, 4);
    cr_expect_arr_eq(host.h_addr_list[1], &answer.destinations[2].v4, 4);
    cr_expect_null(host.h_addr_list[2]);
}

Test(packing, the_room_that_is_needed_does_not_tell_which_destination_was_drawn)
{
    char buffer[PACKING_ROOM];
    struct resolve_answer first, second;
    struct hostent host;

    fill(&first, 1, 9);
    fill(&second, 1, 9);
    second.destinations[0] = (struct resolve_destination){.v4 = 1, .has_v4 = true, .port = 80};
    for (size_t size = 0; size <= PACKING_ROOM; size++)
        cr_expect_eq(packing_host(&first, AF_INET, buffer, size, &host),
                     packing_host(&second, AF_INET, buffer, size, &host));
}
