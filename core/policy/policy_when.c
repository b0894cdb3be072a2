/* policy_when.c - who asks: the key `when:`. */
#include "policy_when.h"

#include <stdlib.h>
#include <string.h>

#include "policy_label.h"
#include "policy_read.h"
#include "snapshot_format.h"

#define APP_MAX  255 /* NAME_MAX: a file's name */
#define USER_MAX 32
#define UID_MAX  (UINT32_MAX - 1) /* the last one means "none" to chown and setreuid */

static int read_node_name(const struct value *value, void *target, struct error *err)
{
    struct policy_when *when = target;

    return policy_label_word(value, "node name", &when->node_name, err);
}

static int read_node_zone(const struct value *value, void *target, struct error *err)
{
    struct policy_when *when = target;

    return policy_label_word(value, "zone", &when->node_zone, err);
}

static int read_node_labels(const struct value *value, void *target, struct error *err)
{
    struct policy_when *when = target;

    return policy_label_read(value, &when->node_labels, &when->node_label_count, err);
}

static const struct policy_read_key node_keys[] = {
    {"name", read_node_name, NULL},
    {"zone", read_node_zone, NULL},
    {"labels", read_node_labels, NULL},
    {NULL, NULL, NULL},
};

static int read_node(const struct value *value, void *target, struct error *err)
{
    if (value->type == VALUE_MAP && value->map.count == 0)
        return policy_read_refuse(err, ERROR_INVALID, value,
                                  "an empty map; name, zone or labels are needed");
    return policy_read_map(value, node_keys, target, err);
}

static int check_app(const struct value *value, const char *text, struct error *err)
{
    const char *star = strchr(text, '*');

    if (strcmp(text, "*") == 0) {
        (void)policy_read_refuse(err, ERROR_INVALID, value, "'*' matches every program");
        error_hint(err, "leave `app` out");
        return ERROR_INVALID;
    }
    if (strchr(text, '/')) {
        (void)policy_read_refuse(err, ERROR_INVALID, value,
                                 "'%s' is a path; a program's name is "
                                 "needed",
                                 text);
        error_hint(err, "write '%s'", strrchr(text, '/') + 1);
        return ERROR_INVALID;
    }
    if (star && star[1] != '\0')
        return policy_read_refuse(err, ERROR_INVALID, value, "'%s': a * may stand at the end only",
                                  text);
    return 0;
}

static int read_app(const struct value *value, void *target, struct error *err)
{
    struct policy_when *when = target;
    char **app = &when->apps[when->app_count];
    int r = policy_read_copy(value, APP_MAX, app, err);

    if (r < 0)
        return r;
    when->app_count++;
    return check_app(value, *app, err);
}

static int read_apps(const struct value *value, void *target, struct error *err)
{
    struct policy_when *when = target;

    when->apps = calloc(policy_read_count(value) + 1, sizeof(*when->apps));
    if (!when->apps)
        return policy_read_memory(err);
    return policy_read_each(value, SNAPSHOT_APPS_MAX, "programs", read_app, when, err);
}

static int check_user(const struct value *value, const char *name, struct error *err)
{
    size_t length = strlen(name);
    size_t good =
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-$");

    if (strspn(name, "0123456789") == length) {
        (void)policy_read_refuse(err, ERROR_INVALID, value, "'%s' is text", name);
        error_hint(err, "a number without quotes is a uid, text is a user's name");
        return ERROR_INVALID;
    }
    if (good < length || name[0] == '-')
        return policy_read_refuse(err, ERROR_INVALID, value, "'%s' is no user's name", name);
    return 0;
}

static int read_uid(const struct value *value, void *target, struct error *err)
{
    struct policy_when *when = target;
    struct policy_uid *uid = &when->uids[when->uid_count];
    int r;

    if (value->type == VALUE_STRING) {
        r = policy_read_copy(value, USER_MAX, &uid->name, err);
        if (r < 0)
            return r;
        when->uid_count++;
        return check_user(value, uid->name, err);
    }
    int64_t number = 0;
    r = policy_read_integer(value, 0, UID_MAX, "uid", &number, err);
    if (r < 0)
        return r;
    uid->uid = (uint32_t)number;
    when->uid_count++;
    return 0;
}

static int read_uids(const struct value *value, void *target, struct error *err)
{
    struct policy_when *when = target;

    when->uids = calloc(policy_read_count(value) + 1, sizeof(*when->uids));
    if (!when->uids)
        return policy_read_memory(err);
    return policy_read_each(value, SNAPSHOT_UIDS_MAX, "users", read_uid, when, err);
}

static const struct policy_read_key keys[] = {
    {"node", read_node, NULL},
    {"app", read_apps, NULL},
    {"uid", read_uids, NULL},
    {"name", NULL, "`name` belongs below `node`"},
    {"zone", NULL, "`zone` belongs below `node`"},
    {"labels", NULL, "`labels` belong below `node`"},
    {NULL, NULL, NULL},
};

int policy_when_read(const struct value *value, struct policy_when *ret_when, struct error *err)
{
    if (value->type == VALUE_MAP && value->map.count == 0)
        return policy_read_refuse(err, ERROR_INVALID, value,
                                  "an empty map; node, app or uid are needed");
    int r = policy_read_map(value, keys, ret_when, err);
    if (r == 0 && !policy_when_is_given(ret_when))
        r = policy_read_refuse(err, ERROR_INVALID, value, "nothing that restricts who asks");
    return r;
}

void policy_when_done(struct policy_when *when)
{
    free(when->node_name);
    free(when->node_zone);
    policy_label_done(when->node_labels, when->node_label_count);
    for (size_t i = 0; i < when->app_count; i++)
        free(when->apps[i]);
    free(when->apps);
    for (size_t i = 0; i < when->uid_count; i++)
        free(when->uids[i].name);
    free(when->uids);
}

bool policy_when_is_given(const struct policy_when *when)
{
    return when->node_name || when->node_zone || when->node_label_count > 0 ||
           when->app_count > 0 || when->uid_count > 0;
}

bool policy_when_covers(const char *wide, const char *narrow)
{
    size_t length = strlen(wide);

    if (length > 0 && wide[length - 1] == '*')
        return strncmp(wide, narrow, length - 1) == 0;
    return strcmp(wide, narrow) == 0;
}
