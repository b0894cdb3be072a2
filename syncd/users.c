/* users.c - getpwnam_r behind a small table (tsearch). */
#include "users.h"

#include <errno.h>
#include <pwd.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"

#define ENTRY_MAX (1024 * 1024) /* bytes of one user's entry */

struct user {
    char *name;
    uint32_t uid;
    bool exists;
};

struct users {
    void *tree;
    bool has_changed;
};

struct users *users_new(void)
{
    return calloc(1, sizeof(struct users));
}

static void free_user(void *node)
{
    struct user *user = node;

    free(user->name);
    free(user);
}

void users_free(struct users *users)
{
    if (!users)
        return;
    tdestroy(users->tree, free_user);
    free(users);
}

static int compare(const void *a, const void *b)
{
    const struct user *left = a, *right = b;

    return strcmp(left->name, right->name);
}

static bool ask(const char *name, uint32_t *ret_uid)
{
    struct passwd entry, *found = NULL;

    for (size_t room = 1024; room <= ENTRY_MAX; room *= 4) {
        AUTO_FREE char *buffer = malloc(room);

        if (!buffer)
            return false;
        int failure = getpwnam_r(name, &entry, buffer, room, &found);
        if (failure == ERANGE)
            continue;
        if (found)
            *ret_uid = entry.pw_uid;
        return found != NULL;
    }
    return false;
}

int users_uid_of(void *context, const char *user, uint32_t *ret_uid)
{
    struct users *users = context;
    struct user *fresh = calloc(1, sizeof *fresh);

    if (fresh)
        fresh->name = strdup(user);
    struct user **slot = fresh && fresh->name ? tsearch(fresh, &users->tree, compare) : NULL;
    if (!slot) {
        if (fresh)
            free_user(fresh);
        return ask(user, ret_uid); /* no memory to keep it */
    }
    struct user *known = *slot;
    if (known == fresh)
        known->exists = ask(user, &known->uid);
    else
        free_user(fresh);
    if (known->exists)
        *ret_uid = known->uid;
    return known->exists;
}

static void refresh_one(const void *node, VISIT visit, void *context)
{
    struct user *user = *(struct user *const *)node;
    struct users *users = context;
    uint32_t uid = 0;

    if (visit != postorder && visit != leaf)
        return;
    bool exists = ask(user->name, &uid);
    if (exists != user->exists || (exists && uid != user->uid))
        users->has_changed = true;
    user->exists = exists;
    user->uid = uid;
}

bool users_refresh(struct users *users)
{
    users->has_changed = false;
    twalk_r(users->tree, refresh_one, users);
    return users->has_changed;
}
