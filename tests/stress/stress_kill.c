/* stress_kill.c - the writer is killed, at any moment and behind any instruction.
 *
 * 1. A writer that changes, adds, deletes and grows without pause is killed at a random moment, 40
 *    times (MESHDNS_LONG=1: 200). Two readers look on all the time: each answer is whole, at least
 *    as new as what was published before they asked, and no newer than what was begun.
 * 2. A writer that changes, adds or deletes one name is single-stepped and killed behind every few
 *    instructions; one that grows the file, before and behind each system call.
 *
 * After each death the next writer goes on: the file is good, and all names answer, old or new.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "snapshot_map.h"
#include "snapshot_rule.h"
#include "snapshot_writer.h"
#include "whole.h"

#define READERS   2
#define PERMANENT 100
#define VOLATILE  140
#define TARGET    200

struct shared {
    _Atomic bool is_over, is_within;
    _Atomic uint32_t begun[256], done[256]; /* versions */
    _Atomic uint32_t version;               /* the last one given out */
    _Atomic uint64_t found, missed, torn, stale;
};

static char folder[64], path[128];
static struct shared *shared;

static void change(struct snapshot_writer *writer, unsigned id)
{
    uint32_t version = ++shared->version;

    shared->begun[id] = version;
    whole_put(writer, id, version);
    shared->done[id] = version;
}

/* Whether the record answers, old or new. A fresh reader, and the file at the path. */
static bool is_there(struct snapshot_reader *reader, unsigned id)
{
    struct rng rng = {0};
    uint32_t version = 0;

    reader->next_try_ns = 0;
    return whole_look(reader, &rng, id, &version) == WHOLE_FOUND && version >= shared->done[id] &&
           version <= shared->begun[id];
}

static _Noreturn void read_on(void)
{
    struct snapshot_reader reader = SNAPSHOT_READER(path);
    struct rng rng = {0};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (!shared->is_over) {
        unsigned id = (unsigned)(rng_next(&rng) % PERMANENT);
        uint32_t least = shared->done[id], version = 0;
        reader.next_try_ns = 0; /* follow growth at once */
        enum whole_seen seen = whole_look(&reader, &rng, id, &version);
        shared->missed += seen == WHOLE_MISS;
        shared->torn += seen == WHOLE_TORN;
        shared->found += seen == WHOLE_FOUND;
        shared->stale += seen == WHOLE_FOUND && (version < least || version > shared->begun[id]);
    }
    _exit(0);
}

static _Noreturn void write_on(void)
{
    struct rng rng = {0};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct snapshot_writer *writer = whole_open(path);
    for (unsigned i = 1;; i++) {
        unsigned id = (unsigned)(rng_next(&rng) % VOLATILE);
        if (id >= PERMANENT && rng_next(&rng) % 2)
            whole_delete(writer, id);
        else
            change(writer, id);
        if (i % 100 == 0)
            writer = whole_grow(writer, path);
    }
}

static pid_t start(void (*work)(void))
{
    pid_t child = fork();

    if (child < 0)
        abort();
    if (child == 0)
        work();
    return child;
}

/* Whether every block that says it is whole is: all its ports are of one version. Also of blocks
 * that no slot names: a reader may still be on its way to them. */
static bool are_blocks_whole(void)
{
    struct snapshot_map *map = snapshot_map_open(path, NULL);
    bool is_good = map != NULL;
    size_t end = map ? map->header->heap_end : 0;

    for (size_t block = map ? map->heap_start : 0; is_good && block < end;) {
        size_t at = block * SNAPSHOT_MAP_BLOCK_WORDS;
        uint64_t meta = snapshot_map_word(map, at + 1);
        struct snapshot_rule rule = {0};
        block += SNAPSHOT_META_UNITS(meta);
        is_good = SNAPSHOT_META_UNITS(meta) > 0;
        if (snapshot_map_word(map, at) & 1)
            continue;
        is_good = is_good && snapshot_rule_read(
                                 map, at + 2 + (SNAPSHOT_META_NAME_LENGTH(meta) + 7u) / 8, &rule);
        size_t count = snapshot_rule_count(rule), addresses_at = snapshot_rule_addresses_at(rule);
        is_good = is_good && count > 0;
        uint16_t port = SNAPSHOT_ADDRESS_PORT(snapshot_map_word(map, addresses_at));
        for (size_t i = 0; is_good && i < count; i++)
            is_good = port != 0 &&
                      port == SNAPSHOT_ADDRESS_PORT(snapshot_map_word(map, addresses_at + i));
    }
    snapshot_map_close(map);
    return is_good;
}

