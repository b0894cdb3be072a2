/* test_state.c - documents and floor together or not at all, whatever happens. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "file.h"
#include "state.h"

#define KILLS 25

static char folder[] = "/tmp/test_state.XXXXXX", path[64];
static const uint8_t mesh_id[SEAL_MESH_ID] = {1}, other_mesh_id[SEAL_MESH_ID] = {2};
static struct error err;

static void begin(void)
{
    cr_assert(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/state.db", folder);
    cr_assert_eq(key_init(NULL), 0);
}

static void end(void)
{
    static const char *const left[] = {"", "-wal", "-shm", ".broken", ".broken-wal", ".broken-shm"};
    char name[128];

    for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, left[i]);
        (void)unlink(name);
    }
    (void)rmdir(folder);
}

TestSuite(state, .init = begin, .fini = end);

static struct state *open_state(const uint8_t *id, bool wants_broken)
{
    struct state *state = NULL;
    bool is_broken = false;

    cr_assert_eq(state_open(path, id, &state, &is_broken, &err), 0, "%s", error_line(&err));
    cr_assert_eq(is_broken, wants_broken);
    return state;
}

/* A head whose digest is that of the documents "NAME" = "TEXT" given, up to NULL. */
static struct state_head head_of(uint64_t revision, const char *const *texts)
{
    struct state_head head = {.revision = revision, .has_floor = true};

    memset(head.floor, (int)revision, sizeof head.floor);
    for (; *texts; texts++)
        seal_digest_add(head.digest, *texts, strlen(*texts));
    return head;
}

static int put(struct state *state, const char *name, uint64_t revision, const char *text)
{
    return state_put(state, name, revision, text, strlen(text), &err);
}

static int append(void *context, const char *name, uint64_t revision, const void *bytes,
                  size_t size)
{
    char *shown = context;

    (void)snprintf(shown + strlen(shown), 200 - strlen(shown), "%s@%d=%.*s ", name, (int)revision,
                   (int)size, (const char *)bytes);
    return 0;
}

static const char *all(struct state *state)
{
    static char shown[200];

    shown[0] = '\0';
    cr_assert_eq(state_each(state, append, shown, &err), 0);
    return shown;
}

Test(state, a_change_is_there_whole_after_its_commit_and_not_at_all_after_a_rollback)
{
    struct state *state = open_state(mesh_id, false);
    struct state_head head = head_of(2, (const char *const[]){"one", "two", NULL});
    struct stat about;

    cr_expect_eq(stat(path, &about), 0);
    cr_expect_eq(about.st_mode & 0777, 0600);
    cr_assert_eq(state_begin(state, &err), 0);
    cr_expect_eq(put(state, "b", 2, "two"), 1);
    cr_expect_eq(put(state, "a", 1, "one"), 1);
    cr_expect_eq(put(state, "a", 1, "one"), 0, "the same bytes are nothing new");
    cr_expect_eq(state_commit(state, &head, &err), 0);

    cr_assert_eq(state_begin(state, &err), 0);
    cr_expect_eq(put(state, "a", 3, "three"), 1);
    cr_expect_eq(state_delete(state, "b", &err), 1);
    cr_expect_eq(state_delete(state, "c", &err), 0);
    cr_expect_eq(state_commit(state, &head, &err), ERROR_CONFLICT, "another digest");
    state_rollback(state);
    cr_expect_str_eq(all(state), "a@1=one b@2=two ");
    cr_expect_eq(state_count(state), 2);
    state_close(state);

    state = open_state(mesh_id, false);
    cr_expect_str_eq(all(state), "a@1=one b@2=two ");
    cr_expect_eq(memcmp(state_head(state), &head, sizeof head), 0);
    cr_expect_not(state_is_damaged(state));
    head = head_of(3, (const char *const[]){"one", NULL});
    cr_assert_eq(state_begin(state, &err), 0);
    cr_expect_eq(state_delete(state, "b", &err), 1);
    cr_expect_eq(state_commit(state, &head, &err), 0);
    state_close(state);

    state = open_state(other_mesh_id, false);
    cr_expect_str_eq(all(state), "", "another mesh starts anew");
    cr_expect_eq(state_head(state)->revision, 0);
    cr_expect_not(state_head(state)->has_floor);
    state_close(state);
}

