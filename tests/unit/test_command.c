/* test_command.c - command lines: what is run with which options, and what is refused how. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "auto.h"
#include "command.h"

/* What the last command of the table below was called with. */
static char seen[256];

static int note_call(const struct command_call *call, struct error *err)
{
    size_t at = 0;
    const char *text;
    int length = snprintf(seen, sizeof(seen), "%s", call->command->name);

    (void)err;
    while ((text = command_next(call, "label", &at)))
        length += snprintf(seen + length, sizeof(seen) - (size_t)length, " label=%s", text);
    if (command_has(call, "json"))
        length += snprintf(seen + length, sizeof(seen) - (size_t)length, " json");
    if ((text = command_get(call, "output")))
        length += snprintf(seen + length, sizeof(seen) - (size_t)length, " output=%s", text);
    for (size_t i = 0; i < call->argument_count; i++)
        length += snprintf(seen + length, sizeof(seen) - (size_t)length, " %s", call->arguments[i]);
    return 0;
}

static int count_to(const struct command_call *call, struct error *err)
{
    long number = 0;
    int r = command_number(call, "count", 1, 9, 1, &number, err);

    return r < 0 ? r : (int)number;
}

static int fail(const struct command_call *call, struct error *err)
{
    (void)call;
    error_set(err, ERROR_NOT_FOUND, "no such thing");
    error_hint(err, "look\033elsewhere");
    return error_where(err, "there");
}

static const struct command_option options[] = {{"label", 0, "K=V...", "a label"},
                                                {"output", 'o', "FILE", "a file\nof two lines"},
                                                {"count", 0, "N", "how often"},
                                                {"json", 0, NULL, "one object"},
                                                {0}};
static const struct command_details details = {"Some text.", "prog thing make x", options};
static const struct command commands[] = {
    {"thing make", "NAME...", note_call, "makes", &details},
    {"thing show", "[NAME]", note_call, "shows", &details},
    {"other list", "", note_call, "lists", &details},
    {"run", "-- COMMAND...", note_call, "runs", &details},
    {"count", "", count_to, "counts", &details},
    {"fail", "", fail, "fails", &details},
};
static const struct command_table table = {"prog",    "A program.", "1.2",
                                           "prog(1)", commands,     ARRAY_SIZE(commands)};

/* Calls command_main with the words of a line. */
static int call(const char *line)
{
    static char copy[256];
    char *argv[32], *rest = NULL;
    int argc = 0;

    seen[0] = '\0';
    (void)snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    argv[argc] = NULL;
    return command_main(&table, argc, argv);
}

Test(command, a_command_gets_its_arguments_and_options_wherever_they_stand)
{
    static const struct {
        const char *line, *sees;
    } rows[] = {
        {"prog thing make a b", "thing make a b"},
        {"prog thing make --json a --label=x=1 b --label y=2",
         "thing make label=x=1 label=y=2 json a b"},
        {"prog thing make -o f a", "thing make output=f a"},
        {"prog thing make -of a -o g", "thing make output=g a"},
        {"prog thing make -- --json", "thing make --json"},
        {"prog thing show", "thing show"},
        {"prog thing show x", "thing show x"},
        {"prog run --label a=b -- ls --json -l", "run label=a=b ls --json -l"},
        {"prog run ls --json", "run ls --json"}, /* the first word ends the options */
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        cr_expect_eq(call(rows[i].line), 0, "%s", rows[i].line);
        cr_expect_str_eq(seen, rows[i].sees, "%s: %s", rows[i].line, seen);
    }
    cr_expect_eq(call("prog count --count 7"), 7);
    cr_expect_eq(call("prog count"), 1);
}

