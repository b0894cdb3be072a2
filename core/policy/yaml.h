/* yaml.h - YAML text into documents.
 * Floor: policy (knows reader, base; libyaml). No globals; safe in any thread.
 *
 * For meshctl and configuration files only: no YAML parser faces the network. A strict, small YAML:
 * no aliases, anchors or tags, depth <= VALUE_DEPTH_MAX, duplicate keys refused, keys are text.
 * Plain scalars follow the YAML 1.2 core schema without floats: null and ~, true and false, decimal
 * integers of 64 bits; everything else, and whatever is quoted, is text. JSON is YAML here, so it
 * is read too.
 */
#pragma once

#include <stddef.h>

#include "error.h"
#include "value.h"

#define YAML_DOCUMENT_MAX (1024 * 1024) /* bytes a document */

/* Reads all documents of a text.
 *
 *   where          the file's name, for errors
 *   ret_documents  a list, one item a document, each value and key with its line and column;
 *                  empty documents (nothing between two ---) are left out
 *
 * Returns 0 or a negative error code with where:line:column. */
int yaml_read(const char *text, size_t size, const char *where, struct value *ret_documents,
              struct error *err);
