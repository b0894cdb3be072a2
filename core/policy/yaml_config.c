/* yaml_config.c - what the configurations of meshctl and the daemons have in common. */
#include "yaml_config.h"

#include <stdlib.h>

#include "auto.h"
#include "file.h"
#include "suggest.h"
#include "yaml.h"

static int take_map(struct value *documents, struct value *ret_map, struct error *err)
{
    size_t count = documents->type == VALUE_LIST ? documents->list.count : 0;
    struct value *map = count > 0 ? &documents->list.items[0] : NULL;

    if (count > 1) {
        error_set(err, ERROR_CONFIG, "holds %zu documents; allowed is one", count);
        return ERROR_CONFIG;
    }
    if (map && map->type != VALUE_MAP) {
        error_set(err, ERROR_CONFIG, "must be a map, not %s", value_type_name(map->type));
        error_place(err, map->line, map->column);
        return ERROR_CONFIG;
    }
    *ret_map = map ? *map : (struct value){.type = VALUE_MAP};
    if (map)
        *map = (struct value){.type = VALUE_NULL};
    return 0;
}

int yaml_config_read(const char *path, struct value *ret_map, struct error *err)
{
    AUTO_VALUE struct value documents = {.type = VALUE_NULL};
    AUTO_FREE char *text = NULL;
    size_t size = 0;

    int r = file_read(path, YAML_DOCUMENT_MAX, &text, &size, err);
    if (r == ERROR_NOT_FOUND)
        return r;
    if (r == 0)
        r = yaml_read(text, size, path, &documents, err);
    if (r == 0)
        r = take_map(&documents, ret_map, err);
    if (r == 0 || r == ERROR_INTERNAL)
        return r;
    if (err)
        err->code = ERROR_CONFIG;
    (void)error_where(err, path);
    return ERROR_CONFIG;
}

int yaml_config_unknown(const struct value_entry *entry, const char *const *known,
                        struct error *err)
{
    const char *near = suggest_word(entry->key, known);

    error_set(err, ERROR_CONFIG, "this key is not known");
    error_place(err, entry->line, entry->column);
    error_key(err, "%.100s", entry->key);
    if (near)
        error_hint(err, "did you mean '%s'?", near);
    return ERROR_CONFIG;
}
