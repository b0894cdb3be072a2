/* key_set.c - keys one behind the other in a buffer, and a sorted table of their places. */
#include "key_set.h"

#include <stdlib.h>
#include <string.h>

#include "domain.h"

void key_set_done(struct key_set *keys)
{
    buffer_done(&keys->bytes);
    free(keys->items);
    *keys = (struct key_set){0};
}

void key_set_add(struct key_set *keys, const void *key, size_t length)
{
    if (length == 0 || length > UINT8_MAX)
        return;
    if (keys->count == keys->room) {
        size_t room = keys->room ? keys->room * 2 : 16;
        struct key_set_item *larger = reallocarray(keys->items, room, sizeof *larger);

        if (!larger) {
            keys->failed = true;
            return;
        }
        keys->items = larger;
        keys->room = room;
    }
    size_t at = keys->bytes.size;
    buffer_append(&keys->bytes, key, length);
    if (!buffer_is_good(&keys->bytes) || at > UINT32_MAX) {
        keys->failed = true;
        return;
    }
    keys->items[keys->count++] = (struct key_set_item){(uint32_t)at, (uint8_t)length};
}

bool key_set_add_domain(struct key_set *keys, const char *domain)
{
    char folded[DOMAIN_MAX + 2];
    size_t length = strlen(domain), label = 0, start = 0;

    if (length > 1 && domain[length - 1] == '.')
        length--;
    if (length > 1 && domain[0] == '*' && domain[1] == '.')
        start = 1; /* the star goes, its dot begins the key */
    if (length - start > DOMAIN_MAX + start || length == start)
        return false;
    for (size_t i = start; i < length; i++) {
        unsigned char c = (unsigned char)domain[i];

        if (c <= ' ' || c == 0x7f || c == '*' || c == '@' || c == ':')
            return false;
        if (c == '.') {
            if (label == 0 && !(start == 1 && i == start))
                return false;
            label = 0;
        } else if (++label > DOMAIN_LABEL) {
            return false;
        }
        folded[i - start] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    if (label == 0)
        return false;
    key_set_add(keys, folded, length - start);
    return true;
}

const uint8_t *key_set_view(const struct key_set *keys, size_t index)
{
    return keys->bytes.bytes + keys->items[index].at;
}

static int compare(const void *a, size_t a_length, const void *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_items(const void *a, const void *b, void *context)
{
    const struct key_set_item *left = a, *right = b;
    const uint8_t *bytes = context;

    return compare(bytes + left->at, left->length, bytes + right->at, right->length);
}

void key_set_sort(struct key_set *keys)
{
    size_t kept = 0;

    if (keys->count == 0)
        return;
    qsort_r(keys->items, keys->count, sizeof *keys->items, compare_items, keys->bytes.bytes);
    for (size_t i = 1; i < keys->count; i++)
        if (compare_items(&keys->items[kept], &keys->items[i], keys->bytes.bytes) != 0)
            keys->items[++kept] = keys->items[i];
    keys->count = kept + 1;
}

bool key_set_has(const struct key_set *keys, const void *key, size_t length)
{
    size_t low = 0, high = keys->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(key, length, key_set_view(keys, middle), keys->items[middle].length);

        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

int key_set_diff(const struct key_set *before, const struct key_set *now,
                 int (*visit)(void *context, const void *key, size_t length, bool is_new),
                 void *context)
{
    size_t b = 0, n = 0;
    int r = 0;

    while (r == 0 && (b < before->count || n < now->count)) {
        int order;

        if (b == before->count)
            order = 1;
        else if (n == now->count)
            order = -1;
        else
            order = compare(key_set_view(before, b), before->items[b].length, key_set_view(now, n),
                            now->items[n].length);
        if (order < 0)
            r = visit(context, key_set_view(before, b), before->items[b].length, false);
        else if (order > 0)
            r = visit(context, key_set_view(now, n), now->items[n].length, true);
        b += order <= 0;
        n += order >= 0;
    }
    return r;
}
