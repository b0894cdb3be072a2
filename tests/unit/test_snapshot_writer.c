/* test_snapshot_writer.c - put, delete, get against a model; growth; sweeping; damage. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "fixture.h"
#include "rng.h"
#include "snapshot_writer.h"

static char folder[] = "/tmp/test_snapshot_writer.XXXXXX", path[128];
static struct snapshot_writer *writer;
static const struct snapshot_writer_options options = {.host_key = 77};
static uint64_t words[FIXTURE_WORDS];

static void open_writer(void)
{
    struct error err = {0};

    cr_assert_eq(snapshot_writer_open(path, &options, &writer, &err), 0, "%s", error_line(&err));
}

static void begin(void)
{
    cr_assert(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/snapshot", folder);
    open_writer();
}

static void end(void)
{
    char beside[160];

    snapshot_writer_close(writer);
    (void)snprintf(beside, sizeof(beside), "%s.lock", path);
    (void)unlink(beside);
    (void)unlink(path);
    (void)snprintf(beside, sizeof(beside), "%s/tmpfs", folder);
    (void)umount2(beside, MNT_DETACH); /* of the test that needs one, if it failed */
    (void)rmdir(beside);
    (void)rmdir(folder);
}

TestSuite(snapshot_writer, .init = begin, .fini = end);

/* Record number `version` of name number `i`: 1..40 destinations, so of many sizes. */
static size_t make(unsigned i, unsigned version, char name[static 32])
{
    struct fixture_destination d[40];
    struct fixture_rule rule = {
        .verb = SNAPSHOT_DRAW, .destinations = d, .count = version % 40 + 1};

    for (size_t j = 0; j < rule.count; j++)
        d[j] = (struct fixture_destination){.v4 = i << 8 | 1, .v6 = version, .weight = 1};
    (void)snprintf(name, 32, i % 7 ? "name-%u.mesh" : ".wild-%u.mesh", i);
    return fixture_record(name, strlen(name), &rule, 1, words);
}

static struct snapshot_writer_stats stats(void)
{
    struct snapshot_writer_stats s;

    snapshot_writer_stats(writer, &s);
    return s;
}

#define NAMES 1500

static unsigned model[NAMES]; /* the version that is there; 0 = none */

static int count_key(void *context, const uint8_t *key, size_t length)
{
    unsigned i = 0;

    cr_assert(sscanf((const char *)key, "%*[^0-9]%u", &i) == 1 && i < NAMES && length < 32);
    cr_assert_neq(model[i], 0, "a key that was deleted");
    ++*(unsigned *)context;
    return 0;
}

static void expect_model(void)
{
    unsigned live = 0, seen = 0;

    for (unsigned i = 0; i < NAMES; i++) {
        char name[32];
        const uint64_t *found = NULL;
        size_t size = make(i, model[i], name);
        size_t count = snapshot_writer_get(writer, name, strlen(name), &found);
        live += model[i] != 0;
        if (model[i] == 0) {
            cr_assert_eq(count, 0, "%s", name);
            continue;
        }
        cr_assert_eq(count, size, "%s: %zu words instead of %zu", name, count, size);
        cr_assert_eq(found[0] >> 32, words[0] >> 32);
        cr_assert_eq(memcmp(found + 1, words + 1, (size - 1) * 8), 0, "%s", name);
    }
    cr_assert_eq(snapshot_writer_each(writer, count_key, &seen), 0);
    cr_assert_eq(seen, live);
    cr_assert_eq(stats().names, live);
}

static void step(uint64_t *state)
{
    unsigned i = (unsigned)(rng_mix(++*state) % NAMES), version = 1 + (unsigned)(*state % 1000);
    char name[32];
    size_t size = make(i, version, name);

    if (rng_mix(~*state) % 3 == 0) {
        cr_assert_eq(snapshot_writer_delete(writer, name, strlen(name)), model[i] != 0);
        model[i] = 0;
    } else {
        cr_assert_eq(snapshot_writer_put(writer, words, size, NULL), model[i] != version);
        cr_assert_eq(snapshot_writer_put(writer, words, size, NULL), 0, "an equal record");
        model[i] = version;
    }
}

