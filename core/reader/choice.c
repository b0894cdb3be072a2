/* choice.c - the last choices, in a small table of atomics.
 *
 * Not the destination is kept but what it was drawn with: the second call makes the first one's
 * draw again, with the same random numbers, and takes of each destination the family that it is
 * asked for. So a policy that changed meanwhile needs no care: it is a draw by the new weights.
 *
 * A thread has one slot, for its last choice, and may share it with others. Whoever comes to it
 * overwrites it; a signal handler or another thread may tear it. That costs a pairing, or pairs
 * with somebody else's random numbers, which are as good as any: never more. After a fork the
 * numbers are not valid any more (rng.h), so a child does not follow its parent's draw. There is no
 * thread-local storage, because NSS has none.
 */
#include "choice.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/socket.h>
#include <time.h>

#define SLOTS     64
#define TICK_MS   256
#define TICKS_MAX 4 /* how long a choice may be followed: about a second */

/* Families, as bits. */
enum { V4 = 1, V6 = 2, BOTH = 3 };

/* The head: key:40 | time in ticks:20 | family awaited:2 | family drawn for:2. 0 = free. */
#define KEY(head)     ((head) >> 24)
#define TIME(head)    ((head) >> 4 & 0xfffff)
#define AWAITED(head) ((unsigned)((head) >> 2 & 3))
#define DRAWN(head)   ((unsigned)((head)&3))

static struct slot {
    _Atomic uint64_t head, epoch, state;
} slots[SLOTS];

static unsigned code_of(int family)
{
    return family == AF_INET ? V4 : family == AF_INET6 ? V6 : BOTH;
}

static int family_of(unsigned code)
{
    return code == V4 ? AF_INET : code == V6 ? AF_INET6 : AF_UNSPEC;
}

/* This thread's slot. Threads lie some pages apart. */
static struct slot *slot_of_thread(void)
{
    return &slots[rng_mix((uint64_t)(uintptr_t)pthread_self()) % SLOTS];
}

/* Of thread and name: FNV-1a, mixed; the bits that a head has room for. */
static uint64_t key_of(const char *name)
{
    uint64_t key = (uint64_t)(uintptr_t)pthread_self();

    for (size_t i = 0; name[i] && i <= SNAPSHOT_NAME_MAX; i++)
        key = (key ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
    return KEY(rng_mix(key));
}

static uint64_t time_now(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now); /* without a system call */
    return ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000) / TICK_MS & 0xfffff;
}

/* Takes out what an earlier call left for this one. Nearly always there is nothing. */
static bool take(struct choice *choice)
{
    struct slot *slot = slot_of_thread();
    /* Acquire: pairs with the release in leave. */
    uint64_t head = atomic_load_explicit(&slot->head, memory_order_acquire);

    if (head == 0 || AWAITED(head) != choice->family || KEY(head) != key_of(choice->name) ||
        ((time_now() - TIME(head)) & 0xfffff) > TICKS_MAX)
        return false;
    uint64_t epoch = atomic_load_explicit(&slot->epoch, memory_order_relaxed);
    uint64_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    unsigned drawn = DRAWN(head);
    /* Acquire and release: what others write into the slot from now on was not read above. */
    if (!atomic_compare_exchange_strong_explicit(&slot->head, &head, 0, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return false;
    choice->drawn = drawn;
    choice->epoch = epoch;
    choice->state = state;
    return true;
}

static __attribute__((noinline)) void leave(const struct choice *choice, unsigned awaited)
{
    struct slot *slot = slot_of_thread();

    atomic_store_explicit(&slot->epoch, choice->epoch, memory_order_relaxed);
    atomic_store_explicit(&slot->state, choice->state, memory_order_relaxed);
    atomic_store_explicit(
        &slot->head, key_of(choice->name) << 24 | time_now() << 4 | awaited << 2 | choice->drawn,
        memory_order_release);
}

/* Leaves of an answer only what has the families. Returns whether something is left. */
static bool keep(struct resolve_answer *answer, unsigned families)
{
    size_t count = answer->count;

    answer->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct resolve_destination one = answer->destinations[i];

        one.has_v4 = one.has_v4 && families & V4;
        one.has_v6 = one.has_v6 && families & V6;
        if (one.has_v4 || one.has_v6)
            answer->destinations[answer->count++] = one;
    }
    return answer->count > 0;
}

enum resolve_result choice_resolve(struct snapshot_reader *reader, struct resolve_request *request,
                                   struct choice *ret_choice, struct resolve_answer *ret_answer)
{
    struct choice *choice = ret_choice;
    struct rng rng = {0};
    enum resolve_result result;
    bool is_repeated;

    choice->name = request->name;
    choice->family = choice->drawn = code_of(request->family);
    request->rng = &rng;
    is_repeated = take(choice);
    if (is_repeated) {
        rng = (struct rng){.epoch = choice->epoch, .state = choice->state};
        request->family = family_of(choice->drawn);
        request->is_whole = true;
    }
    /* In one place, so that it need not be there twice. */
    while ((result = resolve_name(reader, request, ret_answer), is_repeated)) {
        is_repeated = false;
        request->family = family_of(choice->family);
        request->is_whole = false;
        if (result == RESOLVE_FOUND && keep(ret_answer, choice->family))
            break;
        rng = (struct rng){0};
        choice->drawn = choice->family;
    }
    if (choice->drawn == choice->family) {
        choice->epoch = rng.epoch; /* 0: no random number was needed, or none can be had again */
        choice->state = rng.state - RNG_WEYL;
    }
    request->rng = NULL;
    return result;
}

void choice_end(const struct choice *choice, bool is_given)
{
    if (!is_given)
        leave(choice, choice->family);
    else if (choice->family == V6)
        leave(choice, V4);
}
