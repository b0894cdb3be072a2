/* process.c - the snapshot, the generator and the functions behind ours, once for each process.
 *
 * The functions behind ours are looked for at the first call, not in a constructor: dlsym may
 * allocate, and an allocator that is starting up may be who calls.
 */
#include "process.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot_format.h"

#ifdef __GLIBC__
/* Absent under musl, whose freeaddrinfo cannot free what we build for glibc's. */
extern const char *gnu_get_libc_version(void) __attribute__((weak));
#define IS_BUILT_FOR_THIS_LIBC gnu_get_libc_version
#else
#define IS_BUILT_FOR_THIS_LIBC true /* glibc does not load a library of musl's */
#endif

/* This thread's generator. Initial-exec: found with one instruction, and without an allocation in
 * threads that look a name up in a signal handler. Preloaded objects always have room for it. */
static _Thread_local struct rng generator __attribute__((tls_model("initial-exec")));

/* The snapshot's path is copied: programs move and overwrite their environment. */
static char path[PATH_MAX] = SNAPSHOT_PATH;
static struct snapshot_reader snapshot = SNAPSHOT_READER(path);

enum environment { UNREAD, BUSY, READ };
static _Atomic(enum environment) environment;

/* Takes MESHDNS_SNAPSHOT over, once. Returns false under another libc than this was built for, and
 * while another caller is about it, which needs a look-up before this library's constructor: then
 * libc answers. Nobody waits. */
static __attribute__((noinline)) bool read_environment(void)
{
    enum environment seen = UNREAD;
    const char *value;
    size_t size;

    if (!IS_BUILT_FOR_THIS_LIBC)
        return false;
    if (!atomic_compare_exchange_strong_explicit(&environment, &seen, BUSY, memory_order_acquire,
                                                 memory_order_acquire))
        return seen == READ;
    value = secure_getenv("MESHDNS_SNAPSHOT");
    if (value && value[0]) {
        size = strlen(value) + 1;
        if (size <= sizeof(path))
            memcpy(path, value, size);
        else
            path[0] = '\0'; /* it could not be opened either: there is no snapshot */
    }
    atomic_store_explicit(&environment, READ, memory_order_release);
    return true;
}

static inline bool is_environment_read(void)
{
    /* Acquire: pairs with the release above, so that the path is whole. */
    return atomic_load_explicit(&environment, memory_order_acquire) == READ || read_environment();
}

__attribute__((constructor)) static void start(void)
{
    (void)read_environment();
}

struct snapshot_reader *process_snapshot(void)
{
    return is_environment_read() ? &snapshot : NULL;
}

struct rng *process_generator(void)
{
    return &generator;
}

void *process_next(const char *symbol, _Atomic(void *) *known)
{
    /* Relaxed: every thread that looks finds the same function. */
    void *real = atomic_load_explicit(known, memory_order_relaxed);

    if (!real) {
        real = dlsym(RTLD_NEXT, symbol);
        atomic_store_explicit(known, real, memory_order_relaxed);
    }
    if (!real)
        errno = ENOSYS;
    return real;
}
