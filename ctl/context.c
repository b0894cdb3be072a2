/* context.c - which controller, how to know it, and the token to show it. */
#include "context.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "file.h"
#include "https.h"
#include "suggest.h"
#include "value.h"
#include "yaml_config.h"

#define TOKEN_MAX ((size_t)4096)
#define NAMES_MAX 64 /* contexts that a suggestion looks at */

#define SHAPE                                                                                      \
    "write what `meshdns-controller init` printed there: current, and contexts with server, pin "  \
    "and token_file"

void context_done(struct context *context)
{
    if (context->token)
        explicit_bzero(context->token, strlen(context->token));
    free(context->name);
    free(context->server);
    free(context->pin);
    free(context->token);
    *context = (struct context){0};
}

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_INTERNAL, "no memory"), ERROR_INTERNAL;
}

/* The path of the configuration, malloc'ed; NULL when memory runs out. */
static char *choose_path(const char *path)
{
    const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char *chosen = NULL;

    if (!path)
        path = getenv("MESHDNS_CONFIG");
    if (path && path[0])
        return strdup(path);
    if (folder && folder[0] == '/')
        return asprintf(&chosen, "%s/meshdns/config.yaml", folder) < 0 ? NULL : chosen;
    return asprintf(&chosen, "%s/.config/meshdns/config.yaml", home ? home : "") < 0 ? NULL
                                                                                     : chosen;
}

/* Refuses a value of the file with its place. */
static int refuse(const char *path, const struct value *value, const char *key, const char *text,
                  struct error *err)
{
    error_set(err, ERROR_CONFIG, "%s", text);
    error_where(err, path);
    error_place(err, value->line, value->column);
    return error_key(err, "%s", key), ERROR_CONFIG;
}

/* Refuses keys that the file's format does not have. */
static int check_keys(const char *path, const struct value *map, const char *const *known,
                      struct error *err)
{
    for (size_t i = 0; i < map->map.count; i++) {
        const struct value_entry *entry = &map->map.entries[i];
        bool is_known = false;

        for (const char *const *k = known; *k; k++)
            is_known = is_known || strcmp(entry->key, *k) == 0;
        if (is_known)
            continue;
        (void)yaml_config_unknown(entry, known, err);
        return error_where(err, path), ERROR_CONFIG;
    }
    return 0;
}

/* The text of a key that must be there. */
static int need_text(const char *path, const struct value *map, const char *key,
                     const char **ret_text, struct error *err)
{
    const struct value *value = value_get(map, key);

    if (!value) {
        refuse(path, map, key, "is missing", err);
        return error_hint(err, SHAPE), ERROR_CONFIG;
    }
    if (value->type != VALUE_STRING)
        return refuse(path, value, key, "must be text", err);
    *ret_text = value->string.text;
    return 0;
}

static int read_token(const char *config_path, const char *file, char **ret_token,
                      struct error *err)
{
    const char *slash = strrchr(config_path, '/'), *home = getenv("HOME");
    AUTO_FREE char *path = NULL;
    size_t size = 0;
    int length;

    if (file[0] == '~' && file[1] == '/')
        length = asprintf(&path, "%s%s", home ? home : "", file + 1);
    else if (file[0] == '/' || !slash)
        length = asprintf(&path, "%s", file);
    else
        length = asprintf(&path, "%.*s/%s", (int)(slash - config_path), config_path, file);
    if (length < 0)
        return path = NULL, no_memory(err);

    int r = file_read_secret(path, TOKEN_MAX, ret_token, &size, err);
    if (r < 0)
        return r;
    (*ret_token)[strcspn(*ret_token, " \t\r\n")] = '\0';
    if ((*ret_token)[0] != '\0')
        return 0;
    error_set(err, ERROR_CONFIG, "holds no token");
    return error_where(err, path), ERROR_CONFIG;
}

static int read_context(const char *path, const char *name, const struct value *map,
                        struct context *context, struct error *err)
{
    static const char *const known[] = {"server", "pin", "token_file", NULL};
    const char *server = "", *pin = "", *token_file = "";

