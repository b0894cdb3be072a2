/* command.c - finds the command of a command line, reads its options and runs it.
 *
 * Options are read by getopt_long with its messages switched off, because ours name the word that
 * was probably meant. Help is in help.c.
 */
#include "command.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "help.h"
#include "suggest.h"
#include "tell.h"

#define OPTIONS_MAX 24  /* of one command */
#define WORDS_MAX   64  /* commands and groups together */
#define LONG_BASE   256 /* getopt's number of option i is LONG_BASE + i */

bool command_has(const struct command_call *call, const char *option)
{
    return command_get(call, option) != NULL;
}

const char *command_get(const struct command_call *call, const char *option)
{
    const char *last = NULL, *text;
    size_t at = 0;

    while ((text = command_next(call, option, &at)))
        last = text;
    return last;
}

const char *command_next(const struct command_call *call, const char *option, size_t *at)
{
    while (*at < call->value_count) {
        size_t i = (*at)++;
        if (strcmp(call->values[i].name, option) == 0)
            return call->values[i].text;
    }
    return NULL;
}

int command_number(const struct command_call *call, const char *option, long least, long most,
                   long fallback, long *ret_number, struct error *err)
{
    const char *text = command_get(call, option);
    char *end = NULL;

    if (!text) {
        *ret_number = fallback;
        return 0;
    }
    long number = strtol(text, &end, 10);
    if (text[0] == '\0' || *end != '\0' || number < least || number > most)
        return error_set(err, ERROR_USAGE, "--%s: '%s' is none of the numbers %ld to %ld", option,
                         text, least, most);
    *ret_number = number;
    return 0;
}

/* How many arguments a row's `arguments` allows. */
struct allowed {
    size_t least, most;
    bool ends_options;
};

static struct allowed count_allowed(const char *arguments)
{
    struct allowed allowed = {0};
    char copy[128], *rest = NULL;

    (void)snprintf(copy, sizeof(copy), "%s", arguments);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        bool is_many = strstr(word, "...") != NULL;

        if (strcmp(word, "--") == 0) {
            allowed.ends_options = true;
            continue;
        }
        allowed.least += word[0] != '[';
        allowed.most = is_many || allowed.most == SIZE_MAX ? SIZE_MAX : allowed.most + 1;
    }
    return allowed;
}

static int check_arguments(const struct command_call *call, struct error *err)
{
    struct allowed allowed = count_allowed(call->command->arguments);

    if (call->argument_count < allowed.least)
        error_set(err, ERROR_USAGE, "%s: %s is missing", call->command->name,
                  call->command->arguments);
    else if (call->argument_count > allowed.most)
        error_set(err, ERROR_USAGE, "%s: '%s' is one argument too many", call->command->name,
                  call->arguments[allowed.most]);
    else
        return 0;
    return ERROR_USAGE;
}

/* getopt's two tables for a command. */
struct getopt_tables {
    char letters[2 * OPTIONS_MAX + 4];
    struct option options[OPTIONS_MAX + 2];
    const struct command_option *rows;
    size_t count;
};

static void make_tables(const struct command *command, struct getopt_tables *tables)
{
    size_t length = 0;

    *tables = (struct getopt_tables){.rows = command->details->options};
    if (count_allowed(command->arguments).ends_options)
        tables->letters[length++] = '+';
    tables->letters[length++] = ':';
    tables->letters[length++] = 'h';
    for (size_t i = 0; tables->rows && tables->rows[i].name && i < OPTIONS_MAX; i++) {
        const struct command_option *row = &tables->rows[i];

        tables->options[i] = (struct option){
            row->name, row->value ? required_argument : no_argument, NULL, LONG_BASE + (int)i};
        if (row->letter)
            tables->letters[length++] = row->letter;
        if (row->letter && row->value)
            tables->letters[length++] = ':';
        tables->count = i + 1;
    }
    tables->options[tables->count] = (struct option){"help", no_argument, NULL, 'h'};
}

