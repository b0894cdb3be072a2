/* stress_soak.c - a hundred look-ups for each change, for long: nothing grows, nothing is wrong.
 *
 * A writer changes, adds and deletes 4,000 names of many sizes; on every processor a reader looks
 * them up. Each answer must be whole, of the name that was asked for, and of a version that was in
 * force at some moment of the look-up; a name that was there all the time may not be missed. File,
 * heaps of writer and readers, and the way of a miss are measured after a tenth of the time and at
 * the end. 3 * 10^5 changes and 3 * 10^7 look-ups, or 10 s; with MESHDNS_LONG=1 10^7 and 10^9, or
 * 30 minutes.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "snapshot_check.h"
#include "snapshot_map.h"
#include "snapshot_writer.h"
#include "whole.h"

#define NAMES   4000
#define HOT     8  /* names that half of all look-ups and changes are about */
#define READERS 64 /* most */
#define BATCH   1000
#define RATIO   100 /* look-ups for each change */

struct reader_counts {
    _Alignas(64) _Atomic uint64_t looked, found, missed, torn, wrong;
    _Atomic uint64_t heap_early, heap_late; /* KiB */
};

struct shared {
    _Atomic bool is_over, is_warm;
    /* version << 1 | is there: before and behind the change */
    _Atomic uint64_t begun[NAMES], done[NAMES];
    _Atomic uint64_t deletions_begun[NAMES], deletions_done[NAMES];
    struct reader_counts readers[READERS];
};

/* What must not grow. */
struct state {
    uint64_t file, heap, used, tombstones; /* bytes, KiB, bytes, slots */
    uint64_t rebuilt;                      /* times */
};

static char folder[64], path[128];
static struct shared *shared;
static size_t reader_count;

static double now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* This process's own memory, without what it maps of files. By plain system calls: stdio's buffers
 * would be measured too. */
static uint64_t heap_kib(void)
{
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    char text[8192] = "", *line;
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        (void)close(fd);
    line = size > 0 ? strstr(text, "\nRssAnon:") : NULL;
    return line ? strtoull(line + strlen("\nRssAnon:"), NULL, 10) : 0;
}

static unsigned pick(struct rng *rng)
{
    uint64_t random = rng_next(rng);

    return (unsigned)((random >> 1) % (random & 1 ? HOT : NAMES));
}

/* Looks one name up and judges the answer by what was in force. */
static void look(struct snapshot_reader *reader, struct rng *rng, struct reader_counts *counts)
{
    unsigned id = pick(rng);
    uint64_t deletions = shared->deletions_done[id], before = shared->done[id];
    uint32_t version = 0;

    reader->next_try_ns = 0; /* a new file is followed at once: the old one has old versions */
    enum whole_seen seen = whole_look(reader, rng, id, &version);
    uint64_t behind = shared->begun[id];

    counts->torn += seen == WHOLE_TORN;
    counts->found += seen == WHOLE_FOUND;
    /* Deleted before, and not put again since: it should not be found; nor should what is older
     * than the change that was done before, or newer than the one that is begun. */
    counts->wrong += seen == WHOLE_FOUND && (version < before >> 1 || version > behind >> 1 ||
                                             (before == behind && !(before & 1)));
    counts->missed +=
        seen == WHOLE_MISS && (before & 1) && shared->deletions_begun[id] == deletions;
    counts->looked++;
}

static _Noreturn void read_on(struct reader_counts *counts)
{
    struct snapshot_reader reader = SNAPSHOT_READER(path);
    struct rng rng = {0};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (!shared->is_over) {
        for (unsigned i = 0; i < 1024; i++)
            look(&reader, &rng, counts);
        if (shared->is_warm && counts->heap_early == 0)
            counts->heap_early = heap_kib();
    }
    counts->heap_late = heap_kib();
    _exit(0);
}

static void change(struct snapshot_writer *writer, struct rng *rng)
{
    static uint32_t version;
    unsigned id = pick(rng);
    bool goes = rng_next(rng) % 8 == 0 && (shared->done[id] & 1);
    uint64_t mark = (uint64_t)++version << 1 | !goes;

    shared->begun[id] = mark;
    shared->deletions_begun[id] += goes;
    if (goes)
        whole_delete(writer, id);
    else
        whole_put(writer, id, version);
    shared->done[id] = mark;
    shared->deletions_done[id] += goes;
}

static uint64_t looked(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < reader_count; i++)
        sum += shared->readers[i].looked;
    return sum;
}

static struct state measure(struct snapshot_writer *writer)
{
    struct snapshot_writer_stats stats;

    snapshot_writer_stats(writer, &stats);
    return (struct state){stats.file_size, heap_kib(), stats.used_bytes, stats.tombstones,
                          stats.grown + stats.settled};
}

