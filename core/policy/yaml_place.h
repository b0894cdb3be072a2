/* yaml_place.h - from libyaml's lines and characters to bytes.
 * Floor: policy, for yaml.c. Pure but for its own state; safe in any thread.
 */
#pragma once

#include <stddef.h>

struct yaml_place {
    const char *text;
    size_t size;
    size_t offset, line_start; /* bytes */
    size_t line, character;    /* from 0, as libyaml counts them */
};

/* Moves to a character of a line, or to the end of the text. Cheap for places that rise. */
void yaml_place_find(struct yaml_place *place, size_t line, size_t character);

/* Moves to a byte. */
void yaml_place_find_byte(struct yaml_place *place, size_t offset);

/* For people and editors: from 1, the column in bytes. */
unsigned yaml_place_line(const struct yaml_place *place);
unsigned yaml_place_column(const struct yaml_place *place);
