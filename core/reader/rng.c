/* rng.c - SplitMix64 with a seed that no two processes share.
 *
 * The process's state lies in a page of its own that the kernel wipes at fork (MADV_WIPEONFORK,
 * Linux 4.14): seed 0 means "not seeded here". Whoever sees that offers a seed by compare-and-swap
 * and takes what then stands, so threads need no lock and a child that was forked in the middle of
 * it is in no trouble. The seed is also the epoch: a thread whose generator knows another one
 * starts a new stream from the seed and a ticket.
 *
 * Where the kernel, a sandbox or an emulator has no such page, the state is a static one with the
 * process id beside the seed, compared at each call: getpid costs 0.2 us, but is right.
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

static struct rng_process unwiped;
_Atomic(struct rng_process *) rng_process;

/* Whether the kernel will wipe the page at fork. An emulator (qemu-user 7.2) says yes to any advice
 * and forgets it, so one who takes an advice that does not exist is not believed. */
static bool is_wiped_at_fork(void *page, size_t size)
{
    return madvise(page, size, -1) != 0 && madvise(page, size, MADV_WIPEONFORK) == 0;
}

/* Publishes the page, or `unwiped` where there is none. A loser unmaps its own: nobody saw it. */
static struct rng_process *make_process(void)
{
    int saved = errno;
    size_t size = sizeof(struct rng_process);
    struct rng_process *expected = NULL, *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
                                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool is_wiped = page != MAP_FAILED && is_wiped_at_fork(page, size);
    struct rng_process *mine = is_wiped ? page : &unwiped;

    /* Release: the fresh page's zeros; acquire: another thread's page. */
    bool is_mine = atomic_compare_exchange_strong_explicit(
        &rng_process, &expected, mine, memory_order_acq_rel, memory_order_acquire);
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

static uint64_t seed_anew(struct rng_process *process, uint64_t old)
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
static struct rng_process *process_now(uint64_t *ret_seed)
{
    struct rng_process *process = atomic_load_explicit(&rng_process, memory_order_acquire);

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

uint64_t rng_next_slowly(struct rng *rng)
{
    uint64_t seed;
    struct rng_process *process = process_now(&seed);

    if (!rng) {
        uint64_t turn =
            atomic_fetch_add_explicit(&process->shared, RNG_WEYL, memory_order_relaxed) + RNG_WEYL;
        return rng_mix(turn + rng_mix(seed));
    }
    /* A new stream. Where fork does not wipe the seed, each draw begins one. */
    uint64_t ticket = atomic_fetch_add_explicit(&process->tickets, 1, memory_order_relaxed) + 1;
    rng->state = rng_mix(seed ^ rng_mix(ticket * RNG_WEYL)) + RNG_WEYL;
    if (process != &unwiped)
        rng->epoch = seed;
    return rng_mix(rng->state);
}

uint64_t rng_process_key(void)
{
    uint64_t seed;

    (void)process_now(&seed);
    uint64_t key = rng_mix(seed ^ UINT64_C(0x6d657368646e7331));
    return key ? key : 1;
}
