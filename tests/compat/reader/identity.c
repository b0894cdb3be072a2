/* identity.c - the program's name from the auxiliary vector.
 *
 * AT_EXECFN is what execve was given; unlike argv[0] and comm a program does not change it. It is
 * copied at the first use. One thread copies into the static place; others that come meanwhile,
 * and a child forked in the middle of it, read it for themselves each time.
 */
#include "identity.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>

enum state { UNREAD, BEING_READ, READ };

static struct identity_app known;
static _Atomic int known_state;

static void read_app(struct identity_app *ret_app)
{
    /* getauxval sets errno only for types that are missing, which AT_EXECFN is not since 2.6.26;
     * where it is, its 0 reads as no name. */
    const char *path = (const char *)getauxval(AT_EXECFN);
    const char *slash = path ? strrchr(path, '/') : NULL;
    const char *name = slash ? slash + 1 : path ? path : "";

    ret_app->length = strnlen(name, IDENTITY_MAX);
    memcpy(ret_app->name, name, ret_app->length);
    ret_app->name[ret_app->length] = '\0';
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