/* Whether the next writer takes over with all permanent names. */
static bool goes_on(unsigned names)
{
    struct snapshot_reader reader = SNAPSHOT_READER(path);
    bool is_good = are_blocks_whole();
    struct snapshot_writer *writer = whole_open(path);
    struct snapshot_writer_stats stats;

    snapshot_writer_stats(writer, &stats);
    for (unsigned id = 0; id < PERMANENT; id++)
        is_good = is_good && is_there(&reader, id);
    change(writer, 7);
    is_good = is_good && is_there(&reader, 7) && stats.names >= names;
    snapshot_writer_close(writer);
    return is_good;
}

static void kill_at_random(void)
{
    unsigned kills = whole_is_long() ? 200 : 40, bad = 0;
    uint32_t before = shared->version;
    pid_t readers[READERS];
    struct rng rng = {0};
    int status = 0;

    for (size_t i = 0; i < READERS; i++)
        readers[i] = start(read_on);
    for (unsigned i = 0; i < kills; i++) {
        pid_t writer = start(write_on);
        (void)nanosleep(&(struct timespec){0, (long)(rng_next(&rng) % 20000000)}, NULL);
        (void)kill(writer, SIGKILL);
        (void)waitpid(writer, &status, 0);
        bad += !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL || !goes_on(PERMANENT);
    }
    shared->is_over = true;
    for (size_t i = 0; i < READERS; i++) {
        (void)waitpid(readers[i], &status, 0);
        bad += status != 0;
    }
    whole_tap(bad == 0 && shared->version - before > kills * 10,
              "of %u writers killed at random, in %u changes, %u left something bad", kills,
              shared->version - before, bad);
    whole_tap(shared->missed + shared->torn + shared->stale == 0 && shared->found > 1000,
              "readers found %zu, missed %zu, torn %zu, neither old nor new %zu",
              (size_t)shared->found, (size_t)shared->missed, (size_t)shared->torn,
              (size_t)shared->stale);
}

static struct snapshot_writer *doomed;

static void change_target(void)
{
    change(doomed, TARGET);
}

static void add_target(void)
{
    change(doomed, TARGET + 1);
}

static void delete_target(void)
{
    whole_delete(doomed, TARGET);
}

static void grow(void)
{
    doomed = whole_grow(doomed, path);
}

/* Starts a writer that stands before `work`. */
static pid_t stand_before(void (*work)(void))
{
    int status = 0;
    pid_t child = fork();

    if (child < 0)
        abort();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        doomed = whole_open(path);
        shared->is_within = true;
        (void)raise(SIGSTOP);
        work();
        shared->is_within = false;
        _exit(0);
    }
    (void)waitpid(child, &status, 0);
    return child;
}

/* Kills writers at each `stride`th stop of their work; where they begin differs from run to run. */
static void kill_within(const char *what, void (*work)(void), int request, unsigned stride)
{
    static struct snapshot_reader old = SNAPSHOT_READER(path);
    struct rng rng = {0};
    unsigned stops = (unsigned)(rng_next(&rng) % stride), deaths = 0, bad = 0;

    for (bool is_within = true; is_within; stops += stride, deaths++) {
        struct snapshot_writer *writer = whole_open(path);
        int status = 0;
        change(writer, TARGET);
        whole_delete(writer, TARGET + 1);
        snapshot_writer_close(writer);

        pid_t child = stand_before(work);
        for (unsigned i = 0; i < stops && shared->is_within; i++)
            (void)whole_go(child, request);
        is_within = shared->is_within;
        (void)kill(child, SIGKILL);
        (void)waitpid(child, &status, 0);

        bool is_good = is_there(&old, 5) && goes_on(PERMANENT);
        if (work != delete_target)
            is_good = is_good && is_there(&old, TARGET);
        if (work == add_target && !is_within)
            is_good = is_good && is_there(&old, TARGET + 1);
        bad += !is_good;
    }
    whole_tap(bad == 0 && deaths > 10,
              "a writer that %s, killed at %u places up to stop %u: %u bad", what, deaths, stops,
              bad);
}

int main(void)
{
    whole_folder(folder);
    (void)snprintf(path, sizeof(path), "%s/snapshot", folder);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();

    struct snapshot_writer *writer = whole_open(path);
    for (unsigned id = 0; id < PERMANENT; id++)
        change(writer, id);
    snapshot_writer_close(writer);

    unsigned stride = whole_is_long() ? 3 : 47;
    kill_at_random();
    whole_one_processor();
    kill_within("changes a name", change_target, PTRACE_SINGLESTEP, stride);
    kill_within("adds a name", add_target, PTRACE_SINGLESTEP, stride);
    kill_within("deletes a name", delete_target, PTRACE_SINGLESTEP, stride);
    kill_within("grows the file", grow, PTRACE_SYSCALL, 1);
    whole_remove(folder);
    return whole_end();
}
