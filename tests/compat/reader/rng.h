/* rng.h - random numbers for draws: fast, unlocked, different in each process, thread and child.
 * Floor: reader (libc only; no lock, log, allocation or descriptor; errno untouched).
 *
 * Not for secrets. SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) over a Weyl sequence, seeded once
 * per process from getrandom(GRND_NONBLOCK), else from clock, pid, tid and stack. The seed is in a
 * MADV_WIPEONFORK page, so that a forked child seeds anew; after vfork it is shared, harmlessly.
 */
#pragma once

#include <stdint.h>

/* One thread's state. All zero at first; a few bytes, so that it may be initial-exec TLS. */
struct rng {
    uint64_t epoch; /* of the process state that seeded it; 0 = not yet */
    uint64_t state;
};

/* 64 uniform bits.
 *
 *   rng  this thread's state, or NULL for the process's shared one (an atomic counter)
 *
 * Safe in any thread, in a signal handler, after fork and vfork. */
uint64_t rng_next(struct rng *rng);

/* A random number that is chosen once per process and anew in a forked child; never 0. */
uint64_t rng_process_key(void);

/* The SplitMix64 finaliser: a bijection that mixes all bits. */
static inline uint64_t rng_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}
