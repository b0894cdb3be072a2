/* name.c - folds names sixteen bytes at a time.
 *
 * Each piece is read inside the string and written whole and aligned, so that the hash, which reads
 * eight bytes at multiples of eight, is served from the store buffer; a byte loop costs 300
 * instructions more for 31 bytes. The last piece is read so that it ends with the text, and is
 * shifted into place. Vectors are the compilers' own, so SSE2, NEON or plain registers do it.
 */
#include "name.h"

#include <arpa/inet.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the snapshot is little-endian");
_Static_assert(NAME_ROOM >= SNAPSHOT_KEY_MAX + 1 + 16 + NAME_PADDING, "vectors are written whole");

#define VECTOR(type) type __attribute__((vector_size(16)))

/* Folds a piece and writes it. By address: vectors as values change the ABI on i386. */
static inline void fold(const VECTOR(uint8_t) * piece, uint8_t *to)
{
    /* Below 26 above 'A': a capital. Bytes above 0x7f are left alone. */
    VECTOR(uint8_t) folded = *piece | ((VECTOR(uint8_t))(*piece - 'A' < 26) & 0x20);

    memcpy(to, &folded, sizeof(folded));
}

static inline uint64_t word_at(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof(word));
    return word;
}

/* Folds the last length % 16 bytes of a text, which are at least one, and zeros behind them. */
static inline void fold_tail(const char *text, size_t length, uint8_t *to)
{
    size_t rest = length % 16;
    uint64_t low = 0, high = 0;

    if (rest >= 8) {
        /* The shift in two steps, for it may be one of 64 bits. */
        low = word_at(text + length - rest);
        high = word_at(text + length - 8) >> 8 >> 8 * (15 - rest);
    } else if (length >= 8) {
        low = word_at(text + length - 8) >> 8 * (8 - rest);
    } else {
        for (size_t i = 0; i < rest; i++)
            low |= (uint64_t)(uint8_t)text[i] << 8 * i;
    }
    VECTOR(uint64_t) piece = {low, high};
    fold((const void *)&piece, to);
}

/* Whether keys that are no domain begin so. */
static bool is_reserved(char first)
{
    return first <= '@' && (first == '.' || first == ':' || first == '@');
}

size_t name_fold(const char *typed, struct name *ret_name)
{
    size_t length = strnlen(typed, SNAPSHOT_NAME_MAX + 2), at = 0;

    ret_name->is_absolute = length > 0 && typed[length - 1] == '.';
    length -= ret_name->is_absolute;
    if (length == 0 || length > SNAPSHOT_NAME_MAX || is_reserved(typed[0]))
        return 0;

    for (; at + 16 <= length; at += 16) {
        VECTOR(uint8_t) piece;
        memcpy(&piece, typed + at, sizeof(piece));
        fold(&piece, ret_name->bytes + at);
    }
    if (at < length) {
        fold_tail(typed, length, ret_name->bytes + at);
        at += 16;
    }
    memset(ret_name->bytes + at, 0, NAME_PADDING);
    ret_name->length = length;
    return length;
}

/* What a byte may be in a label: 1 a character, 2 the dot that ends it, 0 neither. */
static const uint8_t kinds[256] = {
    ['-'] = 1, ['.'] = 2, ['_'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1,
    ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1,
    ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1,
    ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1,
    ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};

size_t name_labels(const struct name *name, uint8_t ret_dots[static NAME_LABELS])
{
    size_t dots = 0, start = 0;

    for (size_t i = 0; i < name->length; i++) {
        uint8_t kind = kinds[name->bytes[i]];
        if (kind == 1)
            continue;
        if (kind == 0 || i == start || i - start > 63)
            return 0;
        ret_dots[dots++] = (uint8_t)i; /* at most every second byte of 253: 126 */
        start = i + 1;
    }
    size_t last = name->length - start;
    return last >= 1 && last <= 63 ? dots + 1 : 0;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

size_t name_dots(const struct name *name, size_t most, uint8_t ret_dots[static NAME_LABELS])
{
    size_t dots = 0;

    for (size_t at = (name->length + 7) & ~(size_t)7; at > 0;) {
        uint64_t word;
        at -= 8;
        memcpy(&word, name->bytes + at, sizeof(word));
        word ^= EACH('.');
        /* The high bit of each byte that is 0 now, exactly: no carry leaves its byte. */
        uint64_t found = ~(((word & EACH(0x7f)) + EACH(0x7f)) | word | EACH(0x7f));
        while (found) {
            unsigned bit = 63 - (unsigned)__builtin_clzll(found);
            ret_dots[dots++] = (uint8_t)(at + bit / 8);
            if (dots == most)
                return dots;
            found ^= UINT64_C(1) << bit;
        }
    }
    return dots;
}

bool name_is_number(const struct name *name)
{
    struct in_addr address;

    /* Folding and the lost trailing dot change nothing for inet_aton, which needs a digit first. */
    return name->bytes[0] >= '0' && name->bytes[0] <= '9' &&
           inet_aton((const char *)name->bytes, &address) != 0;
}

void name_cut(struct name *name, size_t length)
{
    memset(name->bytes + length, 0, NAME_ROOM - length);
    name->length = length;
}

bool name_join(struct name *name, const uint8_t *domain, size_t length)
{
    if (name->length + 1 + length > SNAPSHOT_NAME_MAX)
        return false;
    name->bytes[name->length] = '.';
    memcpy(name->bytes + name->length + 1, domain, length);
    name->length += 1 + length;
    memset(name->bytes + name->length, 0, NAME_PADDING);
    return true;
}
