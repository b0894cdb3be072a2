/* output.h - what people see: errors, tables, JSON, colour.
 * Program: meshctl. No globals but stdio's; one thread.
 *
 * Colour is used on a terminal only, and never when NO_COLOR is set. Text that came from elsewhere
 * (a controller, a file) is shown with its control characters replaced, so that it cannot steer the
 * terminal.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "error.h"
#include "value.h"

/* An error on standard error: `where:line:column: key: text`, behind the program's name when no
 * place is known, and its hint. */
void output_error(const char *program, struct error *err);

/* A warning on standard error, in the same form. */
void output_warning(struct error *err);

/* A line on standard error that is no error; nothing when standard error is no terminal. */
void output_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A tree on standard output, indented, with a line break. Returns 0 or ERROR_INTERNAL. */
int output_json(const struct value *value, struct error *err);

/* Text of others, as plain_make makes it. */
void output_text(FILE *out, const char *text);

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

/* Flushes standard output. Returns 0, or 74 when what was printed did not arrive. */
int output_close(const char *program);
