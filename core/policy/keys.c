/* keys.c - a set of snapshot keys, in the order they came. */
#include "keys.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

static int compare(const void *a, const void *b)
{
    const struct keys_item *x = a, *y = b;

    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    return memcmp(x->bytes, y->bytes, x->length);
}

/* Room doubles at each power of two. */
static int push(struct keys *keys, struct keys_item *item)
{
    if ((keys->count & (keys->count - 1)) == 0) {
        size_t room = keys->count ? keys->count * 2 : 1;
        struct keys_item **larger = reallocarray(keys->items, room, sizeof(*larger));
        if (!larger)
            return ERROR_INTERNAL;
        keys->items = larger;
    }
    keys->items[keys->count++] = item;
    return 0;
}

int keys_add(struct keys *keys, const void *key, size_t length)
{
    struct keys_item wanted = {.length = (uint8_t)length};

    if (length > SNAPSHOT_KEY_MAX)
        return ERROR_INTERNAL;
    memcpy(wanted.bytes, key, length);
    if (tfind(&wanted, &keys->tree, compare))
        return 0;

    struct keys_item *item = malloc(sizeof(*item));
    if (!item)
        return ERROR_INTERNAL;
    *item = wanted;
    if (push(keys, item) < 0) {
        free(item);
        return ERROR_INTERNAL;
    }
    return tsearch(item, &keys->tree, compare) ? 1 : ERROR_INTERNAL;
}

static void keep(void *item)
{
    (void)item; /* the array owns it */
}

void keys_done(struct keys *keys)
{
    tdestroy(keys->tree, keep);
    for (size_t i = 0; i < keys->count; i++)
        free(keys->items[i]);
    free(keys->items);
    *keys = (struct keys){0};
}
