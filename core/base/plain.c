/* plain.c - other people's text, safe to show. */
#include "plain.h"

#include <stdbool.h>
#include <stddef.h>

/* The bytes of the UTF-8 character at text (RFC 3629), 0 when there is none. */
static size_t character_length(const unsigned char *text)
{
    size_t length = text[0] < 0x80   ? 1
                    : text[0] < 0xc2 ? 0
                    : text[0] < 0xe0 ? 2
                    : text[0] < 0xf0 ? 3
                    : text[0] < 0xf5 ? 4
                                     : 0;

    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    /* Overlong forms, surrogates, and what is beyond U+10FFFF. */
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] >= 0xa0) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] >= 0x90))
        return 0;
    return length;
}

/* C0, DEL, and C1, where U+009B begins a sequence as ESC [ does. */
static bool is_control(const unsigned char *text)
{
    return text[0] < ' ' || text[0] == 0x7f || (text[0] == 0xc2 && text[1] < 0xa0);
}

void plain_make(char *text)
{
    for (char *at = text; *at != '\0';) {
        size_t length = character_length((const unsigned char *)at);

        if (length == 0 || is_control((const unsigned char *)at)) {
            *at = '?';
            length = 1;
        }
        at += length;
    }
}
