/* help.c - what --help shows, made from the table. Everything fits into 80 columns. */
#include "help.h"

#include <string.h>

#define WIDTH       80
#define NAMES_WIDTH 20 /* of the column of commands */

void help_table(const struct command_table *table, const char *group, FILE *out)
{
    size_t length = group ? strlen(group) : 0;

    if (group)
        (void)fprintf(out, "usage: %s %s COMMAND ...\n\n", table->program, group);
    else
        (void)fprintf(out, "usage: %s COMMAND ...\n\n%s\n\n", table->program, table->summary);
    for (size_t i = 0; i < table->count; i++) {
        const struct command *command = &table->commands[i];

        if (group && (strncmp(command->name, group, length) != 0 || command->name[length] != ' '))
            continue;
        (void)fprintf(out, "  %-*s%s\n", NAMES_WIDTH, command->name, command->summary);
    }
    (void)fprintf(out, "\n`%s COMMAND --help` tells more; manual: %s\n", table->program,
                  table->manual);
}

/* Writes a word of the usage line, on a new line where 80 columns end. Returns the column. */
static size_t put_word(FILE *out, const char *word, size_t column, size_t indent)
{
    size_t length = strlen(word) + 1;

    if (column + length > WIDTH) {
        (void)fprintf(out, "\n%*s", (int)indent, "");
        column = indent;
    }
    (void)fprintf(out, " %s", word);
    return column + length;
}

static void put_usage(const struct command_table *table, const struct command *command, FILE *out)
{
    const struct command_option *row = command->details->options;
    int indent = fprintf(out, "usage: %s %s", table->program, command->name);
    size_t column = indent > 0 ? (size_t)indent : 0, start = column;

    for (; row && row->name; row++) {
        const char *many = row->value && strstr(row->value, "...") ? "..." : "";
        int length = row->value ? (int)strcspn(row->value, ".") : 0;
        char word[96];

        (void)snprintf(word, sizeof(word), "[--%s%s%.*s]%s", row->name, row->value ? " " : "",
                       length, row->value ? row->value : "", many);
        column = put_word(out, word, column, start);
    }
    if (command->arguments[0] != '\0')
        (void)put_word(out, command->arguments, column, start);
    (void)fprintf(out, "\n");
}

/* An option's left side, "-o, --output FILE". Returns its length. */
static size_t option_label(const struct command_option *row, char *ret_label, size_t size)
{
    char letter[8] = "";

    if (row->letter)
        (void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    int length =
        snprintf(ret_label, size, "%s--%s%s%.*s", letter, row->name, row->value ? " " : "",
                 row->value ? (int)strcspn(row->value, ".") : 0, row->value ? row->value : "");
    return length > 0 ? (size_t)length : 0;
}

static void put_options(const struct command_option *rows, FILE *out)
{
    size_t widest = 0;
    char label[96];

    for (const struct command_option *row = rows; row && row->name; row++) {
        size_t length = option_label(row, label, sizeof(label));
        widest = length > widest ? length : widest;
    }
    if (widest > 0)
        (void)fprintf(out, "\n");
    for (const struct command_option *row = rows; row && row->name; row++) {
        const char *line = row->help;

        (void)option_label(row, label, sizeof(label));
        (void)fprintf(out, "  %-*s  ", (int)widest, label);
        for (const char *end; (end = strchr(line, '\n')); line = end + 1)
            (void)fprintf(out, "%.*s\n%*s", (int)(end - line), line, (int)widest + 4, "");
        (void)fprintf(out, "%s\n", line);
    }
}

void help_command(const struct command_table *table, const struct command *command, FILE *out)
{
    const struct command_details *details = command->details;

    put_usage(table, command, out);
    (void)fprintf(out, "\n%s\n", details->text);
    put_options(details->options, out);
    if (!details->example)
        return;
    (void)fprintf(out, "\nexample: ");
    for (const char *c = details->example; *c; c++)
        (void)fprintf(out, *c == '\n' ? "\n         " : "%c", *c);
    (void)fprintf(out, "\n");
}
