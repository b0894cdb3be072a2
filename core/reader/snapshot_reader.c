/* snapshot_reader.c - one path's mapping in one process: found, followed, never locked.
 *
 * `map` is only ever replaced by compare-and-swap. next_try_ns is limiter and election at once: who
 * moves it looks, everybody else goes on with what is there. At the very first look nobody waits
 * and nobody misses: each thread opens for itself, one publishes, the others unmap theirs.
 */
#include "snapshot_reader.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include "snapshot_map.h"

#define TRY_EVERY_NS INT64_C(1000000000)

static int64_t coarse_now(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + 1; /* never 0 */
}

/* Whether it is this thread's turn to look at the path. */
static bool is_elected(struct snapshot_reader *reader, bool is_first_for_all)
{
    int64_t due = atomic_load_explicit(&reader->next_try_ns, memory_order_relaxed);

    if (due == 0 && is_first_for_all)
        return true;
    int64_t now = coarse_now();
    /* A due time that no try has set: the clock was set back, as setns into another time namespace
     * and libraries that fake the time do. */
    bool is_set_back = due - now > TRY_EVERY_NS;
    return (now >= due || is_set_back) &&
           atomic_compare_exchange_strong_explicit(&reader->next_try_ns, &due, now + TRY_EVERY_NS,
                                                   memory_order_relaxed, memory_order_relaxed);
}

/* No snapshot yet. */
static const struct snapshot_map *find_first(struct snapshot_reader *reader)
{
    if (!is_elected(reader, true))
        return atomic_load_explicit(&reader->map, memory_order_acquire);

    struct snapshot_map *mine = snapshot_map_open(reader->path, NULL), *published = NULL;
    if (!mine) {
        atomic_store_explicit(&reader->next_try_ns, coarse_now() + TRY_EVERY_NS,
                              memory_order_relaxed);
        return atomic_load_explicit(&reader->map, memory_order_acquire);
    }
    /* Release: the descriptor; acquire: another thread's. */
    if (!atomic_compare_exchange_strong_explicit(&reader->map, &published, mine,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        snapshot_map_close(mine);
        return published;
    }
    return mine;
}

/* The file has been, or will be, replaced. */
static const struct snapshot_map *follow(struct snapshot_reader *reader, struct snapshot_map *old)
{
    if (!is_elected(reader, false))
        return old;

    struct snapshot_map *newer = snapshot_map_open(reader->path, old), *expected = old;
    if (!newer)
        return old;
    if (!atomic_compare_exchange_strong_explicit(&reader->map, &expected, newer,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        snapshot_map_close(newer);
        return expected;
    }
    snapshot_map_leave(old);
    /* The waiting time is for files that do not come: the next growth is another matter. A clock
     * that stands still would keep it waiting for ever. */
    atomic_store_explicit(&reader->next_try_ns, 0, memory_order_relaxed);
    return newer;
}

/* Apart from the function below, so that a hit saves no registers for it. */
static __attribute__((noinline)) const struct snapshot_map *look(struct snapshot_reader *reader,
                                                                 struct snapshot_map *map)
{
    int saved = errno, cancel_state = PTHREAD_CANCEL_ENABLE;

    /* open and close are cancellation points: a thread that ends there would leave a descriptor or
     * a mapping behind. */
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    const struct snapshot_map *found = map ? follow(reader, map) : find_first(reader);

    (void)pthread_setcancelstate(cancel_state, NULL);
    errno = saved;
    return found;
}

const struct snapshot_map *snapshot_reader_map(struct snapshot_reader *reader)
{
    /* Acquire: pairs with the release that published the descriptor. */
    struct snapshot_map *map = atomic_load_explicit(&reader->map, memory_order_acquire);

    if (map && !atomic_load_explicit(&map->header->superseded, memory_order_relaxed))
        return map;
    return look(reader, map);
}
