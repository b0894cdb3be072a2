/* config.c - settings from YAML and flags, through one table.
 *
 * Each setting has one function that checks its text; the file and the flags both call it, so a
 * value is judged alike wherever it comes from.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "command.h"
#include "duration.h"
#include "policy.h"
#include "value.h"
#include "yaml_config.h"

static int set_mesh(struct config *config, const char *text, struct error *err)
{
    if (!policy_is_name(text))
        return error_set(err, ERROR_INVALID,
                         "'%.64s' is no mesh name; allowed are a-z, 0-9 and -, at most 63", text);
    (void)snprintf(config->mesh, sizeof(config->mesh), "%s", text);
    return 0;
}

static int set_path(char *ret_path, const char *text, struct error *err)
{
    if (text[0] == '\0' || strlen(text) >= CONFIG_PATH_MAX)
        return error_set(err, ERROR_INVALID, "'%.64s' is no path", text);
    (void)snprintf(ret_path, CONFIG_PATH_MAX, "%s", text);
    return 0;
}

static int set_state(struct config *config, const char *text, struct error *err)
{
    return set_path(config->state, text, err);
}

static int set_token_file(struct config *config, const char *text, struct error *err)
{
    return set_path(config->token_file, text, err);
}

static int set_advertise(struct config *config, const char *text, struct error *err)
{
    if (!endpoint_is_host(text)) {
        error_set(err, ERROR_INVALID, "'%.64s' is no host name or address", text);
        error_hint(err, "the ports are those of 'listen'");
        return ERROR_INVALID;
    }
    (void)snprintf(config->advertise, sizeof(config->advertise), "%s", text);
    return 0;
}

static int set_api(struct config *config, const char *text, struct error *err)
{
    return endpoint_read_numeric(text, &config->api, err);
}

static int set_node(struct config *config, const char *text, struct error *err)
{
    return endpoint_read_numeric(text, &config->node, err);
}

static int set_broadcast(struct config *config, const char *text, struct error *err)
{
    return endpoint_read_numeric(text, &config->broadcast, err);
}

static int set_heartbeat(struct config *config, const char *text, struct error *err)
{
    return duration_read_within(text, 50, 3600 * 1000, &config->heartbeat_ms, err);
}

static int set_request_timeout(struct config *config, const char *text, struct error *err)
{
    return duration_read_within(text, 100, 3600 * 1000, &config->request_timeout_ms, err);
}

/* clang-format off */
static const struct setting {
    const char *key, *flag; /* NULL: not in the file, or no flag */
    int (*set)(struct config *config, const char *text, struct error *err);
} settings[] = {
    {"mesh",             "mesh",             set_mesh},
    {"state",            "state",            set_state},
    {"advertise",        "advertise",        set_advertise},
    {"listen.api",       "listen-api",       set_api},
    {"listen.node",      "listen-node",      set_node},
    {"listen.broadcast", "listen-broadcast", set_broadcast},
    {"heartbeat",        "heartbeat",        set_heartbeat},
    {"request_timeout",  NULL,               set_request_timeout},
    {NULL,               "token-file",       set_token_file},
};
static const char *const top_keys[] = {"mesh", "state", "advertise", "listen", "heartbeat",
                                       "request_timeout", NULL};
static const char *const listen_keys[] = {"api", "node", "broadcast", NULL};
/* clang-format on */

static int apply(struct config *config, const struct value_entry *entry, const char *prefix,
                 struct error *err)
{
    const struct setting *setting = settings;
    char key[64];

    (void)snprintf(key, sizeof(key), "%s%.40s", prefix, entry->key);
    while (setting < settings + ARRAY_SIZE(settings) &&
           (!setting->key || strcmp(setting->key, key) != 0))
        setting++;
    if (setting == settings + ARRAY_SIZE(settings))
        return yaml_config_unknown(entry, prefix[0] ? listen_keys : top_keys, err);

    int r;
    if (entry->value.type != VALUE_STRING)
        r = error_set(err, ERROR_CONFIG, "must be text, not %s",
                      value_type_name(entry->value.type));
    else
        r = setting->set(config, entry->value.string.text, err);
    if (r < 0) {
        err->code = ERROR_CONFIG;
        error_place(err, entry->value.line, entry->value.column);
        error_key(err, "%s", key);
    }
    return r < 0 ? ERROR_CONFIG : 0;
}

static int apply_listen(struct config *config, const struct value_entry *listen, struct error *err)
{
    if (listen->value.type != VALUE_MAP) {
        error_set(err, ERROR_CONFIG, "must be a map of api, node and broadcast");
        error_place(err, listen->value.line, listen->value.column);
        return error_key(err, "listen"), ERROR_CONFIG;
    }
    for (size_t i = 0; i < listen->value.map.count; i++) {
        if (apply(config, &listen->value.map.entries[i], "listen.", err) < 0)
            return ERROR_CONFIG;
    }
    return 0;
}

static int read_file(struct config *config, const char *path, struct error *err)
{
    AUTO_VALUE struct value map = {.type = VALUE_NULL};
    int r = yaml_config_read(path, &map, err);

    if (r == ERROR_NOT_FOUND)
        return err->code = ERROR_CONFIG; /* to start again would not help */
    for (size_t i = 0; r == 0 && i < map.map.count; i++) {
        const struct value_entry *entry = &map.map.entries[i];

        r = strcmp(entry->key, "listen") == 0 ? apply_listen(config, entry, err)
                                              : apply(config, entry, "", err);
        if (r < 0)
            error_where(err, path);
    }
    return r;
}

static void set_defaults(struct config *config)
{
    *config = (struct config){
        .state = "/var/lib/meshdns/controller", .heartbeat_ms = 5000, .request_timeout_ms = 30000};
    (void)set_api(config, "0.0.0.0:7443", NULL);
    (void)set_node(config, "0.0.0.0:7440", NULL);
    (void)set_broadcast(config, "0.0.0.0:7441", NULL);
}

/* The options over the file; each stands in the command's table or is not there. */
static int apply_options(struct config *config, const struct command_call *call, struct error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        const char *text = settings[i].flag ? command_get(call, settings[i].flag) : NULL;

        if (!text || settings[i].set(config, text, err) == 0)
            continue;
        error_key(err, "--%s", settings[i].flag);
        err->code = ERROR_USAGE;
        return ERROR_USAGE;
    }
    config->json = command_has(call, "json");
    return 0;
}

int config_read(const struct command_call *call, struct config *ret_config, struct error *err)
{
    const char *file = command_get(call, "config");
    struct config config;
    int r = 0;

    set_defaults(&config);
    if (file || access(CONFIG_FILE, F_OK) == 0)
        r = read_file(&config, file ? file : CONFIG_FILE, err);
    if (r == 0)
        r = apply_options(&config, call, err);
    if (r == 0)
        *ret_config = config;
    return r;
}
