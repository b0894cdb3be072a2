/* output.h - what a command prints: tables, JSON, notes.
 * Program: meshctl. No globals but stdio's; one thread. Errors are told by tell.h.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "error.h"
#include "value.h"

/* A line on standard error that is no error; nothing when standard error is no terminal. */
void output_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A tree on standard output, indented, with a line break. Returns 0 or ERROR_INTERNAL. */
int output_json(const struct value *value, struct error *err);

/* A table on standard output: a head and rows of `columns` cells, the columns as wide as they must
 * be. Cells are printf-like; output_table_done prints it. Start from {.columns = n}. */
#define OUTPUT_COLUMNS_MAX 8
struct output_table {
    size_t columns;
    size_t widths[OUTPUT_COLUMNS_MAX];
    char **cells;
    size_t count;
    bool failed;
};
void output_cell(struct output_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void output_table_done(struct output_table *table);
