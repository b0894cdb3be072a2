/* yaml_config.h - configuration files: one YAML map each, wrong in the same words.
 * Floor: policy (knows base). No globals; safe in any thread.
 */
#pragma once

#include "error.h"
#include "value.h"

/* Reads a file that holds one map; an empty one is an empty map.
 *
 * Returns 0; ERROR_NOT_FOUND when there is none; ERROR_INTERNAL without memory; ERROR_CONFIG for
 * whatever else is wrong with it, since to start again would not help. Each error names the path,
 * and the place where there is one. */
int yaml_config_read(const char *path, struct value *ret_map, struct error *err);

/* Refuses a key that is none of `known` (ends with NULL), with its place and the nearest of them.
 * Returns ERROR_CONFIG; where is the caller's to add. */
int yaml_config_unknown(const struct value_entry *entry, const char *const *known,
                        struct error *err);
