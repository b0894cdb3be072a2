/* main.c - meshdns-controller: which word does what. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "auto.h"
#include "config.h"
#include "error.h"
#include "init.h"
#include "key.h"
#include "recover.h"
#include "serve.h"
#include "suggest.h"

#define FLAGS                                                                                      \
    "  --config FILE              settings; default " CONFIG_FILE "\n"                             \
    "  --state DIR                keys and store; default /var/lib/meshdns/controller\n"           \
    "  --mesh NAME                the mesh's name, shown to people\n"                              \
    "  --advertise HOST           under which nodes and people reach this machine\n"               \
    "  --listen-api ADDR:PORT     HTTPS; default 0.0.0.0:7443\n"                                   \
    "  --listen-node ADDR:PORT    the nodes' channel; default 0.0.0.0:7440\n"                      \
    "  --listen-broadcast ADDR:PORT  broadcasts; default 0.0.0.0:7441\n"                           \
    "  --heartbeat DURATION       between heartbeats; default 5s\n"

#define FLAGS_JSON "  --json                     one object; its fields are in the manual\n"

#define FLAGS_INIT                                                                                 \
    "  --token-file FILE          write the token to FILE (mode 0600), do not show "               \
    "it\n" FLAGS_JSON

/* clang-format off */
static const struct command {
    const char *name;
    int (*run)(const struct config *config, struct error *err);
    enum config_extra extra;
    const char *summary, *help;
} commands[] = {
    {"init", init_mesh, CONFIG_INIT, "make a mesh: keys, certificate, store, first token",
     "usage: meshdns-controller init --mesh NAME [FLAG...]\n"
     "\n"
     "Make a mesh: its keys, a self-signed certificate, an empty store and the first\n"
     "administrator's token, which is shown this once.\n"
     "\n" FLAGS FLAGS_INIT "\n"
     "example: meshdns-controller init --mesh prod --advertise mesh.example.net\n"},
    {"run", serve_mesh, CONFIG_PLAIN, "serve, in the foreground",
     "usage: meshdns-controller run [FLAG...]\n"
     "\n"
     "Serve until SIGTERM: take policies over HTTPS, tell them to the nodes.\n"
     "\n" FLAGS "\n"
     "example: meshdns-controller run --advertise mesh.example.net\n"},
    {"recover", recover_mesh, CONFIG_JSON, "go on after the store was restored from an older copy",
     "usage: meshdns-controller recover [--json] [FLAG...]\n"
     "\n"
     "Go on after the store was restored from a copy that is older than what nodes\n"
     "have seen (the controller then is read-only): move the revision above theirs\n"
     "and start a new epoch. The controller must be stopped.\n"
     "\n" FLAGS FLAGS_JSON "\n"
     "example: meshdns-controller recover\n"},
};
/* clang-format on */

static void print_help(void)
{
    printf("usage: meshdns-controller COMMAND [FLAG...]\n\n"
           "The control plane of a mesh: keeps the policies and tells them to the nodes.\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].summary);
    printf("\n  --help      this, or a command's own\n"
           "  --version   the version\n\n"
           "example: meshdns-controller init --help\n");
}

static int fail(struct error *err)
{
    fprintf(stderr, "meshdns-controller: %s\n", error_line(err));
    if (err->hint[0])
        fprintf(stderr, "  hint: %s\n", err->hint);
    return error_exit_status(err->code);
}

static int unknown_command(const char *word, struct error *err)
{
    const char *names[ARRAY_SIZE(commands) + 1] = {NULL};

    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        names[i] = commands[i].name;
    const char *near = suggest_word(word, names);
    error_set(err, ERROR_USAGE, "'%.64s' is no command", word);
    if (near)
        error_hint(err, "did you mean '%s'?", near);
    else
        error_hint(err, "see meshdns-controller --help");
    return fail(err);
}

static int run(const struct command *command, int argc, char **argv, struct error *err)
{
    struct config config;
    int r = config_read(argc, argv, command->extra, &config, err);

    if (r == 0 && config.help) {
        printf("%s", command->help);
        return 0;
    }
    if (r == 0)
        r = key_init(err);
    if (r == 0)
        r = command->run(&config, err);
    return r < 0 ? fail(err) : 0;
}

int main(int argc, char **argv)
{
    struct error err = {0};

    if (argc < 2) {
        error_set(&err, ERROR_USAGE, "a command is missing");
        error_hint(&err, "see meshdns-controller --help");
        return fail(&err);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help();
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("meshdns-controller %s\n", MESHDNS_VERSION);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return run(&commands[i], argc - 1, argv + 1, &err);
    }
    return unknown_command(argv[1], &err);
}
