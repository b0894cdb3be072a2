/* main.c - meshdns-syncd: joins a mesh, and serves it on this machine. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "auto.h"
#include "command.h"
#include "daemon.h"
#include "join.h"
#include "key.h"
#include "lookup.h"
#include "settings.h"

static int cmd_join(const struct command_call *call, struct error *err);
static int cmd_run(const struct command_call *call, struct error *err);

/* An option but --config is a key of syncd.yaml, spelt with '_' for '-'. */
/* clang-format off */
#define CONFIG_AND_STATE                                                                           \
    {"config",          0, "FILE",     "settings; " SETTINGS_FILE},                                \
    {"state",           0, "DIR",      "keys and stored documents"}

static const struct command_option join_options[] = {CONFIG_AND_STATE, {0}};
static const struct command_option run_options[] = {
    CONFIG_AND_STATE,
    {"snapshot",        0, "FILE",     "what programs map"},
    {"socket",          0, "FILE",     "where status is asked for"},
    {"report-interval", 0, "DURATION", "how often to report, such as 5s"},
    {"reconnect",       0, "DURATION", "wait before connecting anew"},
    {"reconnect-max",   0, "DURATION", "the longest such wait"},
    {0},
};
/* clang-format on */

static const struct command_details join_details = {
    .text = "Join a mesh with an invitation, which works once. FILE is what\n"
            "`meshctl node invite NAME -o FILE` wrote; - reads it from standard input. The\n"
            "node's key is made here and never leaves this machine.",
    .example = "meshdns-syncd join invitation.json",
    .options = join_options,
};
static const struct command_details run_details = {
    .text = "Serve: publish the last good state at once, then follow the controller. Stays in\n"
            "the foreground, logs to standard error, ends on SIGTERM.",
    .example = "meshdns-syncd run --report-interval 5s",
    .options = run_options,
};

static const struct command commands[] = {
    {"join", "FILE|-", cmd_join, "become a node of a mesh", &join_details},
    {"run", "", cmd_run, "serve the mesh on this machine", &run_details},
};

/* The settings: defaults, then the file, then the options. */
static int gather(const struct command_call *call, struct settings *settings, struct error *err)
{
    const struct command_option *row = call->command->details->options;
    int r = settings_init(settings, err);

    if (r == 0)
        r = settings_read(settings, command_get(call, "config"), err);
    for (; r == 0 && row->name; row++) {
        const char *text = command_get(call, row->name);
        char key[32];

        if (!text || strcmp(row->name, "config") == 0)
            continue;
        (void)snprintf(key, sizeof key, "%s", row->name);
        for (char *dash = key; (dash = strchr(dash, '-'));)
            *dash = '_';
        r = settings_set(settings, key, text, err);
        if (r < 0)
            (void)error_key(err, "--%s", row->name);
    }
    return r;
}

static int prepare(const struct command_call *call, struct settings *settings, struct error *err)
{
    (void)signal(SIGPIPE, SIG_IGN);
    int r = gather(call, settings, err);
    if (r == 0)
        r = key_init(err);
    return r == 0 ? lookup_bypass("/etc/nsswitch.conf", err) : r;
}

static int cmd_join(const struct command_call *call, struct error *err)
{
    AUTO(settings_done) struct settings settings = {0};
    AUTO(membership_done) struct membership member = {0};
    int r = prepare(call, &settings, err);

    if (r == 0)
        r = join_mesh(call->arguments[0], settings.state, &member, err);
    if (r == 0)
        printf("joined mesh '%s' as node '%s'; now start `meshdns-syncd run`\n", member.mesh,
               member.node);
    return r;
}

static int cmd_run(const struct command_call *call, struct error *err)
{
    AUTO(settings_done) struct settings settings = {0};
    struct log log;
    int r = prepare(call, &settings, err);

    if (r < 0)
        return r;
    log_init(&log);
    r = daemon_run(&settings, &log, err);
    log_done(&log);
    return r;
}

int main(int argc, char **argv)
{
    static const struct command_table table = {
        .program = "meshdns-syncd",
        .summary = "The meshdns agent: keeps this machine's snapshot what the controller says.",
        .version = MESHDNS_VERSION,
        .manual = "meshdns-syncd(8)",
        .commands = commands,
        .count = ARRAY_SIZE(commands),
    };

    return command_main(&table, argc, argv);
}
