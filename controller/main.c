/* main.c - meshdns-controller: which word does what. */
#include "auto.h"
#include "command.h"
#include "config.h"
#include "error.h"
#include "init.h"
#include "key.h"
#include "recover.h"
#include "serve.h"

/* clang-format off */
#define SETTINGS                                                                                   \
    {"config",           0, "FILE",      "settings; " CONFIG_FILE},                                \
    {"state",            0, "DIR",       "keys and store; /var/lib/meshdns/controller"},           \
    {"mesh",             0, "NAME",      "the mesh's name, shown to people"},                      \
    {"advertise",        0, "HOST",      "under which nodes and people reach this machine"},       \
    {"listen-api",       0, "ADDR:PORT", "HTTPS; default 0.0.0.0:7443"},                           \
    {"listen-node",      0, "ADDR:PORT", "the nodes' channel; default 0.0.0.0:7440"},              \
    {"listen-broadcast", 0, "ADDR:PORT", "broadcasts; default 0.0.0.0:7441"},                      \
    {"heartbeat",        0, "DURATION",  "between heartbeats; default 5s"}
#define JSON                                                                                       \
    {"json",             0, NULL,        "one object; its fields are in the manual"}

static const struct command_option run_options[] = {SETTINGS, {0}};
static const struct command_option recover_options[] = {SETTINGS, JSON, {0}};
static const struct command_option init_options[] = {
    SETTINGS,
    {"token-file",       0, "FILE",      "write the token here (0600), do not show it"},
    JSON,
    {0},
};
/* clang-format on */

static const struct command_details init_details = {
    .text = "Make a mesh: its keys, a self-signed certificate, an empty store and the first\n"
            "administrator's token, which is shown this once. --mesh is needed, here or in\n"
            "the settings.",
    .example = "meshdns-controller init --mesh prod --advertise mesh.example.net",
    .options = init_options,
};
static const struct command_details run_details = {
    .text = "Serve until SIGTERM: take policies over HTTPS, tell them to the nodes.",
    .example = "meshdns-controller run --advertise mesh.example.net",
    .options = run_options,
};
static const struct command_details recover_details = {
    .text = "Go on after the store was restored from a copy that is older than what nodes\n"
            "have seen (the controller then is read-only): move the revision above theirs\n"
            "and start a new epoch. The controller must be stopped.",
    .example = "meshdns-controller recover",
    .options = recover_options,
};

static int run(const struct command_call *call,
               int (*work)(const struct config *config, struct error *err), struct error *err)
{
    struct config config;
    int r = config_read(call, &config, err);

    if (r == 0)
        r = key_init(err);
    return r == 0 ? work(&config, err) : r;
}

static int cmd_init(const struct command_call *call, struct error *err)
{
    return run(call, init_mesh, err);
}

static int cmd_run(const struct command_call *call, struct error *err)
{
    return run(call, serve_mesh, err);
}

static int cmd_recover(const struct command_call *call, struct error *err)
{
    return run(call, recover_mesh, err);
}

static const struct command commands[] = {
    {"init", "", cmd_init, "make a mesh: keys, certificate, store, token", &init_details},
    {"run", "", cmd_run, "serve, in the foreground", &run_details},
    {"recover", "", cmd_recover, "go on after the store was restored", &recover_details},
};

int main(int argc, char **argv)
{
    static const struct command_table table = {
        .program = "meshdns-controller",
        .summary = "The control plane of a mesh: keeps the policies and tells them to the nodes.",
        .version = MESHDNS_VERSION,
        .manual = "meshdns-controller(8)",
        .commands = commands,
        .count = ARRAY_SIZE(commands),
    };

    return command_main(&table, argc, argv);
}
