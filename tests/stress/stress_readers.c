/* stress_readers.c - 32 reader threads and 4 reader processes against a writer that never rests.
 *
 *     stress_readers threads      writer and readers are threads of one process (for TSan)
 *     stress_readers processes    one process of 32 threads, 4 of one; one of those is stopped and
 *                                 continued for longer than a block rests
 *     stress_readers write FILE   the writer alone; says "ready" when there is something to read
 *     stress_readers read FILE    4 threads that read what another program writes
 *
 * The writer changes names, adds and deletes others, and makes the file grow and shrink. Readers
 * demand: no torn answer; a name that exists throughout is always found; its versions never go
 * back, in one thread. 5 s; with MESHDNS_LONG=1 20 s; with MESHDNS_SECONDS as many.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "snapshot_writer.h"
#include "whole.h"

#define THREADS   32
#define PROCESSES 4
#define PERMANENT 100 /* ids below this exist throughout */
#define VOLATILE  140 /* ids up to this come and go; a byte of the address tells the id */
#define FILLERS   1000

struct shared {
    _Atomic bool is_over;
    _Atomic uint64_t found, missed, torn, went_back, volatile_found, written, grown;
};

static char folder[64], path[128];
static struct shared *shared;
static struct snapshot_reader reader;

static uint32_t version = 1; /* the writer's last */

static void fill(struct snapshot_writer *writer, unsigned round, bool is_there)
{
    static uint64_t words[FIXTURE_WORDS];
    struct fixture_destination d[4] = {{.v4 = 1, .weight = 1}, {.v4 = 2, .weight = 1}};
    struct fixture_rule rule = {.verb = SNAPSHOT_DRAW, .destinations = d, .count = 2};
    char key[48];

    for (unsigned i = 0; i < FILLERS && !shared->is_over; i++) {
        size_t length = (size_t)snprintf(key, sizeof(key), "filler-%u-%u.mesh", round, i * 7919u);
        if (is_there)
            (void)snapshot_writer_put(writer, words, fixture_record(key, length, &rule, 1, words),
                                      NULL);
        else
            (void)snapshot_writer_delete(writer, key, length);
        if (i % 4 == 0)
            whole_put(writer, i / 4 % PERMANENT, ++version);
    }
}

#ifdef __SANITIZE_THREAD__
/* For TSan a mapping laid over another is a write to all of it, which races with every reader. That
 * is just what snapshot_map_leave does on purpose, so it shall not see it. */
void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    void *(*real)(void *, size_t, int, int, int, off_t);

    *(void **)&real = dlsym(RTLD_NEXT, "mmap");
    if (flags & MAP_FIXED) /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
        return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
    return real(at, size, protection, flags, fd, offset);
}
#endif

static void *write_without_rest(void *unused)
{
    struct snapshot_writer *writer = whole_open(path);
    uint64_t state = 1;

    for (unsigned round = 0; !shared->is_over; round++) {
        fill(writer, round, true);
        for (unsigned i = 0; i < 20000 && !shared->is_over; i++) {
            unsigned id = (unsigned)(rng_mix(++state) % VOLATILE);
            if (id >= PERMANENT && rng_mix(~state) % 2)
                whole_delete(writer, id);
            else
                whole_put(writer, id, ++version);
            shared->written++;
            if (i % 1000 == 0) {
                writer = whole_grow(writer, path);
                shared->grown++;
            }
        }
        snapshot_writer_commit(writer, round);
        fill(writer, round, false);
    }
    snapshot_writer_close(writer);
    return unused;
}

static void *read_without_rest(void *unused)
{
    uint32_t last[PERMANENT] = {0};
    struct rng rng = {0};

    for (uint64_t i = 0; !shared->is_over; i++) {
        unsigned id = (unsigned)(rng_next(&rng) % VOLATILE);
        uint32_t seen_version = 0;
        enum whole_seen seen = whole_look(&reader, i % 3 ? &rng : NULL, id, &seen_version);
        if (seen == WHOLE_TORN)
            shared->torn++;
        else if (id >= PERMANENT)
            shared->volatile_found += seen == WHOLE_FOUND;
        else if (seen == WHOLE_MISS)
            shared->missed++;
        else {
            shared->went_back += seen_version < last[id];
            last[id] = seen_version;
            shared->found++;
        }
        /* Growth is followed at most once a second; here more often, to be met more often. */
        if (i % 4096 == 0)
            atomic_store(&reader.next_try_ns, 1);
    }
    return unused;
}