/* Standard error of a line, in a static buffer. */
static const char *complaint(const char *line, int exit_status)
{
    static char text[2048];
    FILE *file = tmpfile();

    (void)fflush(stderr);
    int old = dup(STDERR_FILENO);
    (void)dup2(fileno(file), STDERR_FILENO);
    cr_expect_eq(call(line), exit_status, "%s", line);
    (void)fflush(stderr);
    (void)dup2(old, STDERR_FILENO);
    (void)close(old);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

Test(command, what_cannot_be_meant_is_refused_with_the_nearest_word)
{
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"prog thing mak x",
         "prog: there is no command 'thing mak'\n  hint: did you mean `prog thing make`?"},
        {"prog thign make x",
         "prog: there is no command 'thign'\n  hint: did you mean `prog thing`?"},
        {"prog list", "prog: there is no command 'list'\n  hint: did you mean `prog other list`?"},
        {"prog contu", "did you mean `prog count`?"},
        {"prog zzzzzz", "  hint: `prog --help` lists them"},
        {"prog thing zzzzzz", "  hint: `prog thing --help` lists them"},
        {"prog --json count", "options stand behind the command: prog COMMAND --json"},
        {"prog help cuont", "did you mean `prog count`?"},
        {"prog thing make --jsno x",
         "prog: there is no option '--jsno'\n  hint: did you mean --json?\n"},
        {"prog thing make -x x", "prog: there is no option '-x'"},
        {"prog thing make x --output", "prog: --output wants a value: FILE"},
        {"prog thing make x -o", "prog: --output wants a value: FILE"},
        {"prog thing make x --json=1", "prog: --json takes no value"},
        {"prog thing make", "prog: thing make: NAME... is missing"},
        {"prog thing show a b", "prog: thing show: 'b' is one argument too many"},
        {"prog other list a", "prog: other list: 'a' is one argument too many"},
        {"prog run", "prog: run: -- COMMAND... is missing"},
        {"prog count --count 10", "prog: --count: '10' is none of the numbers 1 to 9"},
        {"prog count --count 5x", "prog: --count: '5x' is none of the numbers 1 to 9"},
        {"prog", "usage: prog COMMAND ..."},
        {"prog thing", "usage: prog thing COMMAND ..."},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *says = complaint(rows[i].line, 64);
        cr_expect(strstr(says, rows[i].says), "%s: %s", rows[i].line, says);
        cr_expect_str_eq(seen, "", "%s was run", rows[i].line);
    }
    /* A control character from elsewhere does not reach the terminal. */
    cr_expect_str_eq(complaint("prog fail", 66), "there: no such thing\n  hint: look?elsewhere\n");
}

#define MAKE_HELP                                                                                  \
    "usage: prog thing make [--label K=V]... [--output FILE] [--count N] [--json]\n"               \
    "                       NAME...\n"                                                             \
    "\n"                                                                                           \
    "Some text.\n"                                                                                 \
    "\n"                                                                                           \
    "  --label K=V        a label\n"                                                               \
    "  -o, --output FILE  a file\n"                                                                \
    "                     of two lines\n"                                                          \
    "  --count N          how often\n"                                                             \
    "  --json             one object\n"                                                            \
    "\n"                                                                                           \
    "example: prog thing make x\n"

Test(command, help_is_there_at_every_level_and_succeeds, .init = cr_redirect_stdout)
{
    cr_expect_eq(call("prog --help"), 0);
    cr_expect_eq(call("prog thing -h"), 0);
    cr_expect_eq(call("prog thing make --help"), 0);
    cr_expect_eq(call("prog help thing make"), 0);
    cr_expect_eq(call("prog --version"), 0);
    cr_expect_stdout_eq_str(
        "usage: prog COMMAND ...\n"
        "\n"
        "A program.\n"
        "\n"
        "  thing make          makes\n"
        "  thing show          shows\n"
        "  other list          lists\n"
        "  run                 runs\n"
        "  count               counts\n"
        "  fail                fails\n"
        "\n"
        "`prog COMMAND --help` tells more; manual: prog(1)\n"
        "usage: prog thing COMMAND ...\n"
        "\n"
        "  thing make          makes\n"
        "  thing show          shows\n"
        "\n"
        "`prog COMMAND --help` tells more; manual: prog(1)\n" MAKE_HELP MAKE_HELP "prog 1.2\n");
}
