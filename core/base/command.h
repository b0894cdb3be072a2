/* command.h - the command line: one table, from which dispatch, help and the manual's check come.
 * Floor: base; for programs. No globals; one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

#define COMMAND_VALUES_MAX 256 /* options in one call */

/* An option of a command: --name VALUE, or a switch when value is NULL. */
struct command_option {
    const char *name;
    char letter;       /* -o as well as --output; 0 = none */
    const char *value; /* FILE, N, ...; a trailing "..." says that it may be repeated */
    const char *help;  /* a line break is kept */
};

/* What `--help` tells beyond the table's row. */
struct command_details {
    const char *text;    /* paragraphs, broken at 80 columns */
    const char *example; /* a command line that runs; more of them are separated by line breaks */
    const struct command_option *options; /* ends with an empty one; NULL = none */
};

struct command_call;

/* A row of the table. `arguments` is what people read, and what counts are checked by: "NAME" is
 * one, "[NAME]" none or one, "FILE..." one or more, "-- COMMAND..." ends the options. */
struct command {
    const char *name; /* "status", "policy apply" */
    const char *arguments;
    /* Returns the exit status (0 or more), or a negative error code with the words in err. */
    int (*run)(const struct command_call *call, struct error *err);
    const char *summary;
    const struct command_details *details;
};

struct command_table {
    const char *program, *summary, *version;
    const char *manual; /* "meshctl(1)" */
    const struct command *commands;
    size_t count;
};

/* One call of a command: its arguments, and the options as they stood. */
struct command_call {
    const struct command *command;
    char *const *arguments; /* NULL behind the last one */
    size_t argument_count;
    struct {
        const char *name, *text; /* text is "" for a switch */
    } values[COMMAND_VALUES_MAX];
    size_t value_count;
};

/* Whether an option stands in the call; its last value or NULL; and the next one of a repeated
 * option (*at starts at 0), NULL behind the last. */
bool command_has(const struct command_call *call, const char *option);
const char *command_get(const struct command_call *call, const char *option);
const char *command_next(const struct command_call *call, const char *option, size_t *at);

/* An option's value as a whole number of least..most; `fallback` when it is not there. Returns 0 or
 * ERROR_USAGE. */
int command_number(const struct command_call *call, const char *option, long least, long most,
                   long fallback, long *ret_number, struct error *err);

/* Does what the command line says: finds the command, reads its options, runs it, tells its error.
 * Returns the exit status. */
int command_main(const struct command_table *table, int argc, char **argv);