Test(snapshot_writer, after_any_steps_and_reopenings_it_holds_what_was_put)
{
    uint64_t state = 1;
    char draft[160];

    (void)snprintf(draft, sizeof(draft), "%s.draft", path);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 1000; i++)
            step(&state);
        expect_model();
        struct snapshot_writer_stats before = stats();
        snapshot_writer_commit(writer, (uint64_t)round);
        snapshot_writer_close(writer);
        cr_assert_eq(symlink("/nonexistent", draft), 0); /* left by a killed writer */
        open_writer();
        cr_assert_eq(unlink(draft), -1, "the draft is still there");
        expect_model();
        cr_assert_eq(stats().used_bytes, before.used_bytes);
        cr_assert_eq(stats().tombstones, before.tombstones);
        cr_assert_eq(stats().revision, round);
    }
    cr_expect_gt(stats().slots, 64);
}

Test(snapshot_writer, changing_names_for_ever_does_not_fill_the_file)
{
    char name[32];
    uint64_t size_at_first = stats().file_size;

    for (unsigned i = 0; i < 200000; i++)
        cr_assert_eq(snapshot_writer_put(writer, words, make(i % 10, i, name), NULL), 1);
    cr_expect_eq(stats().file_size, size_at_first);
    cr_expect_eq(stats().grown, 0);
    for (unsigned i = 0; i < 200000; i++) {
        cr_assert_eq(snapshot_writer_put(writer, words, make(i + 1000, 1, name), NULL), 1);
        cr_assert_eq(snapshot_writer_delete(writer, name, strlen(name)), 1);
    }
    cr_expect_eq(stats().grown, 0);
}

/* Puts so many names, each with that many destinations, as one revision. */
static void fill(unsigned names, unsigned destinations)
{
    char name[32];

    for (unsigned i = 0; i < names; i++)
        cr_assert_eq(snapshot_writer_put(writer, words, make(i, destinations - 1, name), NULL), 1);
    snapshot_writer_commit(writer, names);
}

Test(snapshot_writer, memory_is_given_back_when_most_names_go)
{
    const unsigned names = 60000, left = 600;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t small = stats().file_size, superseded = 0;
    const uint64_t *found;
    char name[32];

    fill(names, 1);
    struct snapshot_writer_stats full = stats();
    cr_expect_gt(full.file_size, 8 * small);
    cr_expect_lt(full.file_size, full.used_bytes * 5 / 4, "filled in one go, little is spare");
    cr_expect_leq(full.settled, 1);
    (void)close(fd);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    for (unsigned i = left; i < names; i++) {
        (void)make(i, 0, name);
        cr_assert_eq(snapshot_writer_delete(writer, name, strlen(name)), 1);
    }
    cr_expect_eq(stats().file_size, full.file_size, "not within a revision");
    snapshot_writer_commit(writer, 4711);
    cr_expect_lt(stats().file_size, small + (UINT64_C(1) << 20));
    cr_expect_eq(stats().settled, full.settled + 1);
    cr_expect_eq(stats().revision, 4711);
    cr_expect_eq(stats().names, left);
    cr_assert_eq(pread(fd, &superseded, 8, offsetof(struct snapshot_header, superseded)), 8);
    cr_expect_eq(superseded, 1, "its readers are told");
    (void)close(fd);
    for (unsigned i = 0; i < left; i++) {
        size_t size = make(i, 0, name);
        cr_assert_eq(snapshot_writer_get(writer, name, strlen(name), &found), size);
    }
    for (unsigned i = 0; i < 1000; i++) { /* once is enough */
        cr_assert_eq(snapshot_writer_put(writer, words, make(i % 9, 1 + i % 2, name), NULL) >= 0,
                     1);
        snapshot_writer_commit(writer, i);
    }
    cr_expect_eq(stats().settled, full.settled + 1);
}

Test(snapshot_writer, space_of_sizes_that_nobody_needs_any_more_is_given_back)
{
    const unsigned names = 20000, sizes[] = {1, 4, 12, 30, 12, 4, 1, 30, 1};
    uint64_t most = 0;

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        fill(names, sizes[i]);
        most = stats().used_bytes > most ? stats().used_bytes : most;
        cr_expect_lt(stats().file_size, 2 * stats().used_bytes + (UINT64_C(2) << 20), "row %zu", i);
    }
    cr_expect_lt(stats().file_size * 4, most, "%zu", (size_t)stats().file_size);
}

