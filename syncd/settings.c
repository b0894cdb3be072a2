/* settings.c - one table of keys for the file and the flags. */
#include "settings.h"

#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "duration.h"
#include "key_set.h"
#include "value.h"
#include "yaml_config.h"

#define PROTECT_MOST   4096
#define INTERVAL_LEAST 50 /* ms: tests go so low, nobody else should */
#define INTERVAL_MOST  3600000

enum kind { PATH, INTERVAL, NAMES };

/* clang-format off */
#define AT(field) offsetof(struct settings, field)

static const struct key {
    const char *name;
    enum kind kind;
    size_t offset;
    const char *fallback;
} keys[] = {
    {"state",           PATH,     AT(state),            "/var/lib/meshdns/syncd"},
    {"snapshot",        PATH,     AT(snapshot),         "/run/meshdns/v1/snapshot"},
    {"socket",          PATH,     AT(socket),           "/run/meshdns/syncd.sock"},
    {"hosts",           PATH,     AT(hosts),            "/etc/hosts"},
    {"resolv_conf",     PATH,     AT(resolv_conf),      "/etc/resolv.conf"},
    {"report_interval", INTERVAL, AT(report_ms),        "5s"},
    {"reconnect",       INTERVAL, AT(reconnect_ms),     "5s"},
    {"reconnect_max",   INTERVAL, AT(reconnect_max_ms), "60s"},
    {"protect",         NAMES,    0,                    NULL},
};
/* clang-format on */

static const struct key *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

static int set_text(struct settings *settings, const struct key *key, const char *text,
                    struct error *err)
{
    void *field = (char *)settings + key->offset;

    if (key->kind == INTERVAL)
        return duration_read_within(text, INTERVAL_LEAST, INTERVAL_MOST, field, err);
    if (!*text)
        return error_set(err, ERROR_INVALID, "nothing, where a path is allowed");
    char *copy = strdup(text);
    if (!copy)
        return error_set(err, ERROR_INTERNAL, "out of memory");
    free(*(char **)field);
    *(char **)field = copy;
    return 0;
}

static void free_names(struct settings *settings)
{
    for (size_t i = 0; i < settings->protect_count; i++)
        free(settings->protect[i]);
    free(settings->protect);
    settings->protect = NULL;
    settings->protect_count = 0;
}

static int add_name(struct settings *settings, const struct value *item, struct error *err)
{
    AUTO(key_set_done) struct key_set key = {0};

    if (item->type != VALUE_STRING || !key_set_add_domain(&key, item->string.text)) {
        error_set(err, ERROR_INVALID,
                  "%s is no domain; allowed are such as db.internal and "
                  "*.corp.example",
                  item->type == VALUE_STRING ? item->string.text : value_type_name(item->type));
        (void)error_place(err, item->line, item->column);
        return ERROR_INVALID;
    }
    settings->protect[settings->protect_count] = strdup(item->string.text);
    if (!settings->protect[settings->protect_count])
        return error_set(err, ERROR_INTERNAL, "out of memory");
    settings->protect_count++;
    return 0;
}

static int set_names(struct settings *settings, const struct value *list, struct error *err)
{
    if (list->type == VALUE_NULL)
        return 0;
    if (list->type != VALUE_LIST)
        return error_set(err, ERROR_INVALID, "%s, where a list of domains is allowed",
                         value_type_name(list->type));
    if (list->list.count > PROTECT_MOST)
        return error_set(err, ERROR_INVALID, "%zu names are above %d, the most", list->list.count,
                         PROTECT_MOST);
    free_names(settings);
    settings->protect = calloc(list->list.count + 1, sizeof *settings->protect);
    if (!settings->protect)
        return error_set(err, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < list->list.count; i++) {
        int r = add_name(settings, &list->list.items[i], err);

        if (r < 0) {
            (void)error_key(err, "[%zu]", i);
            return r;
        }
    }
    return 0;
}

static int set_value(struct settings *settings, const struct key *key, const struct value *value,
                     struct error *err)
{
    if (key->kind == NAMES)
        return set_names(settings, value, err);
    if (value->type != VALUE_STRING)
        return error_set(err, ERROR_INVALID, "%s, where a text is allowed",
                         value_type_name(value->type));
    return set_text(settings, key, value->string.text, err);
}

static int unknown(const struct value_entry *entry, struct error *err)
{
    const char *names[ARRAY_SIZE(keys) + 1] = {0};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        names[i] = keys[i].name;
    return yaml_config_unknown(entry, names, err);
}

static int read_map(struct settings *settings, const struct value *map, struct error *err)
{
    for (size_t i = 0; i < map->map.count; i++) {
        const struct value_entry *entry = &map->map.entries[i];
        const struct key *key = find(entry->key);

        if (!key)
            return unknown(entry, err);
        int r = set_value(settings, key, &entry->value, err);
        if (r < 0) {
            (void)error_within(err, "%s", entry->key);
            if (err && err->line == 0)
                (void)error_place(err, entry->value.line, entry->value.column);
            return r;
        }
    }
    return 0;
}

int settings_init(struct settings *ret_settings, struct error *err)
{
    struct settings settings = {0};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        int r = keys[i].fallback ? set_text(&settings, &keys[i], keys[i].fallback, err) : 0;

        if (r < 0) {
            settings_done(&settings);
            return r;
        }
    }
    *ret_settings = settings;
    return 0;
}

void settings_done(struct settings *settings)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].kind == PATH)
            free(*(char **)(void *)((char *)settings + keys[i].offset));
    free_names(settings);
    *settings = (struct settings){0};
}

int settings_read(struct settings *settings, const char *path, struct error *err)
{
    AUTO_VALUE struct value map = {.type = VALUE_NULL};
    int r = yaml_config_read(path ? path : SETTINGS_FILE, &map, err);

    if (r == ERROR_NOT_FOUND && !path)
        return 0;
    if (r == 0)
        r = read_map(settings, &map, err);
    if (r == 0 || r == ERROR_INTERNAL)
        return r;
    (void)error_where(err, path ? path : SETTINGS_FILE);
    if (err)
        err->code = ERROR_CONFIG;
    return ERROR_CONFIG;
}

int settings_set(struct settings *settings, const char *key, const char *text, struct error *err)
{
    const struct key *known = find(key);
    int r = known && known->kind != NAMES
                ? set_text(settings, known, text, err)
                : error_set(err, ERROR_USAGE, "there is no key '%s' for it", key);

    if (r == 0 || r == ERROR_INTERNAL)
        return r;
    if (err)
        err->code = ERROR_USAGE;
    return ERROR_USAGE;
}