static void read_in_threads(size_t count)
{
    pthread_t threads[THREADS];

    for (size_t i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, read_without_rest, NULL) != 0)
            abort();
    for (size_t i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
}

/* The writer is not kept open here: forked readers would inherit its lock. */
static void begin(void)
{
    struct snapshot_writer *writer = whole_open(path);

    for (unsigned id = 0; id < PERMANENT; id++)
        whole_put(writer, id, 1);
    snapshot_writer_close(writer);
}

static int seconds(void)
{
    const char *wanted = getenv("MESHDNS_SECONDS");

    return wanted ? atoi(wanted) : whole_is_long() ? 20 : 5;
}

static void nap(long ms)
{
    (void)nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void *wait_for_end(void *unused)
{
    nap(seconds() * 1000L);
    shared->is_over = true;
    return unused;
}

static void run_threads(size_t readers, bool is_written_here)
{
    pthread_t clock, hand;

    if (pthread_create(&clock, NULL, wait_for_end, NULL) != 0 ||
        (is_written_here && pthread_create(&hand, NULL, write_without_rest, NULL) != 0))
        abort();
    read_in_threads(readers);
    (void)pthread_join(clock, NULL);
    if (is_written_here)
        (void)pthread_join(hand, NULL);
}

static void tell_of_readers(void)
{
    whole_tap(shared->torn == 0, "%zu torn answers", (size_t)shared->torn);
    whole_tap(shared->missed == 0,
              "%zu of %zu look-ups of names that exist throughout fell through",
              (size_t)shared->missed, (size_t)shared->found);
    whole_tap(shared->went_back == 0, "%zu versions went back", (size_t)shared->went_back);
}

/* The two halves, for readers of another word size, machine or C library than the writer. */
static int run_half(const char *half, const char *file)
{
    (void)snprintf(path, sizeof(path), "%s", file);
    if (strcmp(half, "write") == 0) {
        begin();
        puts("ready");
        (void)fflush(stdout);
        run_threads(0, true);
        whole_tap(shared->written > 1000 && shared->grown >= 2, "%zu writes, %zu growths",
                  (size_t)shared->written, (size_t)shared->grown);
        return whole_end();
    }
    run_threads(PROCESSES, false);
    tell_of_readers();
    whole_tap(shared->found > 1000 && shared->volatile_found > 100,
              "there was something to read: %zu found, %zu of those that come and go",
              (size_t)shared->found, (size_t)shared->volatile_found);
    return whole_end();
}

static pid_t start(void (*work)(size_t), size_t argument)
{
    pid_t child = fork();

    if (child < 0)
        abort();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        work(argument);
        _exit(0);
    }
    return child;
}

/* Returns how many readers ended badly. */
static unsigned run_processes(void)
{
    pid_t children[PROCESSES + 1];
    pthread_t hand;
    unsigned bad = 0;

    for (size_t i = 0; i <= PROCESSES; i++)
        children[i] = start(read_in_threads, i == 0 ? THREADS : 1);
    if (pthread_create(&hand, NULL, write_without_rest, NULL) != 0)
        abort();
    for (int ms = 0; ms < seconds() * 1000; ms += 1300) {
        (void)kill(children[1], SIGSTOP);
        nap(1250); /* a block rests 1 s at most */
        (void)kill(children[1], SIGCONT);
        nap(50);
    }
    shared->is_over = true;
    (void)pthread_join(hand, NULL);
    for (size_t i = 0; i <= PROCESSES; i++) {
        int status = 0;
        bad += waitpid(children[i], &status, 0) < 0 || status != 0;
    }
    return bad;
}

int main(int count, char **arguments)
{
    bool in_threads = count > 1 && strcmp(arguments[1], "threads") == 0;
    unsigned bad = 0;

    reader = (struct snapshot_reader)SNAPSHOT_READER(path);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    if (count > 2)
        return run_half(arguments[1], arguments[2]);

    whole_folder(folder);
    (void)snprintf(path, sizeof(path), "%s/snapshot", folder);
    begin();
    if (in_threads)
        run_threads(THREADS, true);
    else
        bad = run_processes();
    whole_remove(folder);

    whole_tap(bad == 0, "no reader crashed");
    tell_of_readers();
    whole_tap(shared->found > 1000 && shared->volatile_found > 100 && shared->written > 1000 &&
                  shared->grown >= 2,
              "there was stress: %zu found, %zu of those that come and go, %zu writes, %zu growths",
              (size_t)shared->found, (size_t)shared->volatile_found, (size_t)shared->written,
              (size_t)shared->grown);
    return whole_end();
}
