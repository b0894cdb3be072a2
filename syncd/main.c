/* main.c - meshdns-syncd: joins a mesh, and serves it on this machine.
 *
 * The table of commands is the only list of them: dispatch and help come from it.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "auto.h"
#include "daemon.h"
#include "join.h"
#include "key.h"
#include "lookup.h"
#include "settings.h"
#include "suggest.h"

struct options {
    struct settings settings;
    const char *argument; /* of join */
};

static int cmd_join(const struct options *options, struct error *err);
static int cmd_run(const struct options *options, struct error *err);

static const char join_help[] =
    "Join a mesh with an invitation, which works once. FILE is what\n"
    "`meshctl node invite NAME -o FILE` wrote; - reads it from standard input. The\n"
    "node's key is made here and never leaves this machine.\n";
static const char run_help[] =
    "Serve: publish the last good state at once, then follow the controller. Stays in\n"
    "the foreground, logs to standard error, ends on SIGTERM.\n";

/* clang-format off */
static const struct command {
    const char *name, *arguments;
    int (*run)(const struct options *options, struct error *err);
    const char *summary, *help, *example;
    bool takes_argument;
} commands[] = {
    {"join", "FILE|-", cmd_join, "become a node of a mesh", join_help,
     "meshdns-syncd join invitation.json", true},
    {"run",  "",       cmd_run,  "serve the mesh on this machine", run_help,
     "meshdns-syncd run --report-interval 5s", false},
};

/* key: of syncd.yaml; NULL = not a setting. Both commands take the first two. */
static const struct flag {
    const char *name, *argument, *key, *help;
    bool is_for_join;
} flags[] = {
    {"config",          "FILE",     NULL,              "settings; " SETTINGS_FILE, true},
    {"state",           "DIR",      "state",           "keys and stored documents", true},
    {"snapshot",        "FILE",     "snapshot",        "what programs map", false},
    {"socket",          "FILE",     "socket",          "where status is asked for", false},
    {"report-interval", "DURATION", "report_interval", "how often to report, such as 5s", false},
    {"reconnect",       "DURATION", "reconnect",       "wait before connecting anew", false},
    {"reconnect-max",   "DURATION", "reconnect_max",   "the longest such wait", false},
};
/* clang-format on */

static int cmd_join(const struct options *options, struct error *err)
{
    AUTO(membership_done) struct membership member = {0};
    int r = join_mesh(options->argument, options->settings.state, &member, err);

    if (r == 0)
        printf("joined mesh '%s' as node '%s'; now start `meshdns-syncd run`\n", member.mesh,
               member.node);
    return r;
}

static int cmd_run(const struct options *options, struct error *err)
{
    struct log log;

    log_init(&log);
    int r = daemon_run(&options->settings, &log, err);
    log_done(&log);
    return r;
}

