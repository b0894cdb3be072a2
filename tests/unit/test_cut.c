/* test_cut.c - whose connections are shut, and whose are not, though their numbers are the same. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "cut.h"

static const uint8_t alice[KEY_CURVE_PUBLIC] = {1}, bob[KEY_CURVE_PUBLIC] = {2};

/* A connection: our end, and the peer's, which sees the end of it. */
struct pair {
    int ours, theirs;
};

static struct pair make(struct cut *cut, enum cut_channel channel, uint64_t now_ms)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    cut_opened(cut, channel, ends[0], now_ms);
    return (struct pair){ends[0], ends[1]};
}

static bool is_shut(struct pair pair)
{
    char byte;

    return recv(pair.theirs, &byte, 1, 0) == 0;
}

Test(cut, a_keys_connections_and_the_mute_ones_are_shut_and_no_others)
{
    struct cut *cut = cut_new();
    struct pair hers = make(cut, CUT_ROUTER, 1), hers_too = make(cut, CUT_XPUB, 1);
    struct pair his = make(cut, CUT_ROUTER, 1), mute = make(cut, CUT_XPUB, 1);

    cr_expect_neq(cut_seen(cut, CUT_ROUTER, hers.ours, alice), 0);
    cr_expect_neq(cut_seen(cut, CUT_XPUB, hers_too.ours, alice), 0);
    cr_expect_neq(cut_seen(cut, CUT_ROUTER, his.ours, bob), 0);
    cr_expect_eq(cut_key(cut, alice), 3);
    cr_expect(is_shut(hers) && is_shut(hers_too) && is_shut(mute));
    cr_expect_not(is_shut(his));
    cut_free(cut);
}

Test(cut, a_descriptor_that_is_another_socket_by_now_is_left_alone)
{
    struct cut *cut = cut_new();
    struct pair old = make(cut, CUT_XPUB, 1);
    int ends[2];

    cr_expect_neq(cut_seen(cut, CUT_XPUB, old.ours, alice), 0);
    (void)close(old.ours);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    cr_assert_eq(ends[0], old.ours, "the number is used again");
    struct pair other = {ends[0], ends[1]};

    cr_expect_eq(cut_seen(cut, CUT_XPUB, other.ours, alice), 0, "a late message of the old one");
    cut_one(cut, other.ours);
    cr_expect_eq(cut_key(cut, alice), 0);
    cr_expect_eq(cut_mute(cut, 1000000, 1), 0);
    cr_expect_not(is_shut(other));

    /* Accepted by the other channel, it is that channel's: an event of the first does not count. */
    char address[46];
    cut_opened(cut, CUT_ROUTER, other.ours, 2);
    cr_expect_eq(cut_closed(cut, CUT_XPUB, other.ours, address), 0);
    cr_expect_eq(cut_seen(cut, CUT_XPUB, other.ours, alice), 0);
    uint64_t cookie = cut_seen(cut, CUT_ROUTER, other.ours, bob);
    cr_expect_neq(cookie, 0);
    cr_expect_eq(cut_closed(cut, CUT_ROUTER, other.ours, address), cookie);
    cr_expect_str_eq(address, "unknown", "it is no IP connection");
    cut_free(cut);
}

static int taken = -1,
           taker; /* the number that changes hands just before a shutdown, and to whom */

int __real_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how)
{
    if (taken >= 0)
        (void)dup2(taker, taken);
    return __real_shutdown(fd, how);
}

Test(cut, a_number_that_changes_hands_within_the_cut_does_not_hit_the_next_one)
{
    struct cut *cut = cut_new();
    struct pair chatty = make(cut, CUT_XPUB, 1);
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    struct pair other = {ends[0], ends[1]};
    taker = other.ours;
    taken = chatty.ours;
    cut_one(cut, chatty.ours);
    cr_expect(is_shut(chatty));
    cr_expect_not(is_shut(other));
    cut_free(cut);
}

Test(cut, of_too_many_connections_of_a_key_the_oldest_goes)
{
    struct cut *cut = cut_new();
    struct pair pairs[CUT_PER_KEY + 3];

    for (size_t i = 0; i < CUT_PER_KEY + 3; i++) {
        pairs[i] = make(cut, CUT_ROUTER, 100 + i);
        cr_expect_neq(cut_seen(cut, CUT_ROUTER, pairs[i].ours, alice), 0);
        if (i < CUT_PER_KEY)
            continue;
        for (size_t j = 0; j <= i; j++)
            cr_expect_eq(is_shut(pairs[j]), j <= i - CUT_PER_KEY, "%zu of %zu", j, i);
        char address[46]; /* its end is told, as libzmq does */
        (void)cut_closed(cut, CUT_ROUTER, pairs[i - CUT_PER_KEY].ours, address);
    }
    cut_free(cut);
}

Test(cut, who_stays_mute_is_shut_in_time)
{
    struct cut *cut = cut_new();
    struct pair mute = make(cut, CUT_ROUTER, 1000), spoken = make(cut, CUT_ROUTER, 1000);

    cr_expect_neq(cut_seen(cut, CUT_ROUTER, spoken.ours, alice), 0);
    cr_expect_eq(cut_mute(cut, 1500, 500), 0);
    cr_expect_eq(cut_mute(cut, 1501, 500), 1);
    cr_expect(is_shut(mute));
    cr_expect_not(is_shut(spoken));
    cut_free(cut);
}
