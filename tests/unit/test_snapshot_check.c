/* test_snapshot_check.c - whole files are proved whole, damage is found, and a writer at work is
 * not mistaken for damage. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "clock.h"
#include "file.h"
#include "fixture.h"
#include "snapshot_check.h"
#include "snapshot_writer.h"

#define LIVE_MS 500
#define MUTANTS 500

static char folder[] = "/tmp/test_snapshot_check.XXXXXX", path[128];
static struct snapshot_writer *writer;
static uint64_t words[FIXTURE_WORDS];

static void begin(void)
{
    struct snapshot_writer_options options = {.host_key = 77};
    struct error err = {0};

    cr_assert(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/snapshot", folder);
    cr_assert_eq(snapshot_writer_open(path, &options, &writer, &err), 0, "%s", error_line(&err));
}

static void end(void)
{
    char lock[160];

    snapshot_writer_close(writer);
    (void)snprintf(lock, sizeof(lock), "%s.lock", path);
    (void)unlink(lock);
    (void)unlink(path);
    (void)rmdir(folder);
}

TestSuite(snapshot_check, .init = begin, .fini = end);

static const struct fixture_destination four[] = {{.v4 = 0x0a000001, .weight = 1},
                                                  {.v4 = 0x0a000002, .v6 = 2, .weight = 2},
                                                  {.v6 = 3, .port = 443, .weight = 3},
                                                  {.v4 = 0x0a000004, .weight = 4}};

static void put(const char *key, size_t length, const struct fixture_rule *rules, size_t count)
{
    struct error err = {0};
    size_t size = fixture_record(key, length, rules, count, words);

    cr_assert_geq(snapshot_writer_put(writer, words, size, &err), 0, "%s", error_line(&err));
}

/* A record of every verb and every extension. Returns how many. */
static int put_all_kinds(void)
{
    static const enum snapshot_verb verbs[] = {
        SNAPSHOT_DRAW,      SNAPSHOT_LIST,          SNAPSHOT_STICK_HOST, SNAPSHOT_STICK_UID,
        SNAPSHOT_STICK_APP, SNAPSHOT_STICK_PROCESS, SNAPSHOT_DENY,       SNAPSHOT_PASS};
    static const char *const search[] = {"shop.mesh", "mesh"};
    struct error err = {0};
    int count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        bool has_none = verbs[i] == SNAPSHOT_DENY || verbs[i] == SNAPSHOT_PASS;

        for (size_t n = 0; n <= (has_none ? 0 : ARRAY_SIZE(four)); n++) {
            struct fixture_rule rules[2] = {
                {.verb = verbs[i],
                 .apps = {"nginx", "php*"},
                 .uids = {33, 1000, 0},
                 .uid_count = 3,
                 .canonical = "target.mesh",
                 .destinations = four,
                 .count = n,
                 .flags = verbs[i] == SNAPSHOT_DRAW || has_none ? 0 : SNAPSHOT_RULE_LISTED},
                {.verb = SNAPSHOT_DRAW, .destinations = four, .count = n}};
            char key[64];

            int length = snprintf(key, sizeof(key), "%skind-%zu-%zu.mesh", n % 2 ? "." : "", i, n);
            put(key, (size_t)length, rules, 1 + n % 2);
            count++;
        }
    }
    struct fixture_rule name = {.verb = SNAPSHOT_NAME, .canonical = "a.mesh"};
    put("@\x0a\0\0\1", 5, &name, 1);
    size_t size = fixture_search(2, search, ARRAY_SIZE(search), words);
    cr_assert_geq(snapshot_writer_put(writer, words, size, &err), 0, "%s", error_line(&err));
    return count + 2;
}

struct walked {
    int count;
    bool has_search, has_address;
};

static int note(void *context, const uint8_t *key, size_t length, const uint64_t *record,
                size_t count)
{
    struct walked *walked = context;
    char text[320];

    snapshot_check_print_key(key, length, text);
    walked->count++;
    walked->has_search |= strcmp(text, "search list") == 0;
    walked->has_address |= strcmp(text, "10.0.0.1") == 0;
    cr_expect_leq(count, (size_t)SNAPSHOT_META_UNITS(record[0]) * 8 - 1);
    return 0;
}