static void help_all(void)
{
    printf("usage: meshdns-syncd COMMAND [OPTION...]\n\n"
           "The meshdns agent: keeps this machine's snapshot what the controller says.\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        printf("  %-5s %-8s %s\n", commands[i].name, commands[i].arguments, commands[i].summary);
    printf("\n  --help       this, or a command's own with `COMMAND --help`\n"
           "  --version\n\n"
           "manual: meshdns-syncd(8), meshdns.conf(5)\n");
}

static void help_one(const struct command *command)
{
    printf("usage: meshdns-syncd %s [OPTION...]%s%s\n\n%s\n", command->name,
           *command->arguments ? " " : "", command->arguments, command->help);
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (flags[i].is_for_join || !command->takes_argument) {
            char left[40];

            (void)snprintf(left, sizeof left, "--%s %s", flags[i].name, flags[i].argument);
            printf("  %-27s %s\n", left, flags[i].help);
        }
    printf("\nexample: %s\n", command->example);
}

static int tell(const struct error *err, int code)
{
    struct error copy = *err;

    (void)fprintf(stderr, "meshdns-syncd: %s\n", error_line(&copy));
    if (copy.hint[0])
        (void)fprintf(stderr, "  hint: %s\n", copy.hint);
    return error_exit_status(code);
}

/* Tells of a word that nobody knows, and of the nearest one that somebody does. */
static int misused(const char *what, const char *word, const char *near)
{
    (void)fprintf(stderr, "meshdns-syncd: %s '%s'\n", what, word);
    if (near)
        (void)fprintf(stderr, "  hint: did you mean '%s'?\n", near);
    else
        (void)fprintf(stderr, "  hint: `meshdns-syncd --help` lists what there is\n");
    return EX_USAGE;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int unknown_command(const char *word)
{
    const char *names[ARRAY_SIZE(commands) + 1] = {0};

    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        names[i] = commands[i].name;
    return misused("unknown command", word, suggest_word(word, names));
}

static int unknown_flag(const char *word)
{
    const char *names[ARRAY_SIZE(flags) + 1] = {0};
    const char *bare = word + strspn(word, "-");
    char near[40];

    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        names[i] = flags[i].name;
    const char *name = suggest_word(bare, names);
    (void)snprintf(near, sizeof near, "--%s", name ? name : "");
    return misused("unknown or incomplete option", word, name ? near : NULL);
}

/* The settings: defaults, then the file, then the flags. texts[i] is what flag i was given. */
static int gather(struct settings *settings, const char *const *texts, struct error *err)
{
    int r = settings_init(settings, err);

    if (r == 0)
        r = settings_read(settings, texts[0], err); /* --config is the first flag */
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(flags); i++)
        if (flags[i].key && texts[i]) {
            r = settings_set(settings, flags[i].key, texts[i], err);
            if (r < 0)
                (void)error_key(err, "--%s", flags[i].name);
        }
    return r;
}

/* Reads a command's own flags. Returns -1 to go on, or the exit status. */
static int read_flags(const struct command *command, int argc, char **argv, const char **texts,
                      const char **ret_argument)
{
    struct option known[ARRAY_SIZE(flags) + 2] = {{"help", no_argument, NULL, 'h'}};
    size_t count = 1;
    int found;

    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (flags[i].is_for_join || !command->takes_argument)
            known[count++] = (struct option){flags[i].name, required_argument, NULL, 256 + (int)i};
    opterr = 0;
    while ((found = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        if (found == 'h') {
            help_one(command);
            return EX_OK;
        }
        if (found < 256)
            return unknown_flag(argv[optind - 1]);
        texts[found - 256] = optarg;
    }
    if (command->takes_argument && optind + 1 != argc) {
        (void)fprintf(stderr, "meshdns-syncd: `%s` takes one FILE, or - for standard input\n",
                      command->name);
        return EX_USAGE;
    }
    if (!command->takes_argument && optind != argc)
        return misused("unexpected word", argv[optind], NULL);
    *ret_argument = argv[optind];
    return -1;
}

int main(int argc, char **argv)
{
    const char *texts[ARRAY_SIZE(flags)] = {0};
    struct options options = {0};
    struct error err = {0};

    if (argc < 2) {
        (void)fprintf(stderr, "meshdns-syncd: no command\n  hint: `meshdns-syncd --help`\n");
        return EX_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_all();
        return EX_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("meshdns-syncd " MESHDNS_VERSION);
        return EX_OK;
    }
    const struct command *command = find_command(argv[1]);
    if (!command)
        return argv[1][0] == '-' ? unknown_flag(argv[1]) : unknown_command(argv[1]);
    int status = read_flags(command, argc - 1, argv + 1, texts, &options.argument);
    if (status >= 0)
        return status;

    (void)signal(SIGPIPE, SIG_IGN);
    int r = gather(&options.settings, texts, &err);
    if (r == 0)
        r = key_init(&err);
    if (r == 0)
        r = lookup_bypass("/etc/nsswitch.conf", &err);
    if (r == 0)
        r = command->run(&options, &err);
    settings_done(&options.settings);
    return r < 0 ? tell(&err, r) : EX_OK;
}
