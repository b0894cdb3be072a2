/* output.c - what people see. */
#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "json.h"
#include "plain.h"

#define BOLD  "\033[1m"
#define RED   "\033[31m"
#define AMBER "\033[33m"
#define FAINT "\033[2m"
#define PLAIN "\033[0m"

static bool has_colour(int fd)
{
    const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");

    return !(refused && refused[0]) && terminal && strcmp(terminal, "dumb") != 0 && isatty(fd) == 1;
}

/* The escape sequence, or "" where colour is not wanted. */
static const char *paint(FILE *out, const char *sequence)
{
    return has_colour(fileno(out)) ? sequence : "";
}

void output_text(FILE *out, const char *text)
{
    AUTO_FREE char *plain = strdup(text);

    if (!plain)
        return;
    plain_make(plain);
    (void)fputs(plain, out);
}

static void put_hint(const struct error *err)
{
    if (err->hint[0] == '\0')
        return;
    (void)fprintf(stderr, "  %shint:%s ", paint(stderr, FAINT), paint(stderr, PLAIN));
    output_text(stderr, err->hint);
    (void)fputc('\n', stderr);
}

void output_error(const char *program, struct error *err)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s", paint(stderr, RED));
    if (err->where[0] == '\0')
        (void)fprintf(stderr, "%s: ", program);
    output_text(stderr, error_line(err));
    (void)fprintf(stderr, "%s\n", paint(stderr, PLAIN));
    put_hint(err);
}

void output_warning(struct error *err)
{
    struct error place = *err;

    /* Only the place, as error_line writes it, then the word, then key and text. */
    place.key[0] = place.text[0] = '\0';
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s", paint(stderr, AMBER));
    output_text(stderr, error_line(&place));
    (void)fprintf(stderr, "warning:%s ", paint(stderr, PLAIN));
    if (err->key[0]) {
        output_text(stderr, err->key);
        (void)fprintf(stderr, ": ");
    }
    output_text(stderr, err->text);
    (void)fputc('\n', stderr);
    put_hint(err);
}

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
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->columns;
        bool is_head = i < table->columns, is_last = column + 1 == table->columns;

        if (i == 0 || i == table->columns)
            (void)printf("%s", paint(stdout, is_head ? BOLD : PLAIN));
        output_text(stdout, table->cells[i]);
        if (is_last)
            (void)fputc('\n', stdout);
        else
            (void)printf("%*s", (int)(table->widths[column] - strlen(table->cells[i]) + 2), "");
        free(table->cells[i]);
    }
    if (table->count == table->columns)
        (void)printf("%s", paint(stdout, PLAIN));
    if (table->failed)
        (void)fprintf(stderr, "the table is not whole: no memory\n");
    free(table->cells);
    *table = (struct output_table){.columns = table->columns};
}

int output_close(const char *program)
{
    struct error err = {0};

    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return 0;
    error_errno(&err, "standard output", "cannot write");
    output_error(program, &err);
    return error_exit_status(ERROR_IO);
}