static const struct command_option *find_row(const struct getopt_tables *tables, int number)
{
    if (number >= LONG_BASE && (size_t)(number - LONG_BASE) < tables->count)
        return &tables->rows[number - LONG_BASE];
    for (size_t i = 0; i < tables->count; i++) {
        if (number > 0 && tables->rows[i].letter == number)
            return &tables->rows[i];
    }
    return NULL;
}

/* Tells what is wrong with the option that getopt stopped at. */
static int refuse_option(const struct getopt_tables *tables, int problem, const char *word,
                         struct error *err)
{
    const struct command_option *row = find_row(tables, optopt);
    const char *words[OPTIONS_MAX + 2] = {0};

    if (row && problem == ':')
        return error_set(err, ERROR_USAGE, "--%s wants a value: %s", row->name, row->value);
    if (row)
        return error_set(err, ERROR_USAGE, "--%s takes no value", row->name);
    for (size_t i = 0; i <= tables->count; i++)
        words[i] = tables->options[i].name;

    char typed[64];
    if (strncmp(word, "--", 2) == 0)
        (void)snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    else
        (void)snprintf(typed, sizeof(typed), "%c", optopt);
    error_set(err, ERROR_USAGE, "there is no option '%s%s'", strlen(typed) > 1 ? "--" : "-", typed);
    const char *meant = strlen(typed) > 1 ? suggest_word(typed, words) : NULL;
    if (meant)
        error_hint(err, "did you mean --%s?", meant);
    return ERROR_USAGE;
}

/* Reads the options behind the command's words. Returns 0, 1 when help is wanted, or an error. */
static int read_options(struct command_call *call, int argc, char **argv, struct error *err)
{
    struct getopt_tables tables;
    int number;

    make_tables(call->command, &tables);
    opterr = 0;
    optind = 0; /* glibc: start anew */
    while ((number = getopt_long(argc, argv, tables.letters, tables.options, NULL)) != -1) {
        const struct command_option *row = find_row(&tables, number);

        if (number == 'h')
            return 1;
        if (!row)
            return refuse_option(&tables, number, argv[optind - 1], err);
        if (call->value_count == COMMAND_VALUES_MAX)
            return error_set(err, ERROR_USAGE, "more than %d options", COMMAND_VALUES_MAX);
        call->values[call->value_count].name = row->name;
        call->values[call->value_count++].text = row->value ? optarg : "";
    }
    call->arguments = argv + optind;
    call->argument_count = (size_t)(argc - optind);
    return 0;
}

static int run_command(const struct command_table *table, const struct command *command, int argc,
                       char **argv)
{
    struct command_call call = {.command = command};
    struct error err = {0};

    int r = read_options(&call, argc, argv, &err);
    if (r == 1) {
        help_command(table, command, stdout);
        return tell_close(table->program);
    }
    if (r == 0)
        r = check_arguments(&call, &err);
    if (r < 0) {
        tell_error(table->program, &err);
        (void)fprintf(stderr, "see `%s %s --help`\n", table->program, command->name);
        return error_exit_status(r);
    }
    r = command->run(&call, &err);
    if (r < 0)
        tell_error(table->program, &err);
    int closed = tell_close(table->program);
    return r < 0 ? error_exit_status(r) : r ? r : closed;
}

/* The command of the first words, and how many words it has; NULL when there is none. */
static const struct command *find_command(const struct command_table *table, int argc, char **argv,
                                          int *ret_words)
{
    char two[128] = "";

    if (argc > 2)
        (void)snprintf(two, sizeof(two), "%s %s", argv[1], argv[2]);
    for (size_t i = 0; i < table->count; i++) {
        const char *name = table->commands[i].name;
        if (strcmp(name, two) == 0 || strcmp(name, argv[1]) == 0) {
            *ret_words = strchr(name, ' ') ? 2 : 1;
            return &table->commands[i];
        }
    }
    return NULL;
}

/* Whether a command's name begins with the word and goes on with another. */
static bool is_in_group(const struct command *command, const char *group)
{
    size_t length = strlen(group);

    return strncmp(command->name, group, length) == 0 && command->name[length] == ' ';
}

static bool is_group(const struct command_table *table, const char *word)
{
    for (size_t i = 0; i < table->count; i++) {
        if (is_in_group(&table->commands[i], word))
            return true;
    }
    return false;
}

