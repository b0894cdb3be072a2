/* identity.c - the program's name from the auxiliary vector.
 *
 * AT_EXECFN is what execve was given; unlike argv[0] and comm a program does not change it. A
 * program that is started through a descriptor (fexecve: "/dev/fd/3") or as itself once more
 * ("/proc/self/exe": busybox, Chromium, container runtimes) has no name in there: then the
 * kernel's link to the running file tells it, for one system call. Where that is refused, or
 * /proc is missing, the name is empty.
 *
 * The name is copied at the first use. One thread copies into the static place; others that come
 * meanwhile, and a child forked in the middle of it, read it for themselves each time.
 */
#include "identity.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

enum state { UNREAD, BEING_READ, READ };

static struct identity_app known;
static _Atomic int known_state;

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Keeps the last part of a path, which need not end with a NUL. */
static void keep_name(const char *path, size_t length, struct identity_app *ret_app)
{
    const char *slash = memrchr(path, '/', length);
    const char *name = slash ? slash + 1 : path;

    length -= (size_t)(name - path);
    ret_app->length = length < IDENTITY_MAX ? length : IDENTITY_MAX;
    memcpy(ret_app->name, name, ret_app->length);
    ret_app->name[ret_app->length] = '\0';
}

/* The running file's own name. Apart, for the room it needs on the stack. */
static __attribute__((noinline)) void read_link(struct identity_app *ret_app)
{
    static const char deleted[] = " (deleted)"; /* what the kernel adds */
    int saved = errno;
    char path[1024];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path));
    size_t size = length < 0 || length == (ssize_t)sizeof(path) ? 0 : (size_t)length;

    errno = saved;
    if (size >= sizeof(deleted) &&
        memcmp(path + size - strlen(deleted), deleted, strlen(deleted)) == 0)
        size -= strlen(deleted);
    keep_name(path, size, ret_app);
}

static void read_app(struct identity_app *ret_app)
{
    /* getauxval sets errno only for types that are missing, which AT_EXECFN is not since 2.6.26;
     * where it is, its 0 reads as no name. */
    const char *path = (const char *)getauxval(AT_EXECFN);

    if (path && (starts_with(path, "/dev/fd/") || starts_with(path, "/proc/")))
        read_link(ret_app);
    else
        keep_name(path ? path : "", path ? strlen(path) : 0, ret_app);
}

const struct identity_app *identity_app(struct identity_app *spare)
{
    int state = UNREAD;

    /* Acquire: what read_app wrote before the release below. */
    if (atomic_load_explicit(&known_state, memory_order_acquire) == READ)
        return &known;
    if (atomic_compare_exchange_strong_explicit(&known_state, &state, BEING_READ,
                                                memory_order_acquire, memory_order_acquire)) {
        read_app(&known);
        atomic_store_explicit(&known_state, READ, memory_order_release);
        return &known;
    }
    if (state == READ)
        return &known;
    read_app(spare);
    return spare;
}
