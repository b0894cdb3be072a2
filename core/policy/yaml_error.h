/* yaml_error.h - what libyaml met, in our words where its own mislead.
 * Floor: policy, for yaml.c. Pure; safe in any thread.
 */
#pragma once

#include <yaml.h>

#include "error.h"
#include "yaml_place.h"

/* Fills err from a parser that failed. place is moved to what is wrong. Returns err's code. */
int yaml_error_tell(const yaml_parser_t *parser, struct yaml_place *place, const char *where,
                    struct error *err);
