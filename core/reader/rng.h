/* rng.h - random numbers for draws: fast, unlocked, different in each process, thread and child.
 * Floor: reader (libc only; no lock, log, allocation or descriptor; errno untouched).
 *
 * Not for secrets. SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) over a Weyl sequence, seeded once
 * per process from getrandom(GRND_NONBLOCK), else from clock, pid, tid and stack. The seed is in a
 * MADV_WIPEONFORK page, so that a forked child seeds anew; after vfork it is shared, harmlessly.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* One thread's state. All zero at first; a few bytes, so that it may be initial-exec TLS. */
struct rng {
    uint64_t epoch; /* of the process state that seeded it; 0 = not yet, or not to be relied on */
    uint64_t state;
};

/* The process's state. Internal to rng.c and rng_next. */
struct rng_process {
    _Atomic uint64_t seed;    /* never 0 once seeded; also the epoch */
    _Atomic uint64_t tickets; /* streams handed out to threads */
    _Atomic uint64_t shared;  /* the stream of callers without a struct rng */
    _Atomic uint64_t pid;     /* whose seed it is; only looked at where the page is not wiped */
};
extern _Atomic(struct rng_process *) rng_process;

#define RNG_WEYL UINT64_C(0x9e3779b97f4a7c15) /* 2^64 / golden ratio, odd */

/* The SplitMix64 finaliser: a bijection that mixes all bits. */
static inline uint64_t rng_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* rng_next where the thread has no stream that is good in this process. */
uint64_t rng_next_slowly(struct rng *rng);

/* 64 uniform bits.
 *
 *   rng  this thread's state, or NULL for the process's shared one (an atomic counter)
 *
 * Safe in any thread, in a signal handler, after fork and vfork. */
static inline uint64_t rng_next(struct rng *rng)
{
    /* Acquire: pairs with its publication. A thread that has an epoch has seen a state. */
    struct rng_process *process = atomic_load_explicit(&rng_process, memory_order_acquire);

    if (!rng || rng->epoch == 0 ||
        rng->epoch != atomic_load_explicit(&process->seed, memory_order_relaxed))
        return rng_next_slowly(rng);
    rng->state += RNG_WEYL;
    return rng_mix(rng->state);
}

/* A random number that is chosen once per process and anew in a forked child; never 0. */
uint64_t rng_process_key(void);