Test(state, a_file_that_is_none_is_put_aside_and_a_later_format_is_left_alone)
{
    char aside[128];

    cr_assert_eq(
        file_write(path, 0600, "this is no database, but long enough to be read as one", 54, &err),
        0);
    state_close(open_state(mesh_id, true));
    (void)snprintf(aside, sizeof aside, "%s.broken", path);
    cr_expect_eq(access(aside, F_OK), 0);

    /* user_version lies at byte 60 of the file, most significant byte first. */
    int fd = open(path, O_RDWR | O_CLOEXEC);
    cr_assert_eq(pwrite(fd, "\0\0\0\x63", 4, 60), 4);
    (void)close(fd);
    struct state *state = NULL;
    bool is_broken = false;
    cr_expect_eq(state_open(path, mesh_id, &state, &is_broken, &err), ERROR_CONFIG);
}

/* Changes without pause; tells each revision through the pipe when its commit has returned. */
static void change_for_ever(int tell)
{
    struct state *state = NULL;
    bool is_broken;

    if (state_open(path, mesh_id, &state, &is_broken, NULL) < 0)
        _exit(1);
    for (;;) {
        struct state_head head = *state_head(state);
        char name[16], text[64];

        head.revision++;
        head.has_floor = true;
        if (state_begin(state, NULL) < 0)
            _exit(2);
        /* Five documents a change, each by delete and put, so that halves would be seen. */
        for (unsigned i = 0; i < 5; i++) {
            char old[64];
            (void)snprintf(name, sizeof name, "d%u", i);
            (void)snprintf(old, sizeof old, "%u of %llu", i, (unsigned long long)head.revision - 1);
            (void)snprintf(text, sizeof text, "%u of %llu", i, (unsigned long long)head.revision);
            if (state_delete(state, name, NULL) == 1)
                seal_digest_remove(head.digest, old, strlen(old));
            if (state_put(state, name, head.revision, text, strlen(text), NULL) != 1)
                _exit(3);
            seal_digest_add(head.digest, text, strlen(text));
        }
        if (state_commit(state, &head, NULL) < 0 ||
            write(tell, &head.revision, sizeof head.revision) != sizeof head.revision)
            _exit(4);
    }
}

Test(state, killed_at_any_moment_it_holds_the_old_state_or_the_new_and_nothing_told_is_lost)
{
    uint64_t told = 0, before = 0;

    srand(7);
    for (unsigned i = 0; i < KILLS; i++) {
        int ends[2];
        int status;

        cr_assert_eq(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0)
            change_for_ever(ends[1]);
        (void)close(ends[1]);
        cr_assert_eq(read(ends[0], &told, sizeof told), (ssize_t)sizeof told);
        (void)nanosleep(&(struct timespec){.tv_nsec = rand() % 15000000}, NULL);
        (void)kill(child, SIGKILL);
        (void)waitpid(child, &status, 0);
        cr_assert(WIFSIGNALED(status), "it ended by itself: %d", status);
        while (read(ends[0], &told, sizeof told) == (ssize_t)sizeof told)
            ;
        (void)close(ends[0]);

        struct state *state = open_state(mesh_id, false);
        uint64_t revision = state_head(state)->revision;
        cr_assert_not(state_is_damaged(state), "halves of a change after kill %u", i);
        cr_assert(revision == told || revision == told + 1, "told %d, found %d", (int)told,
                  (int)revision);
        cr_assert_eq(state_count(state), 5);
        cr_assert_gt(revision, before);
        before = revision;
        state_close(state);
    }
}
