/* stress_step.c - a reader is stopped behind each single instruction of a look-up.
 *
 * While it stands there the writer does its worst: it changes and reuses every block several
 * times, or lets the file grow while another thread of the reader leaves the old mapping. Then the
 * reader goes on, and must give an answer that is whole, and no older than when it began.
 *
 * The reader is a child that is single-stepped (ptrace) from a SIGSTOP of its own on; every
 * few instructions; with MESHDNS_LONG=1 every one of a warm look-up.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "snapshot_writer.h"
#include "whole.h"

#define SHAPE  48  /* versions that differ by this have records of nearly one size */
#define NAMES  10  /* that have records of one size: ids differ by 24 */
#define CHURN  330 /* changes; blocks waiting beyond 64 are reused, so each is, several times */
#define TARGET 6   /* an exact name; 16 * n + 3 are wildcards */
#define WILD   3   /* a wildcard */

struct shared {
    _Atomic unsigned id;              /* what the child looks up */
    _Atomic unsigned most;            /* destinations wanted */
    _Atomic bool is_first;            /* forget the mapping before */
    _Atomic bool is_within;           /* the look-up is not over */
    _Atomic unsigned seen;            /* enum whole_seen of the last look-up */
    _Atomic uint32_t version;         /* its version */
    _Atomic unsigned asked, answered; /* the other thread's look-ups */
};

static char folder[64], path[128];
static struct shared *shared;
static struct snapshot_reader reader;
static struct snapshot_writer *writer;
static uint32_t versions[256]; /* published */

static void *look_when_asked(void *unused)
{
    struct rng rng = {0};
    uint32_t version;

    for (;;) {
        while (shared->asked == shared->answered)
            (void)nanosleep(&(struct timespec){0, 20000}, NULL);
        reader.next_try_ns = 0;
        (void)whole_look(&reader, &rng, TARGET, &version);
        shared->answered++;
    }
    return unused;
}

static _Noreturn void be_the_reader(void)
{
    struct rng rng = {0};
    pthread_t other;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ||
        pthread_create(&other, NULL, look_when_asked, NULL) != 0)
        _exit(9);
    for (;;) {
        char name[WHOLE_KEY + 8];
        struct resolve_answer answer;
        struct resolve_request request = {
            .name = name, .caller = RESOLVE_SHIM, .most = shared->most, .rng = &rng};
        unsigned id = shared->id;
        uint32_t version = 0;

        whole_name(id, name);
        if (shared->is_first)
            reader.map = NULL;
        reader.next_try_ns = 0;
        shared->is_within = true;
        (void)raise(SIGSTOP);
        enum resolve_result result = resolve_name(&reader, &request, &answer);
        shared->is_within = false;
        shared->seen = whole_judge(result, &answer, id, request.most, &version);
        shared->version = version;
    }
}

static void change(unsigned id)
{
    versions[id] += versions[id] ? SHAPE : 1 + id % 7;
    whole_put(writer, id, versions[id]);
}

static void churn(unsigned id)
{
    for (unsigned i = 0; i < CHURN; i++)
        change(id + 24 * (i * 7 % NAMES));
}

/* Growth, twice, each followed by the child's other thread. */
static void grow(unsigned id)
{
    for (int i = 0; i < 2; i++) {
        writer = whole_grow(writer, path);
        change(id);
        shared->asked++;
        while (shared->asked != shared->answered)
            (void)nanosleep(&(struct timespec){0, 20000}, NULL);
    }
}

/* Disturbs look-ups of `id` behind every `stride`th instruction. */
static void disturb(pid_t child, const char *what, unsigned id, bool is_first, unsigned most,
                    void (*storm)(unsigned), unsigned stride)
{
    unsigned steps = 1, misses = 0, torn = 0, old = 0;
    bool is_within = true;

    shared->id = id;
    shared->most = most;
    shared->is_first = is_first;
    (void)whole_go(child, PTRACE_CONT);
    (void)whole_go(child, PTRACE_CONT); /* the next round looks up this id */
    for (; is_within; steps += stride) {
        uint32_t before = versions[id];
        for (unsigned i = 0; i < steps && shared->is_within; i++)
            (void)whole_go(child, PTRACE_SINGLESTEP);
        is_within = shared->is_within;
        storm(id);
        (void)whole_go(child, PTRACE_CONT);
        misses += shared->seen == WHOLE_MISS;
        torn += shared->seen == WHOLE_TORN;
        old += shared->seen == WHOLE_FOUND &&
               (shared->version < before || shared->version > versions[id]);
    }
    whole_tap(misses + torn + old == 0 && steps > 300,
              "%s, stopped at every %u. of %u instructions: %u missed, %u torn, %u too old", what,
              stride, steps, misses, torn, old);
}

int main(void)
{
    whole_one_processor();
    whole_folder(folder);
    (void)snprintf(path, sizeof(path), "%s/snapshot", folder);
    reader = (struct snapshot_reader)SNAPSHOT_READER(path);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    shared->id = TARGET;
    shared->most = 1;
    writer = whole_open(path);
    churn(TARGET);
    churn(WILD);
    snapshot_writer_close(writer); /* the child shall not inherit the lock */

    int status = 0;
    pid_t child = fork();
    if (child == 0)
        be_the_reader();
    if (child < 0 || waitpid(child, &status, 0) < 0)
        abort();
    writer = whole_open(path);
    for (int i = 0; i < 8; i++)
        churn(i % 2 ? WILD : TARGET);   /* so that enough blocks wait */
    (void)whole_go(child, PTRACE_CONT); /* maps */

    bool is_long = whole_is_long();
    disturb(child, "blocks reused, exact name", TARGET, false, 1, churn, is_long ? 1 : 2);
    disturb(child, "blocks reused, wildcard", WILD, false, 1, churn, is_long ? 1 : 5);
    disturb(child, "blocks reused, 16 answers", TARGET, false, 16, churn, is_long ? 1 : 53);
    disturb(child, "grown and left, exact name", TARGET, false, 1, grow, is_long ? 1 : 5);
    disturb(child, "grown and left, wildcard", WILD, false, 1, grow, is_long ? 1 : 11);
    disturb(child, "grown at the first look", TARGET, true, 1, grow, is_long ? 1 : 47);

    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    snapshot_writer_close(writer);
    whole_remove(folder);
    return whole_end();
}