    if (map->type != VALUE_MAP) {
        refuse(path, map, name, "must be a map of server, pin and token_file", err);
        return error_within(err, "contexts"), ERROR_CONFIG;
    }
    int r = check_keys(path, map, known, err);
    if (r == 0)
        r = need_text(path, map, "server", &server, err);
    if (r == 0)
        r = need_text(path, map, "pin", &pin, err);
    if (r == 0)
        r = need_text(path, map, "token_file", &token_file, err);
    if (r == 0 && strncmp(server, "https://", 8) != 0)
        r = refuse(path, value_get(map, "server"), "server", "must begin with https://", err);
    if (r == 0 && https_pin_check(pin, err) < 0) {
        const struct value *value = value_get(map, "pin");
        err->code = r = ERROR_CONFIG;
        error_where(err, path);
        error_place(err, value->line, value->column);
        error_key(err, "pin");
    }
    if (r < 0)
        return error_within(err, "contexts.%s", name), r;

    context->name = strdup(name);
    context->server = strdup(server);
    context->pin = strdup(pin);
    if (!context->name || !context->server || !context->pin)
        return no_memory(err);
    for (size_t end = strlen(context->server); end > 8 && context->server[end - 1] == '/'; end--)
        context->server[end - 1] = '\0';
    return read_token(path, token_file, &context->token, err);
}

/* The context's map of a name, or an error that names those there are. */
static int find_context(const char *path, const struct value *contexts, const char *name,
                        const struct value **ret_map, struct error *err)
{
    const char *names[NAMES_MAX + 1] = {0};
    const struct value *map = value_get(contexts, name);

    if (map) {
        *ret_map = map;
        return 0;
    }
    for (size_t i = 0; i < contexts->map.count && i < NAMES_MAX; i++)
        names[i] = contexts->map.entries[i].key;
    const char *meant = suggest_word(name, names);
    error_set(err, ERROR_CONFIG, "there is no context '%.100s'", name);
    error_where(err, path);
    error_hint(err, "%s '%.100s'?", meant ? "did you mean" : "is it", meant ? meant : names[0]);
    return ERROR_CONFIG;
}

/* The name that was asked for, or the file's own choice. */
static const char *choose_name(const struct value *file, const char *name)
{
    const struct value *contexts = value_get(file, "contexts");

    if (!name)
        name = value_get_text(file, "current");
    if (!name && contexts->map.count == 1)
        name = contexts->map.entries[0].key;
    return name;
}

static int read_file(const char *path, struct value *ret_file, struct error *err)
{
    static const char *const known[] = {"current", "contexts", NULL};
    int r = yaml_config_read(path, ret_file, err);

    if (r == ERROR_NOT_FOUND) {
        error_set(err, ERROR_NOT_FOUND, "there is no such file, so no controller is known");
        error_where(err, path);
    }
    if (r < 0 && err->hint[0] == '\0')
        error_hint(err, SHAPE);
    return r < 0 ? r : check_keys(path, ret_file, known, err);
}

int context_load(const char *path, const char *name, struct context *ret_context, struct error *err)
{
    AUTO(context_done) struct context context = {0};
    AUTO_VALUE struct value file = {.type = VALUE_NULL};
    AUTO_FREE char *chosen = choose_path(path);
    const struct value *map = NULL;

    if (!chosen)
        return no_memory(err);
    int r = read_file(chosen, &file, err);
    if (r < 0)
        return r;
    const struct value *contexts = value_get(&file, "contexts");
    if (!contexts || contexts->type != VALUE_MAP || contexts->map.count == 0) {
        refuse(chosen, contexts ? contexts : &file, "contexts", "must be a map of contexts", err);
        return error_hint(err, SHAPE), ERROR_CONFIG;
    }
    name = choose_name(&file, name);
    if (!name) {
        refuse(chosen, &file, "current", "is missing, and there are several contexts", err);
        return error_hint(err, "write `current: NAME`, or say --context NAME"), ERROR_CONFIG;
    }
    r = find_context(chosen, contexts, name, &map, err);
    if (r == 0)
        r = read_context(chosen, name, map, &context, err);
    if (r < 0)
        return r;
    *ret_context = context;
    context = (struct context){0};
    return 0;
}