Test(snapshot_writer, a_file_that_is_told_how_many_names_will_come_is_made_at_most_twice)
{
    const unsigned names = 50000;

    for (unsigned destinations = 1; destinations <= 40; destinations += 13) {
        snapshot_writer_close(writer);
        cr_assert_eq(unlink(path), 0);
        open_writer();
        snapshot_writer_expect(writer, names);
        fill(names, destinations);
        cr_expect_leq(stats().grown, 2, "%u destinations: %zu", destinations,
                      (size_t)stats().grown);
        cr_expect_lt(stats().file_size, stats().used_bytes * 5 / 4);
    }
}

Test(snapshot_writer, the_largest_record_and_the_longest_name_have_room)
{
    static struct fixture_destination d[SNAPSHOT_DESTINATIONS];
    struct fixture_rule rule = {
        .verb = SNAPSHOT_DRAW, .destinations = d, .count = SNAPSHOT_DESTINATIONS};
    char name[SNAPSHOT_KEY_MAX];
    const uint64_t *found;

    for (size_t i = 0; i < SNAPSHOT_DESTINATIONS; i++)
        d[i] = (struct fixture_destination){
            .v4 = i % 2 ? 0 : (uint32_t)i + 1, .v6 = i % 3 ? 0 : i + 1, .weight = 1};
    for (size_t i = 0; i < SNAPSHOT_DESTINATIONS; i++)
        d[i].v4 = d[i].v6 ? d[i].v4 : 9;
    memset(name, 'n', sizeof(name));
    for (size_t length = 1; length <= sizeof(name); length++) {
        size_t size = fixture_record(name, length, &rule, 1, words);
        cr_assert_eq(snapshot_writer_put(writer, words, size, NULL), 1, "%zu", length);
        cr_assert_eq(snapshot_writer_get(writer, name, length, &found), size);
        cr_assert_eq(snapshot_writer_delete(writer, name, length), 1);
    }
    cr_expect_lt(snapshot_writer_put(writer, words, 1, NULL), 0);
    cr_expect_lt(snapshot_writer_put(writer, words, 0, NULL), 0);
}

Test(snapshot_writer, there_is_only_one_and_only_its_user_may_write)
{
    struct snapshot_writer *second = NULL;
    struct error err = {0};
    struct stat status;

    cr_expect_eq(snapshot_writer_open(path, &options, &second, &err), ERROR_AGAIN);
    cr_expect_null(second);
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0644);
    cr_expect_eq(snapshot_writer_open("/nonexistent/s", &options, &second, &err), ERROR_NOT_FOUND);
}

/* What lies at the path is changed behind the closed writer's back. */
static void damage(off_t offset, uint64_t value)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    cr_assert_eq(pwrite(fd, &value, sizeof(value), offset), sizeof(value));
}

Test(snapshot_writer, a_damaged_or_foreign_file_is_replaced_by_an_empty_one_its_readers_are_told)
{
    uint64_t heap, slot = 0;
    off_t slot_at = SNAPSHOT_HEADER;
    char name[32];
    const off_t places[] = {offsetof(struct snapshot_header, magic),
                            offsetof(struct snapshot_header, file_size),
                            offsetof(struct snapshot_header, index_slots),
                            offsetof(struct snapshot_header, heap_end),
                            offsetof(struct snapshot_header, host_key),
                            offsetof(struct snapshot_header, secret) + 24,
                            -1,
                            -2,
                            -3,
                            -4};

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        cr_assert_eq(snapshot_writer_put(writer, words, make(1, 1, name), NULL), 1);
        snapshot_writer_close(writer);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        for (slot_at = SNAPSHOT_HEADER, slot = 0; slot == 0; slot_at += 8)
            cr_assert_eq(pread(fd, &slot, 8, slot_at), 8);
        slot_at -= 8;
        cr_assert_eq(pread(fd, &heap, 8, offsetof(struct snapshot_header, heap_start)), 8);
        off_t record = (off_t)(heap * SNAPSHOT_BLOCK);
        if (places[i] >= 0)
            damage(places[i], 0xdeadbeef);
        else if (places[i] == -1)
            damage(slot_at, slot + 1); /* another block */
        else if (places[i] == -2)
            damage(slot_at + 8, slot); /* two slots for one block */
        else if (places[i] == -3)
            damage(record, 7); /* half written, yet in the index */
        else
            damage(record + 8, SNAPSHOT_META(5, 5, 1)); /* no class */
        open_writer();
        cr_expect_eq(stats().names, 0, "row %zu", i);
        uint64_t superseded = 0;
        cr_assert_eq(pread(fd, &superseded, 8, offsetof(struct snapshot_header, superseded)), 8);
        cr_expect_eq(superseded, 1, "row %zu", i);
        (void)close(fd);
    }
    snapshot_writer_close(writer);
    cr_assert_eq(chmod(path, 0666), 0);
    open_writer();
    struct stat status;
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0644, "others could write it, so it is replaced");
}

