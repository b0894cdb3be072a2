/* yaml_error.c - what libyaml met, in our words where its own mislead. */
#include "yaml_error.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* libyaml names the byte that does not continue a character: its first byte is the place. */
static void go_to_lead(struct yaml_place *place, size_t offset)
{
    size_t lead = offset;

    for (int i = 0; i < 4 && lead > 0; i++, lead--) {
        if (lead < place->size && (unsigned char)place->text[lead] >= 0xc0)
            break;
    }
    if (lead < place->size && (unsigned char)place->text[lead] >= 0xc0)
        offset = lead;
    yaml_place_find_byte(place, offset);
}

static void tell_bytes(const yaml_parser_t *parser, struct yaml_place *place, struct error *err)
{
    if (parser->problem && strncmp(parser->problem, "control", 7) == 0) {
        yaml_place_find_byte(place, parser->problem_offset);
        (void)error_set(err, ERROR_INVALID, "a control character (0x%02x)",
                        (unsigned)parser->problem_value);
        return;
    }
    go_to_lead(place, parser->problem_offset);
    unsigned char byte =
        place->offset < place->size ? (unsigned char)place->text[place->offset] : 0;
    (void)error_set(err, ERROR_INVALID, "byte 0x%02x begins no UTF-8 character", byte);
    error_hint(err, "save the file as UTF-8");
}

static void tell_syntax(const yaml_parser_t *parser, struct yaml_place *place, struct error *err)
{
    const char *problem = parser->problem ? parser->problem : "no YAML";
    const char *at = place->text + place->offset;
    bool is_inside = place->offset < place->size;
    char line[32] = "";

    if (is_inside && *at == '\t') {
        (void)error_set(err, ERROR_INVALID, "a tab where YAML wants spaces");
        error_hint(err, "indent with spaces");
        return;
    }
    if (parser->context && parser->context_mark.line != parser->problem_mark.line)
        (void)snprintf(line, sizeof(line), " from line %zu", parser->context_mark.line + 1);
    (void)error_set(err, ERROR_INVALID, "%s%s%s%s", problem, parser->context ? ", " : "",
                    parser->context ? parser->context : "", line);
    if (is_inside && place->offset > 0 && *at == ':' && at[-1] == ']')
        error_hint(err, "an address in brackets needs quotes: \"[fd00::11]:8443\"");
}

int yaml_error_tell(const yaml_parser_t *parser, struct yaml_place *place, const char *where,
                    struct error *err)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return error_set(err, ERROR_INTERNAL, "out of memory");
    if (parser->error == YAML_READER_ERROR) {
        tell_bytes(parser, place, err);
    } else {
        yaml_place_find(place, parser->problem_mark.line, parser->problem_mark.column);
        tell_syntax(parser, place, err);
    }
    error_where(err, where);
    (void)error_place(err, yaml_place_line(place), yaml_place_column(place));
    return ERROR_INVALID;
}