Test(snapshot_check, a_file_of_every_kind_of_record_is_whole_and_each_is_found)
{
    struct snapshot_check_header header;
    struct snapshot_check *check = NULL;
    struct walked walked = {0};
    struct error err = {0};
    const uint64_t *record;
    size_t size;
    int count = put_all_kinds();

    snapshot_writer_commit(writer, 9);
    cr_assert_eq(snapshot_check_open(path, &check, &err), 0, "%s", error_line(&err));
    cr_expect_eq(snapshot_check_each(check, note, &walked, &err), count, "%s", error_line(&err));
    cr_expect_eq(walked.count, count);
    cr_expect(walked.has_search && walked.has_address);
    snapshot_check_header(check, &header);
    cr_expect_eq(header.revision, 9u);
    cr_expect_eq(header.names, (uint64_t)count);
    cr_expect_eq(header.host_key, 77u);

    cr_expect_eq(snapshot_check_get(check, "kind-0-4.mesh", 13, &record, &size, &err), 1);
    struct fixture_rule rule = {.verb = SNAPSHOT_DRAW,
                                .apps = {"nginx", "php*"},
                                .uids = {33, 1000, 0},
                                .uid_count = 3,
                                .canonical = "target.mesh",
                                .destinations = four,
                                .count = 4};
    cr_expect_eq(size, fixture_record("kind-0-4.mesh", 13, &rule, 1, words));
    cr_expect_eq(memcmp(record + 1, words + 1, (size - 1) * 8), 0);
    cr_expect_eq(snapshot_check_get(check, "kind-9-4.mesh", 13, &record, &size, &err), 0);
    cr_expect_eq(snapshot_check_get(check, "", 0, &record, &size, &err), 0);
    snapshot_check_close(check);
}

/* Finds the word number of the record "kind-0-4.mesh" and of its slot in the mapped file. */
static void find_record(const uint64_t *file, size_t *ret_record, size_t *ret_slot)
{
    size_t index = (size_t)file[2] / 8, slots = (size_t)file[3];

    for (size_t i = 0; i < slots; i++) {
        size_t at = (uint32_t)file[index + i] * (size_t)8;
        if (at && memcmp(&file[at + 2], "kind-0-4.mesh", 13) == 0) {
            *ret_record = at;
            *ret_slot = index + i;
        }
    }
}

Test(snapshot_check, damage_is_found_and_named)
{
    /* From the record's word 0 (slot: its slot's word): what is written there, and what is said. */
    static const struct {
        size_t word;
        bool is_slot;
        uint64_t clear, set;
        const char *says;
    } rows[] = {
        {0, false, UINT64_MAX, 0, "was never written"},
        {0, false, 0, 1, "never comes to rest"},
        {1, false, 0xffffffff, 0, "0 units"},
        {1, false, 0xffffffff, 0x00ffffff, "reach behind the file"},
        {1, false, UINT64_C(0xff) << 32, 0, "has no name"},
        {1, false, UINT64_C(0xff) << 32, UINT64_C(255) << 32, "a name that reaches behind it"},
        {1, false, UINT64_C(0xff) << 40, UINT64_C(65) << 40, "kind-0-4.mesh: has 65 rules"},
        {1, false, UINT64_C(0xff) << 40, UINT64_C(9) << 40, "kind-0-4.mesh: "},
        {2, false, 0xff, 'x', "another name's tag"},
        {4, false, 15, 0, "without a verb"},
        {4, false, UINT64_C(0xffff) << 16, UINT64_C(5000) << 16, "reaches behind the record"},
        {4, false, UINT64_C(0xffff) << 32, UINT64_C(1) << 32, "but says 1 and 2"},
        {5, false, 0xffffffff, 3, "has a rule of"},
        {5, false, UINT64_C(0xff) << 32, UINT64_C(200) << 32, "reaches behind the record"},
        {12, false, UINT64_C(0xffff) << 32, UINT64_C(77) << 32, "goes to 77 of 4 destinations"},
        {0, true, 0xffffffff, 1, "is outside"},
        {0, true, 0xffffffff, 0x7fffffff, "is outside"},
        {0, true, UINT64_C(0xffffffff) << 32, UINT64_C(5) << 32, "another name's tag"},
    };
    size_t record = 0, slot = 0;
    struct stat status;

    (void)put_all_kinds();
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
    cr_assert(fd >= 0 && fstat(fd, &status) == 0);
    uint64_t *file = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert_neq(file, MAP_FAILED);
    find_record(file, &record, &slot);
    cr_assert(record && slot);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t *word = &file[rows[i].is_slot ? slot : record + rows[i].word], before = *word;
        struct snapshot_check *check = NULL;
        struct error err = {0};

        *word = (before & ~rows[i].clear) | rows[i].set;
        cr_assert_eq(snapshot_check_open(path, &check, &err), 0);
        cr_expect_eq(snapshot_check_each(check, NULL, NULL, &err), ERROR_INVALID, "row %zu", i);
        cr_expect(strstr(error_line(&err), rows[i].says), "row %zu: %s", i, error_line(&err));
        snapshot_check_close(check);
        *word = before;
    }
    (void)munmap(file, (size_t)status.st_size);
}