Test(snapshot_writer, growth_that_would_fill_the_file_system_is_refused_and_the_old_state_serves)
{
    char name[32], mount_point[80];
    struct snapshot_writer_options careful = {.free_percent = 25};
    struct error err = {0};
    int r = 1;
    unsigned i = 0;

    if (geteuid() != 0)
        cr_skip("needs a tmpfs of its own");
    (void)snprintf(mount_point, sizeof(mount_point), "%s/tmpfs", folder);
    cr_assert_eq(mkdir(mount_point, 0755), 0);
    cr_assert_eq(mount("tmpfs", mount_point, "tmpfs", 0, "size=2m"), 0);
    snapshot_writer_close(writer);
    (void)snprintf(path, sizeof(path), "%s/snapshot", mount_point);
    struct snapshot_writer_options timid = {.free_percent = 95};
    writer = NULL;
    cr_expect_eq(snapshot_writer_open(path, &timid, &writer, &err), ERROR_FULL);
    cr_expect_eq(access(path, F_OK), -1, "nothing is left of it");
    cr_assert_eq(snapshot_writer_open(path, &careful, &writer, &err), 0);
    for (; r == 1 && i < 100000; i++)
        r = snapshot_writer_put(writer, words, make(i * 7 + 1, 30, name), &err);
    cr_expect_eq(r, ERROR_FULL, "%s", error_line(&err));
    struct statvfs fs;
    cr_assert_eq(statvfs(mount_point, &fs), 0);
    cr_expect_geq(fs.f_bavail * 4, fs.f_blocks, "%zu of %zu left", (size_t)fs.f_bavail,
                  (size_t)fs.f_blocks);
    cr_expect_gt(i, 300);
    const uint64_t *found;
    make(1, 30, name);
    cr_expect_gt(snapshot_writer_get(writer, name, strlen(name), &found), 0);
    cr_expect_eq(stats().names, i - 1);

    /* A draft would show in the folder. */
    struct stat before, behind;
    cr_assert_eq(stat(mount_point, &before), 0);
    for (unsigned j = 0; j < 1000; j++) {
        cr_assert_eq(snapshot_writer_put(writer, words, make(i * 7 + j, 30, name), &err),
                     ERROR_FULL);
        cr_assert(strstr(error_line(&err), "free"), "%s", error_line(&err));
    }
    cr_assert_eq(stat(mount_point, &behind), 0);
    cr_expect_eq(behind.st_mtim.tv_nsec, before.st_mtim.tv_nsec,
                 "the full disk is asked each time");

    snapshot_writer_close(writer);
    cr_assert_eq(snapshot_writer_open(path, &careful, &writer, &err), 0);
    cr_expect_eq(stats().names, i - 1);
    struct snapshot_writer_options full = {.free_percent = 0};
    snapshot_writer_close(writer);
    cr_assert_eq(snapshot_writer_open(path, &full, &writer, &err), 0);
    for (r = 1; r == 1 && i < 100000; i++)
        r = snapshot_writer_put(writer, words, make(i * 7 + 1, 30, name), &err);
    cr_expect_eq(r, ERROR_FULL, "the file system itself is full: %s", error_line(&err));
    snapshot_writer_close(writer);
    writer = NULL;
    cr_assert_eq(umount2(mount_point, MNT_DETACH), 0);
    (void)rmdir(mount_point);
    (void)snprintf(path, sizeof(path), "%s/snapshot", folder);
}
