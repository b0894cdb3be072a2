/* pack_check.c - the walker before msgpack-c.
 *
 * msgpack-c reserves room for as many elements as a header claims before it looks whether they are
 * there: the 6 bytes dd 10 00 00 00 01 cost 8 GiB of address space (seen with 4.0.0). So the bytes
 * are walked first with a small stack of counts; what passes holds as many elements as bytes at
 * most.
 */
#include <stdbool.h>
#include <stdint.h>

#include "cursor.h"
#include "pack.h"

/* What a head byte says: how many bytes of number follow it, and what that number (or the head byte
 * itself) counts. */
struct head {
    uint64_t bytes;    /* of payload to step over */
    uint64_t children; /* objects that follow */
    bool is_good;
};

static struct head of_bytes(struct cursor *cursor, size_t number, size_t extra)
{
    return (struct head){.bytes = cursor_number(cursor, number) + extra, .is_good = true};
}

static struct head of_children(uint64_t count)
{
    return (struct head){.children = count, .is_good = true};
}

static struct head read_head(struct cursor *cursor)
{
    uint8_t byte = (uint8_t)cursor_number(cursor, 1);

    if (byte <= 0x7f || byte >= 0xe0) /* small integers */
        return (struct head){.is_good = true};
    if (byte <= 0x8f)
        return of_children(2 * (uint64_t)(byte & 0x0f));
    if (byte <= 0x9f)
        return of_children(byte & 0x0f);
    if (byte <= 0xbf)
        return (struct head){.bytes = byte & 0x1f, .is_good = true};
    switch (byte) {
    case 0xc0: /* nil, false, true */
    case 0xc2:
    case 0xc3:
        return (struct head){.is_good = true};
    case 0xc4: /* bin */
    case 0xc5:
    case 0xc6:
        return of_bytes(cursor, (size_t)1 << (byte - 0xc4), 0);
    case 0xc7: /* ext: one byte of type before the payload */
    case 0xc8:
    case 0xc9:
        return of_bytes(cursor, (size_t)1 << (byte - 0xc7), 1);
    case 0xca: /* float 32 and 64 */
    case 0xcb:
        return (struct head){.bytes = (uint64_t)4 << (byte - 0xca), .is_good = true};
    case 0xcc: /* uint 8..64, int 8..64 */
    case 0xcd:
    case 0xce:
    case 0xcf:
        return (struct head){.bytes = (uint64_t)1 << (byte - 0xcc), .is_good = true};
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return (struct head){.bytes = (uint64_t)1 << (byte - 0xd0), .is_good = true};
    case 0xd4: /* fixext 1..16, and the type byte */
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return (struct head){.bytes = ((uint64_t)1 << (byte - 0xd4)) + 1, .is_good = true};
    case 0xd9: /* str 8..32 */
    case 0xda:
    case 0xdb:
        return of_bytes(cursor, (size_t)1 << (byte - 0xd9), 0);
    case 0xdc: /* array 16, 32; map 16, 32 */
    case 0xdd:
        return of_children(cursor_number(cursor, (size_t)2 << (byte - 0xdc)));
    case 0xde:
    case 0xdf:
        return of_children(2 * cursor_number(cursor, (size_t)2 << (byte - 0xde)));
    default: /* 0xc1 is never used */
        return (struct head){.is_good = false};
    }
}

int pack_check(const void *bytes, size_t size, struct error *err)
{
    struct cursor cursor = cursor_view(bytes, size);
    uint64_t missing[VALUE_DEPTH_MAX + 1] = {1}; /* objects still to come, by depth */
    size_t depth = 0;

    for (;;) {
        while (depth > 0 && missing[depth] == 0)
            depth--;
        if (missing[depth] == 0)
            break;
        missing[depth]--;

        size_t at = cursor.at;
        struct head head = read_head(&cursor);
        if (!head.is_good)
            return error_set(err, ERROR_INVALID, "byte %zu begins no msgpack object", at);
        if (head.bytes > cursor_left(&cursor) || head.children > cursor_left(&cursor) ||
            !cursor_is_good(&cursor))
            return error_set(err, ERROR_INVALID, "byte %zu claims more than the %zu bytes hold", at,
                             size);
        (void)cursor_take(&cursor, (size_t)head.bytes);
        if (head.children > 0) {
            if (++depth > VALUE_DEPTH_MAX)
                return error_set(err, ERROR_INVALID, "nested deeper than %d levels",
                                 VALUE_DEPTH_MAX);
            missing[depth] = head.children;
        }
    }
    if (cursor_left(&cursor) > 0)
        return error_set(err, ERROR_INVALID, "%zu bytes follow the object", cursor_left(&cursor));
    return 0;
}
