/* test_slots.c - how far a look-up walks, after names have come and gone. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "fixture.h"
#include "rng.h"
#include "snapshot_check.h"
#include "snapshot_map.h"
#include "snapshot_writer.h"

#define NAMES 20000

static char path[64] = "/tmp/test_slots.XXXXXX/snapshot";
static char folder[sizeof(path)];

/* Slots that a look-up of an absent name walks: on average, and at most. */
struct walks {
    double mean;
    size_t most;
};

static struct walks measure(void)
{
    struct snapshot_map *map = snapshot_map_open(path, NULL);
    struct walks walks = {0};
    size_t walk = 0, sum = 0;

    cr_assert(map);
    /* Backwards, twice around: the second time the distance to the next empty slot is known. */
    for (size_t i = 2 * (map->mask + 1); i-- > 0;) {
        walk = snapshot_map_word(map, map->index + (i & map->mask)) ? walk + 1 : 0;
        if (i > map->mask)
            continue;
        sum += walk + 1;
        walks.most = walk + 1 > walks.most ? walk + 1 : walks.most;
    }
    walks.mean = (double)sum / (double)(map->mask + 1);
    snapshot_map_close(map);
    return walks;
}

static void expect_good(int names)
{
    struct snapshot_check *check;
    struct error err = {0};

    cr_assert_eq(snapshot_check_open(path, &check, &err), 0, "%s", error_line(&err));
    cr_expect_eq(snapshot_check_each(check, NULL, NULL, &err), names, "%s", error_line(&err));
    snapshot_check_close(check);
}

static void put(struct snapshot_writer *writer, unsigned id)
{
    static uint64_t words[FIXTURE_WORDS];
    struct fixture_destination d = {.v4 = id + 1, .weight = 1};
    struct fixture_rule rule = {.verb = SNAPSHOT_DRAW, .destinations = &d, .count = 1};
    char name[32];

    (void)snprintf(name, sizeof(name), "name-%u.mesh", id);
    cr_assert_eq(snapshot_writer_put(writer, words,
                                     fixture_record(name, strlen(name), &rule, 1, words), NULL),
                 1);
}

static void delete (struct snapshot_writer *writer, unsigned id)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "name-%u.mesh", id);
    cr_assert_eq(snapshot_writer_delete(writer, name, strlen(name)), 1);
}

Test(slots, a_miss_walks_as_far_after_long_coming_and_going_as_in_a_new_file)
{
    static unsigned ids[NAMES];
    const struct snapshot_writer_options options = {.names = NAMES};
    struct snapshot_writer *writer;
    struct snapshot_writer_stats stats;
    uint64_t state = 4711;

    (void)memcpy(folder, path, strlen(path) - strlen("/snapshot"));
    cr_assert(mkdtemp(folder));
    (void)memcpy(path, folder, strlen(folder));
    cr_assert_eq(snapshot_writer_open(path, &options, &writer, NULL), 0);
    for (unsigned i = 0; i < NAMES; i++)
        put(writer, ids[i] = i);
    struct walks at_first = measure();
    for (unsigned i = NAMES; i < 31 * NAMES; i++) { /* each name is replaced 30 times */
        size_t which = (size_t)(rng_mix(++state) % NAMES);
        delete (writer, ids[which]);
        put(writer, ids[which] = i);
    }
    struct walks at_last = measure();
    snapshot_writer_stats(writer, &stats);
    cr_expect_leq(at_last.mean, 1.3 * at_first.mean, "%.2f slots instead of %.2f", at_last.mean,
                  at_first.mean);
    cr_expect_leq(at_last.most, SNAPSHOT_PROBE_MAX);
    cr_expect_lt(stats.tombstones, NAMES / 4);
    expect_good(NAMES);

    for (unsigned i = 0; i < NAMES; i++)
        delete (writer, ids[i]);
    snapshot_writer_stats(writer, &stats);
    cr_expect_eq(stats.names + stats.tombstones, 0, "%zu tombstones that nobody needs",
                 (size_t)stats.tombstones);
    snapshot_writer_close(writer);

    (void)unlink(path);
    (void)strcat(path, ".lock");
    (void)unlink(path);
    (void)rmdir(folder);
}
