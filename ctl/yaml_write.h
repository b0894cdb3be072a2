/* yaml_write.h - a document as YAML, such that yaml_read gives the same document again.
 * Program: meshctl. No globals; one thread.
 */
#pragma once

#include <stdio.h>

#include "error.h"
#include "value.h"

/* Writes one document. Short lists and maps of plain values stand on one line. Returns 0 or a
 * negative error code. */
int yaml_write(const struct value *document, FILE *out, struct error *err);
