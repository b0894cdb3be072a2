/* name.c - folds names sixteen, then eight bytes at a time.
 *
 * Each piece is read inside the string and written whole and aligned, so that the hash, which reads
 * eight bytes at multiples of eight, is served from the store buffer; a byte loop costs 300
 * instructions more for 31 bytes. Vectors are the compilers' own, so SSE2, NEON or plain registers
 * do it. Folding a word: a byte is a capital when adding 0x3f sets its high bit and adding 0x25
 * does not; bytes above 0x7f are left alone.
 */
#include "name.h"

#include <arpa/inet.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the snapshot is little-endian");
_Static_assert(NAME_ROOM >= SNAPSHOT_KEY_MAX + 1 + NAME_PADDING + 8, "words are written whole");

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static uint64_t fold_word(uint64_t word)
{
    uint64_t low = word & EACH(0x7f);
    uint64_t is_capital =
        ((low + EACH(0x80 - 'A')) & ~(low + EACH(0x7f - 'Z')) & ~word) & EACH(0x80);

    return word | is_capital >> 2;
}

static void fold_vector(const char *from, uint8_t *to)
{
    uint8_t __attribute__((vector_size(16))) bytes;

    memcpy(&bytes, from, sizeof(bytes));
    /* Below 26 above 'A': a capital. */
    bytes |= (__typeof__(bytes))(bytes - 'A' < 26) & 0x20;
    memcpy(to, &bytes, sizeof(bytes));
}

/* The last 0..7 bytes of a text as a word with zeros above them. */
static uint64_t tail_word(const char *text, size_t length)
{
    size_t rest = length % 8;
    uint64_t word = 0;

    if (rest == 0)
        return 0;
    if (length >= 8) {
        memcpy(&word, text + length - 8, 8);
        return word >> (64 - 8 * rest);
    }
    for (size_t i = 0; i < rest; i++)
        word |= (uint64_t)(uint8_t)text[i] << (8 * i);
    return word;
}

bool name_fold(const char *typed, struct name *ret_name)
{
    size_t length = strnlen(typed, SNAPSHOT_NAME_MAX + 2);
    uint64_t word;

    ret_name->is_absolute = length > 0 && typed[length - 1] == '.';
    length -= ret_name->is_absolute;
    if (length == 0 || length > SNAPSHOT_NAME_MAX || typed[0] == '.' || typed[0] == '@' ||
        typed[0] == ':')
        return false;

    size_t at = 0;
    for (; at + 16 <= length; at += 16)
        fold_vector(typed + at, ret_name->bytes + at);
    if (at + 8 <= length) {
        memcpy(&word, typed + at, 8);
        word = fold_word(word);
        memcpy(ret_name->bytes + at, &word, 8);
        at += 8;
    }
    word = fold_word(tail_word(typed, length));
    memcpy(ret_name->bytes + at, &word, 8);
    memset(ret_name->bytes + at + 8, 0, NAME_PADDING);
    ret_name->length = (uint16_t)length;
    return true;
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

size_t name_dots(const struct name *name, size_t most)
{
    const uint8_t *at = name->bytes, *end = name->bytes + name->length;
    size_t dots = 0;

    while (dots < most && (at = memchr(at, '.', (size_t)(end - at)))) {
        dots++;
        at++;
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
    name->length = (uint16_t)length;
}

bool name_join(struct name *name, const uint8_t *domain, size_t length)
{
    if (name->length + 1 + length > SNAPSHOT_NAME_MAX)
        return false;
    name->bytes[name->length] = '.';
    memcpy(name->bytes + name->length + 1, domain, length);
    name->length = (uint16_t)(name->length + 1 + length);
    memset(name->bytes + name->length, 0, NAME_PADDING);
    return true;
}