/* Returns the changes made. */
static uint64_t write_on(struct snapshot_writer *writer, uint64_t changes, double limit_s,
                         struct state *ret_early, uint64_t *ret_largest)
{
    double start = now_s();
    struct rng rng = {0};
    uint64_t made = 0;

    for (; made < changes && now_s() - start < limit_s; made += BATCH) {
        for (unsigned i = 0; i < BATCH; i++)
            change(writer, &rng);
        snapshot_writer_commit(writer, made);
        struct state state = measure(writer);
        *ret_largest = state.file > *ret_largest ? state.file : *ret_largest;
        if (!shared->is_warm && (made >= changes / 10 || now_s() - start > limit_s / 10)) {
            *ret_early = state;
            shared->is_warm = true;
        }
        while (looked() < (made + BATCH) * RATIO && now_s() - start < limit_s)
            (void)nanosleep(&(struct timespec){0, 200000}, NULL);
    }
    return made;
}

static void start_readers(pid_t *readers)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    reader_count = processors < 1 ? 1 : processors > READERS ? READERS : (size_t)processors;
    for (size_t i = 0; i < reader_count; i++) {
        readers[i] = fork();
        if (readers[i] < 0)
            abort();
        if (readers[i] == 0)
            read_on(&shared->readers[i]);
    }
}

static void judge_answers(uint64_t changes, unsigned crashed, double took)
{
    struct reader_counts sum = {0};

    for (size_t i = 0; i < reader_count; i++) {
        sum.looked += shared->readers[i].looked;
        sum.found += shared->readers[i].found;
        sum.missed += shared->readers[i].missed;
        sum.torn += shared->readers[i].torn;
        sum.wrong += shared->readers[i].wrong;
    }
    whole_tap(crashed == 0 && sum.torn + sum.wrong + sum.missed == 0 && sum.found > changes,
              "%zu changes, %zu look-ups in %.0f s by %zu readers: %zu found, %zu torn, %zu of "
              "another version, %zu missed, %u crashed",
              (size_t)changes, (size_t)sum.looked, took, reader_count, (size_t)sum.found,
              (size_t)sum.torn, (size_t)sum.wrong, (size_t)sum.missed, crashed);
}

static void judge_growth(struct state early, struct state late, uint64_t largest)
{
    uint64_t heap_early = 0, heap_late = 0;
    struct snapshot_check *check = NULL;
    struct error err = {0};

    for (size_t i = 0; i < reader_count; i++) {
        heap_early += shared->readers[i].heap_early;
        heap_late += shared->readers[i].heap_late;
    }
    whole_tap(
        late.file <= early.file * 5 / 4 && largest <= 2 * late.used + (UINT64_C(2) << 20) &&
            late.rebuilt <= early.rebuilt + 5,
        "the file has %zu KiB, %zu at most, %zu after a tenth, when it had been made anew %zu "
        "of %zu times; %zu are in use",
        (size_t)late.file / 1024, (size_t)largest / 1024, (size_t)early.file / 1024,
        (size_t)early.rebuilt, (size_t)late.rebuilt, (size_t)late.used / 1024);
    whole_tap(
        late.heap <= early.heap + 512 && heap_late <= heap_early + 256 * reader_count,
        "the writer's own memory has %zu KiB, %zu after a tenth; that of all readers %zu, %zu",
        (size_t)late.heap, (size_t)early.heap, (size_t)heap_late, (size_t)heap_early);
    int names = snapshot_check_open(path, &check, &err);
    if (names == 0)
        names = snapshot_check_each(check, NULL, NULL, &err);
    whole_tap(names > NAMES / 2 && late.tombstones < NAMES / 2,
              "the file is whole: %d names, %zu tombstones, %zu after a tenth %s", names,
              (size_t)late.tombstones, (size_t)early.tombstones, names < 0 ? error_line(&err) : "");
    snapshot_check_close(check);
}

int main(void)
{
    uint64_t changes = whole_is_long() ? 10000000 : 300000, largest = 0;
    double limit_s = whole_is_long() ? 1800 : 10, start = now_s();
    struct state early = {0};
    pid_t readers[READERS];
    unsigned crashed = 0;

    whole_folder(folder);
    (void)snprintf(path, sizeof(path), "%s/snapshot", folder);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    start_readers(readers); /* before the writer: they would inherit its lock */
    struct snapshot_writer *writer = whole_open(path);
    changes = write_on(writer, changes, limit_s, &early, &largest);
    struct state late = measure(writer);
    shared->is_over = true;
    for (size_t i = 0; i < reader_count; i++) {
        int status = 0;
        crashed += waitpid(readers[i], &status, 0) < 0 || status != 0;
    }
    snapshot_writer_close(writer);
    judge_answers(changes, crashed, now_s() - start);
    judge_growth(early, late, largest);
    whole_remove(folder);
    return whole_end();
}