Test(snapshot_check, what_is_no_snapshot_is_refused)
{
    struct snapshot_check *check = NULL;
    struct error err = {0};

    cr_expect_eq(snapshot_check_open("/nonexistent/snapshot", &check, &err), ERROR_NOT_FOUND);
    cr_expect_eq(snapshot_check_open("/etc/passwd", &check, &err), ERROR_INVALID);
    cr_expect_eq(snapshot_check_open("/dev/zero", &check, &err), ERROR_INVALID);
    cr_assert_eq(truncate(path, 4096), 0);
    cr_expect_eq(snapshot_check_open(path, &check, &err), ERROR_INVALID);
    cr_expect_null(check);
}

/* A file of the given bytes beside the snapshot. */
static void put_file(const char *file, const uint8_t *bytes, size_t size)
{
    AUTO_CLOSE int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    cr_assert(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
}

Test(snapshot_check, any_bytes_give_a_verdict)
{
    AUTO_FREE char *bytes = NULL;
    uint64_t random = 4711;
    char mutant[160];
    size_t size = 0;
    int refused = 0;

    (void)put_all_kinds();
    (void)snprintf(mutant, sizeof(mutant), "%s.mutant", path);
    cr_assert_eq(file_read(path, SIZE_MAX / 2, &bytes, &size, NULL), 0);
    uint64_t *header = (uint64_t *)(void *)bytes;
    size_t index = (size_t)header[2], used = (size_t)header[5] * 64; /* what lies behind is empty */
    for (int i = 0; i < MUTANTS; i++) {
        AUTO_FREE uint8_t *copy = malloc(size);
        struct snapshot_check *check = NULL;
        struct error err = {0};

        cr_assert(copy);
        memcpy(copy, bytes, size);
        for (int n = i % 4; n >= 0; n--) { /* in the header's words, in the index, in records */
            size_t from = i % 3 == 0 ? 8 : index, to = i % 3 == 0 ? 128 : used;
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            size_t at = from + (size_t)(random >> 33) % (to - from);
            copy[at] = (uint8_t)(i % 2 ? copy[at] ^ 1u << (random >> 20 & 7) : random >> 24);
        }
        put_file(mutant, copy, size - (i % 5 ? 0 : (size_t)(random >> 33) % size));
        int r = snapshot_check_open(mutant, &check, &err);
        if (r == 0)
            r = snapshot_check_each(check, NULL, NULL, &err);
        refused += r < 0;
        snapshot_check_close(check);
    }
    (void)unlink(mutant);
    cr_expect_gt(refused, MUTANTS / 10); /* many a changed byte is an address or a weight */
}

/* Puts and deletes until it is killed. */
static void work(void)
{
    for (unsigned i = 0;; i++) {
        struct fixture_rule rule = {
            .verb = SNAPSHOT_DRAW, .destinations = four, .count = i % 4 + 1};
        char key[32];
        int length = snprintf(key, sizeof(key), "live-%u.mesh", i * 7 % 50);
        size_t size = fixture_record(key, (size_t)length, &rule, 1, words);
        if (i % 3 == 0)
            (void)snapshot_writer_delete(writer, key, (size_t)length);
        else
            (void)snapshot_writer_put(writer, words, size, NULL);
    }
}

Test(snapshot_check, a_writer_at_work_is_not_mistaken_for_damage)
{
    uint64_t until_ms = clock_boot_ms() + LIVE_MS;
    int walks = 0;

    (void)put_all_kinds();
    pid_t child = fork();
    if (child == 0)
        work();
    while (clock_boot_ms() < until_ms) {
        struct snapshot_check *check = NULL;
        struct error err = {0};

        cr_assert_eq(snapshot_check_open(path, &check, &err), 0, "%s", error_line(&err));
        cr_assert_geq(snapshot_check_each(check, NULL, NULL, &err), 0, "walk %d: %s", walks,
                      error_line(&err));
        snapshot_check_close(check);
        walks++;
    }
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    cr_expect_gt(walks, 10);
}
