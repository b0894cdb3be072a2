/* yaml_place.c - from libyaml's lines and characters to bytes.
 *
 * libyaml's marks count characters, our columns count bytes, so the text is walked beside the
 * events.
 */
#include "yaml_place.h"

#include <string.h>

/* The length of the line break that comes next, 0 when there is none; libyaml knows the same. */
static size_t break_length(const struct yaml_place *place)
{
    const char *text = place->text + place->offset;
    size_t left = place->size - place->offset;

    if (left >= 2 && text[0] == '\r' && text[1] == '\n')
        return 2;
    if (left >= 1 && (text[0] == '\r' || text[0] == '\n'))
        return 1;
    if (left >= 2 && memcmp(text, "\xc2\x85", 2) == 0)
        return 2;
    if (left >= 3 && (memcmp(text, "\xe2\x80\xa8", 3) == 0 || memcmp(text, "\xe2\x80\xa9", 3) == 0))
        return 3;
    return 0;
}

/* Moves forward by one character or line break. */
static void step(struct yaml_place *place)
{
    size_t length = break_length(place);

    if (length > 0) {
        place->offset += length;
        place->line_start = place->offset;
        place->line++;
        place->character = 0;
        return;
    }
    do
        place->offset++;
    while (place->offset < place->size &&
           ((unsigned char)place->text[place->offset] & 0xc0) == 0x80);
    place->character++;
}

void yaml_place_find(struct yaml_place *place, size_t line, size_t character)
{
    if (line < place->line)
        *place = (struct yaml_place){.text = place->text, .size = place->size};
    if (line == place->line && character < place->character) {
        place->offset = place->line_start;
        place->character = 0;
    }
    while (place->offset < place->size &&
           (place->line < line || (place->line == line && place->character < character)))
        step(place);
}

void yaml_place_find_byte(struct yaml_place *place, size_t offset)
{
    if (offset < place->offset)
        *place = (struct yaml_place){.text = place->text, .size = place->size};
    while (place->offset < place->size && place->offset < offset)
        step(place);
}

unsigned yaml_place_line(const struct yaml_place *place)
{
    return (unsigned)place->line + 1;
}

unsigned yaml_place_column(const struct yaml_place *place)
{
    return (unsigned)(place->offset - place->line_start) + 1;
}
