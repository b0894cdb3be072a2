/* writes_seen.c - see writes_seen.h.
 *
 * The two processes hand each other the turn through a shared page. The reader finds the record and
 * proves it whole as every look-up does; then it reads the weight, which no answer tells.
 */
#include "writes_seen.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hash.h"
#include "snapshot_find.h"
#include "snapshot_reader.h"

#define PATIENCE 100000 /* turns of a loop, then the processor is offered: there may be only one */

/* Keeps this process on the first or the last processor that it may use. On one alone a reader sees
 * a change when the writer has lost its patience. */
static void stay(bool is_last)
{
    cpu_set_t allowed, one;
    size_t which = CPU_SETSIZE;

    if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
        return;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed) && (is_last || which == CPU_SETSIZE))
            which = cpu;
    CPU_ZERO(&one);
    CPU_SET(which, &one);
    (void)sched_setaffinity(0, sizeof(one), &one);
}

struct writes_seen {
    _Atomic uint64_t asked, watching, seen; /* numbers of turns */
    uint64_t seen_ns;
    size_t weight_at;
    unsigned weight;
    char name[64]; /* zero-padded */
    pid_t reader;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void wait_for(const _Atomic uint64_t *word, uint64_t value)
{
    for (unsigned i = 1; atomic_load_explicit(word, memory_order_acquire) != value; i++)
        if (i % PATIENCE == 0)
            (void)sched_yield();
}

static unsigned look(struct snapshot_reader *reader, const struct writes_seen *seen)
{
    const struct snapshot_map *map = snapshot_reader_map(reader);
    const uint8_t *key = (const uint8_t *)seen->name;
    size_t length = strlen(seen->name);

    if (!map)
        return 0;
    struct snapshot_found found =
        snapshot_find(map, key, length, hash_key(key, length, map->secret));
    if (found.is != SNAPSHOT_FOUND)
        return 0;
    uint64_t word = snapshot_map_word(map, found.record.at + 1 + seen->weight_at);
    return snapshot_find_is_whole(map, &found.record) ? SNAPSHOT_COLUMN_WEIGHT(word) : 0;
}

static _Noreturn void spin(struct writes_seen *seen, const char *path)
{
    struct snapshot_reader reader = SNAPSHOT_READER(path);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    stay(true);
    for (uint64_t turn = 1;; turn++) {
        wait_for(&seen->asked, turn);
        (void)look(&reader, seen);
        atomic_store_explicit(&seen->watching, turn, memory_order_release);
        for (unsigned i = 1; look(&reader, seen) != seen->weight; i++)
            if (i % PATIENCE == 0)
                (void)sched_yield();
        seen->seen_ns = now_ns();
        atomic_store_explicit(&seen->seen, turn, memory_order_release);
    }
}

struct writes_seen *writes_seen_start(const char *path, size_t weight_at)
{
    struct writes_seen *seen =
        mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (seen == MAP_FAILED)
        abort();
    seen->weight_at = weight_at;
    pid_t reader = fork();
    if (reader < 0)
        abort();
    if (reader == 0)
        spin(seen, path);
    stay(false);
    seen->reader = reader; /* by this process alone: the page is shared */
    return seen;
}

void writes_seen_watch(struct writes_seen *seen, const char *name, unsigned weight)
{
    uint64_t turn = atomic_load_explicit(&seen->asked, memory_order_relaxed) + 1;

    memset(seen->name, 0, sizeof(seen->name));
    memcpy(seen->name, name, strlen(name));
    seen->weight = weight;
    atomic_store_explicit(&seen->asked, turn, memory_order_release);
    wait_for(&seen->watching, turn);
}

uint64_t writes_seen_wait(const struct writes_seen *seen)
{
    wait_for(&seen->seen, atomic_load_explicit(&seen->asked, memory_order_relaxed));
    return seen->seen_ns;
}

void writes_seen_stop(struct writes_seen *seen)
{
    (void)kill(seen->reader, SIGKILL);
    (void)waitpid(seen->reader, NULL, 0);
    (void)munmap(seen, sizeof(*seen));
}
