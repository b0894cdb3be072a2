/* loading.c - libraries that come to the C library in other ways than the program does. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "hostile.h"

#define COPIES 64

typedef uint32_t (*hostile_caller)(const char *name);

/* Loads caller.c's library and has it look a name up. */
static uint32_t look_by(void *handle, const char *name)
{
    hostile_caller look = NULL;

    hostile_check(handle != NULL, "the library cannot be loaded: %s", dlerror());
    *(void **)&look = dlsym(handle, "caller_look");
    hostile_check(look != NULL, "the library has no caller_look");
    return look(name);
}

/* What the library must get: the policy's address through NSS, libc's own under the shim. */
static void check_answer(void *handle)
{
    uint32_t found = look_by(handle, HOSTILE_HIT),
             wanted = hostile_is_shim() ? HOSTILE_ADDRESS(192, 0, 2, 4) : HOSTILE_FIRST;

    hostile_check(found == wanted, "a library of its own scope gets %08x", found);
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "in the program itself");
}

/* A second C library in the process: nothing is preloaded there. */
void hostile_own_namespace(void)
{
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "at first");
    check_answer(dlmopen(LM_ID_NEWLM, getenv("HOSTILE_CALLER"), RTLD_NOW));
}

/* The library's own dependencies come before what is preloaded. */
void hostile_deep_bind(void)
{
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "at first");
    check_answer(dlopen(getenv("HOSTILE_CALLER"), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND));
}

/* Libraries with thread storage of the static kind are loaded until there is none left; then NSS
 * loads its module. */
void hostile_static_tls(void)
{
    const char *folder = getenv("HOSTILE_TLS");
    char path[512];
    int i;

    for (i = 0; i < COPIES; i++) {
        (void)snprintf(path, sizeof(path), "%s/%d.so", folder, i);
        if (!dlopen(path, RTLD_NOW))
            break;
    }
    hostile_check(i > 0 && i < COPIES, "%d copies could be loaded", i);
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "without static thread storage");
}