/* The nearest command to what was typed: inside the group when there is one, else among whole
 * names, first words and last words (`apply` is `policy apply`). */
static const char *nearest(const struct command_table *table, const char *group, const char *word)
{
    const char *words[2 * WORDS_MAX + 1] = {0}, *names[2 * WORDS_MAX] = {0};
    size_t count = 0;

    for (size_t i = 0; i < table->count && count < 2 * WORDS_MAX - 1; i++) {
        const char *name = table->commands[i].name, *space = strchr(name, ' ');

        if (group && !is_in_group(&table->commands[i], group))
            continue;
        names[count] = name;
        words[count++] = space ? space + 1 : name;
    }
    const char *meant = suggest_word(word, words);
    for (size_t i = 0; meant && i < count; i++) {
        if (words[i] == meant)
            return names[i];
    }
    return NULL;
}

/* The nearest group (`polcy` is `policy`), copied to ret_group; false when none is near. */
static bool nearest_group(const struct command_table *table, const char *word, char *ret_group,
                          size_t size)
{
    char groups[WORDS_MAX][32];
    const char *words[WORDS_MAX + 1] = {0};

    for (size_t i = 0; i < table->count && i < WORDS_MAX; i++) {
        const char *name = table->commands[i].name;
        (void)snprintf(groups[i], sizeof(groups[i]), "%.*s", (int)strcspn(name, " "), name);
        words[i] = groups[i];
    }
    const char *meant = suggest_word(word, words);
    if (meant)
        (void)snprintf(ret_group, size, "%s", meant);
    return meant != NULL;
}

static int refuse_word(const struct command_table *table, const char *group, const char *word)
{
    struct error err = {0};
    char near_group[32];
    const char *meant = NULL;

    error_set(&err, ERROR_USAGE, "there is no command '%s%s%s'", group ? group : "",
              group ? " " : "", word);
    if (!group && nearest_group(table, word, near_group, sizeof(near_group)))
        error_hint(&err, "did you mean `%s %s`?", table->program, near_group);
    else if ((meant = nearest(table, group, word)))
        error_hint(&err, "did you mean `%s %s`?", table->program, meant);
    else if (word[0] == '-')
        error_hint(&err, "options stand behind the command: %s COMMAND %s", table->program, word);
    else
        error_hint(&err, "`%s %s%s--help` lists them", table->program, group ? group : "",
                   group ? " " : "");
    tell_error(table->program, &err);
    return error_exit_status(ERROR_USAGE);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* `meshctl`, `meshctl --help`, `meshctl policy`, `meshctl policy --help`: help of many commands. */
static int show_group(const struct command_table *table, const char *group, bool is_asked)
{
    help_table(table, group, is_asked ? stdout : stderr);
    return is_asked ? tell_close(table->program) : error_exit_status(ERROR_USAGE);
}

int command_main(const struct command_table *table, int argc, char **argv)
{
    int words = 0;

    if (argc > 1 && strcmp(argv[1], "help") == 0) { /* help X is X --help */
        if (argc > 2 && !is_group(table, argv[2]) &&
            !find_command(table, argc - 1, argv + 1, &words))
            return refuse_word(table, NULL, argv[2]);
        const struct command *command =
            argc > 2 ? find_command(table, argc - 1, argv + 1, &words) : NULL;
        if (!command)
            return show_group(table, argc > 2 ? argv[2] : NULL, true);
        help_command(table, command, stdout);
        return tell_close(table->program);
    }
    if (argc < 2 || is_help(argv[1]))
        return show_group(table, NULL, argc > 1);
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("%s %s\n", table->program, table->version);
        return tell_close(table->program);
    }

    const struct command *command = find_command(table, argc, argv, &words);
    if (command)
        return run_command(table, command, argc - words, argv + words);
    if (!is_group(table, argv[1]))
        return refuse_word(table, NULL, argv[1]);
    if (argc == 2 || is_help(argv[2]))
        return show_group(table, argv[1], argc > 2);
    return refuse_word(table, argv[1], argv[2]);
}
