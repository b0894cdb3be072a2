/* rng.c - SplitMix64 with a seed that no two processes share.
 *
 * The process's state lies in a page of its own that the kernel wipes at fork (MADV_WIPEONFORK,
 * Linux 4.14): seed 0 means "not seeded here". Whoever sees that offers a seed by compare-and-swap
 * and takes what then stands, so threads need no lock and a child that was forked in the middle of
 * it is in no trouble. The seed is also the epoch: a thread whose generator knows another one
 * starts a new stream from the seed and a ticket.
 *
 * Where the kernel or a sandbox refuses the page, the state is a static one with the process id
 * beside the seed, compared at each call: getpid costs 0.2 us, but is right.
 */
#include "rng.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WEYL UINT64_C(0x9e3779b97f4a7c15) /* 2^64 / golden ratio, odd */

struct process {
    _Atomic uint64_t seed;    /* never 0 once seeded; also the epoch */
    _Atomic uint64_t tickets; /* streams handed out to threads */
    _Atomic uint64_t shared;  /* the stream of callers without a struct rng */
    _Atomic uint64_t pid;     /* whose seed it is; only looked at in `unwiped` */
};

static struct process unwiped;
static _Atomic(struct process *) process_state;

/* Publishes the page, or `unwiped` where there is none. A loser unmaps its own: nobody saw it. */
static struct process *make_process(void)
{
    int saved = errno;
    size_t size = sizeof(struct process);
    struct process *expected = NULL, *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
                                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool is_wiped = page != MAP_FAILED && madvise(page, size, MADV_WIPEONFORK) == 0;
    struct process *mine = is_wiped ? page : &unwiped;

    /* Release: the fresh page's zeros; acquire: another thread's page. */
    bool is_mine = atomic_compare_exchange_strong_explicit(
        &process_state, &expected, mine, memory_order_acq_rel, memory_order_acquire);
    if (page != MAP_FAILED && !(is_mine && is_wiped))
        (void)munmap(page, size);
    errno = saved;
    return is_mine ? mine : expected;
}

/* 64 bits that differ between processes: random ones, else what tells processes apart. */
static uint64_t entropy(void)
{
    int saved = errno;
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed)) {
        struct timespec now = {0};
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        seed = rng_mix((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
        seed = rng_mix(seed ^ (uint64_t)getpid() << 32 ^ (uint64_t)syscall(SYS_gettid));
        seed = rng_mix(seed ^ (uint64_t)(uintptr_t)&now);
    }
    errno = saved;
    return seed ? seed : 1;
}

static uint64_t seed_anew(struct process *process, uint64_t old)
{
    uint64_t seed = entropy();

    if (!atomic_compare_exchange_strong_explicit(&process->seed, &old, seed, memory_order_relaxed,
                                                 memory_order_relaxed))
        seed = old; /* another thread's, made in this process */
    if (process == &unwiped)
        atomic_store_explicit(&process->pid, (uint64_t)getpid(), memory_order_relaxed);
    return seed;
}

/* The process's state and, in ret_seed, its seed. Relaxed: seed is the only word that decides, and
 * the counters only have to differ. */
static struct process *process_now(uint64_t *ret_seed)
{
    struct process *process = atomic_load_explicit(&process_state, memory_order_acquire);

    if (!process)
        process = make_process();
    uint64_t seed = atomic_load_explicit(&process->seed, memory_order_relaxed);
    if (seed == 0 ||
        (process == &unwiped &&
         (uint64_t)getpid() != atomic_load_explicit(&process->pid, memory_order_relaxed)))
        seed = seed_anew(process, seed);
    *ret_seed = seed;
    return process;
}

/* Of the shared stream, or the first of a thread's. */
static uint64_t next_slowly(struct rng *rng)
{
    uint64_t seed;
    struct process *process = process_now(&seed);

    if (!rng) {
        uint64_t turn =
            atomic_fetch_add_explicit(&process->shared, WEYL, memory_order_relaxed) + WEYL;
        return rng_mix(turn + rng_mix(seed));
    }
    if (rng->epoch != seed) {
        uint64_t ticket = atomic_fetch_add_explicit(&process->tickets, 1, memory_order_relaxed) + 1;
        rng->state = rng_mix(seed ^ rng_mix(ticket * WEYL));
        rng->epoch = seed;
    }
    rng->state += WEYL;
    return rng_mix(rng->state);
}

uint64_t rng_next(struct rng *rng)
{
    struct process *process = atomic_load_explicit(&process_state, memory_order_acquire);

    /* A thread that has its stream, in the process that it got it in. */
    if (rng && rng->epoch != 0 && process != &unwiped &&
        rng->epoch == atomic_load_explicit(&process->seed, memory_order_relaxed)) {
        rng->state += WEYL;
        return rng_mix(rng->state);
    }
    return next_slowly(rng);
}

uint64_t rng_process_key(void)
{
    uint64_t seed;

    (void)process_now(&seed);
    uint64_t key = rng_mix(seed ^ UINT64_C(0x6d657368646e7331));
    return key ? key : 1;
}
