/* output.c - what people see. */
#include "output.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "json.h"
#include "tell.h"

void output_note(const char *format, ...)
{
    va_list arguments;

    if (isatty(STDERR_FILENO) != 1)
        return;
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
}

int output_json(const struct value *value, struct error *err)
{
    AUTO_BUFFER struct buffer text = {0};

    json_write(value, 2, &text);
    if (!buffer_is_good(&text))
        return error_set(err, ERROR_INTERNAL, "no memory");
    (void)fwrite(text.bytes, 1, text.size, stdout);
    if (text.size == 0 || text.bytes[text.size - 1] != '\n')
        (void)fputc('\n', stdout);
    return 0;
}

void output_cell(struct output_table *table, const char *format, ...)
{
    char *text = NULL, **more;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    more = length < 0 ? NULL : reallocarray(table->cells, table->count + 1, sizeof(*more));
    if (!more) {
        if (length >= 0)
            free(text);
        table->failed = true;
        return;
    }
    size_t column = table->count % table->columns;
    if ((size_t)length > table->widths[column])
        table->widths[column] = (size_t)length;
    table->cells = more;
    table->cells[table->count++] = text;
}

void output_table_done(struct output_table *table)
{
    size_t blank = 0; /* before the next cell that is not empty: no line ends in spaces */

    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->columns;
        bool is_head = i < table->columns, is_last = column + 1 == table->columns;

        if (i == 0 || i == table->columns)
            (void)printf("%s", tell_paint(stdout, is_head ? TELL_BOLD : TELL_PLAIN));
        if (table->cells[i][0] != '\0') {
            (void)printf("%*s", (int)blank, "");
            tell_text(stdout, table->cells[i]);
            blank = 0;
        }
        blank += table->widths[column] - strlen(table->cells[i]) + 2;
        if (is_last) {
            (void)fputc('\n', stdout);
            blank = 0;
        }
        free(table->cells[i]);
    }
    if (table->count == table->columns)
        (void)printf("%s", tell_paint(stdout, TELL_PLAIN));
    if (table->failed)
        (void)fprintf(stderr, "the table is not whole: no memory\n");
    free(table->cells);
    *table = (struct output_table){.columns = table->columns};
}
