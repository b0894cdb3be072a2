/* source.c - policy files: read, checked, with every mistake and its place. */
#include "source.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auto.h"
#include "file.h"
#include "tell.h"
#include "yaml.h"

#define FILE_MAX                                                                                   \
    ((size_t)256 * 1024 * 1024) /* a document has a limit of its own, YAML_DOCUMENT_MAX */

void source_done(struct source *source)
{
    for (size_t i = 0; i < source->document_count; i++) {
        free(source->documents[i].where);
        value_done(&source->documents[i].value);
        policy_free(source->documents[i].policy);
    }
    free(source->documents);
    free(source->notes);
    *source = (struct source){0};
}

void source_note(struct source *source, bool is_warning, const struct error *err)
{
    struct source_note *more =
        reallocarray(source->notes, source->note_count + 1, sizeof(*source->notes));

    if (!more) /* the code still comes back; only the words are lost */
        return;
    source->notes = more;
    source->notes[source->note_count++] = (struct source_note){is_warning, *err};
}

/* Steps into a map or a list along one part of a key; NULL when there is no such thing. */
static const struct value *step(const struct value *value, const char **key)
{
    if (**key == '[') {
        char *end;
        unsigned long index = strtoul(*key + 1, &end, 10);

        *key = *end == ']' ? end + 1 : "";
        *key += **key == '.';
        return value->type == VALUE_LIST && index < value->list.count ? &value->list.items[index]
                                                                      : NULL;
    }
    size_t length = strcspn(*key, ".[");
    const char *name = *key;
    *key += length;
    *key += **key == '.';
    for (size_t i = 0; value->type == VALUE_MAP && i < value->map.count; i++) {
        const struct value_entry *entry = &value->map.entries[i];
        if (strncmp(entry->key, name, length) == 0 && entry->key[length] == '\0')
            return &entry->value;
    }
    return NULL;
}

void source_place(const struct value *document, const char *key, unsigned *ret_line,
                  unsigned *ret_column)
{
    const struct value *value = document;

    while (value) {
        if (value->line) {
            *ret_line = value->line;
            *ret_column = value->column;
        }
        value = *key ? step(value, &key) : NULL;
    }
}

/* What policy_warn tells a document's warnings to. */
struct warned {
    struct source *source;
    const struct source_document *document;
};

static void take_warning(void *context, const char *key, const char *sentence)
{
    struct warned *warned = context;
    struct error err = {0};

    error_set(&err, ERROR_INVALID, "%s", sentence);
    error_where(&err, warned->document->where);
    error_key(&err, "%s", key);
    source_place(&warned->document->value, key, &err.line, &err.column);
    source_note(warned->source, true, &err);
}

/* Adds a document; value moves. */
static int add_document(struct source *source, const char *where, struct value *value,
                        struct error *err)
{
    struct source_document *more =
        reallocarray(source->documents, source->document_count + 1, sizeof(*source->documents));
    struct source_document document = {.where = strdup(where), .value = *value};

    *value = (struct value){.type = VALUE_NULL};
    if (more)
        source->documents = more;
    if (!more || !document.where) {
        free(document.where);
        value_done(&document.value);
        return error_set(err, ERROR_INTERNAL, "no memory");
    }
    source->documents[source->document_count++] = document;

    struct source_document *added = &source->documents[source->document_count - 1];
    int r = policy_parse(&added->value, where, &added->policy, err);
    if (r == 0)
        policy_warn(added->policy, take_warning, &(struct warned){source, added});
    return r;
}

/* Notes an error and keeps the first code. */
static void fail(struct source *source, const struct error *err, int *first)
{
    source_note(source, false, err);
    if (*first == 0)
        *first = err->code;
}

static void read_one(struct source *source, const char *path, int *first)
{
    const char *where = strcmp(path, "-") == 0 ? "standard input" : path;
    AUTO_VALUE struct value documents = {.type = VALUE_NULL};
    AUTO_FREE char *text = NULL;
    struct error err = {0};
    size_t size = 0;

    source->files++;
    if (file_read(path, FILE_MAX, &text, &size, &err) < 0 ||
        yaml_read(text, size, where, &documents, &err) < 0) {
        fail(source, &err, first);
        return;
    }
    for (size_t i = 0; documents.type == VALUE_LIST && i < documents.list.count; i++) {
        err = (struct error){0};
        if (add_document(source, where, &documents.list.items[i], &err) < 0)
            fail(source, &err, first);
    }
}

static int is_policy_file(const struct dirent *entry)
{
    static const char *const endings[] = {".yaml", ".yml", ".json"};
    const char *ending = strrchr(entry->d_name, '.');

    for (size_t i = 0; entry->d_name[0] != '.' && ending && i < ARRAY_SIZE(endings); i++) {
        if (strcmp(ending, endings[i]) == 0)
            return 1;
    }
    return 0;
}

/* By bytes, whatever the locale: the same folder is the same order everywhere. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_folder(struct source *source, const char *path, int *first)
{
    struct dirent **entries = NULL;
    size_t length = strlen(path);
    struct error err = {0};

    int count = scandir(path, &entries, is_policy_file, by_name);
    if (count < 0) {
        error_errno(&err, path, "cannot read the folder");
        fail(source, &err, first);
    } else if (count == 0) {
        error_set(&err, ERROR_NOT_FOUND, "the folder holds no policy file");
        error_where(&err, path);
        error_hint(&err, "their names end in .yaml, .yml or .json");
        fail(source, &err, first);
    }
    for (int i = 0; i < count; i++) {
        AUTO_FREE char *file = NULL;

        if (asprintf(&file, "%s%s%s", path, length && path[length - 1] == '/' ? "" : "/",
                     entries[i]->d_name) < 0) {
            file = NULL;
            error_errno(&err, path, "cannot read the folder");
            fail(source, &err, first);
        } else {
            read_one(source, file, first);
        }
        free(entries[i]);
    }
    free(entries);
}

static int by_policy_name(const void *a, const void *b)
{
    const struct source_document *const *x = a, *const *y = b;
    int order = strcmp((*x)->policy->name, (*y)->policy->name);

    return order ? order : *x < *y ? -1 : *x > *y;
}

/* Two documents for one policy: the second would silently replace the first. */
static void check_doubles(struct source *source, int *first)
{
    size_t count = source->document_count;
    AUTO_FREE struct source_document **sorted = calloc(count + 1, sizeof(*sorted));
    struct error err = {0};

    if (!sorted) {
        error_set(&err, ERROR_INTERNAL, "no memory");
        fail(source, &err, first);
        return;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = &source->documents[i];
    qsort(sorted, count, sizeof(*sorted), by_policy_name);
    for (size_t i = 1; i < count; i++) {
        const struct policy *one = sorted[i - 1]->policy, *two = sorted[i]->policy;

        if (strcmp(one->name, two->name) != 0)
            continue;
        error_set(&err, ERROR_CONFLICT, "'%s' is there already, at %.200s:%u", two->name,
                  sorted[i - 1]->where, one->line);
        error_where(&err, sorted[i]->where);
        error_place(&err, two->line, two->column);
        error_key(&err, "policy");
        error_hint(&err, "give one of them another name, or leave it out");
        fail(source, &err, first);
    }
}

int source_read(struct source *source, char *const *paths, size_t count)
{
    int first = 0;

    for (size_t i = 0; i < count; i++) {
        struct stat status;

        if (strcmp(paths[i], "-") != 0 && stat(paths[i], &status) == 0 && S_ISDIR(status.st_mode))
            read_folder(source, paths[i], &first);
        else
            read_one(source, paths[i], &first);
    }
    if (first == 0)
        check_doubles(source, &first);
    return first;
}

int source_check_set(struct source *source, struct policy_set **ret_set)
{
    struct policy_set *set = policy_set_new();
    struct error err = {0};
    int r = set ? 0 : error_set(&err, ERROR_INTERNAL, "no memory");

    for (size_t i = 0; r == 0 && i < source->document_count; i++)
        r = policy_set_put(set, auto_take(source->documents[i].policy), &err);
    if (r == 0)
        r = policy_set_check(set, NULL, &err);
    if (r < 0) {
        source_note(source, false, &err);
        policy_set_free(set);
        return r;
    }
    policy_set_commit(set);
    *ret_set = set;
    return 0;
}

void source_tell(const char *program, struct source *source, bool has_warnings)
{
    for (size_t i = 0; i < source->note_count; i++) {
        if (!source->notes[i].is_warning)
            tell_error(program, &source->notes[i].err);
        else if (has_warnings)
            tell_warning(&source->notes[i].err);
    }
}

int source_notes_value(struct source *source, bool is_warning, struct value *ret_list)
{
    struct value list = {.type = VALUE_LIST};

    for (size_t i = 0; i < source->note_count; i++) {
        const struct error *err = &source->notes[i].err;
        struct value item = {.type = VALUE_MAP};

        if (source->notes[i].is_warning != is_warning)
            continue;
        value_put_text(&item, "where", err->where);
        value_put_integer(&item, "line", err->line);
        value_put_integer(&item, "column", err->column);
        value_put_text(&item, "key", err->key);
        value_put_text(&item, "text", err->text);
        if (!is_warning) {
            value_put_text(&item, "hint", err->hint);
            value_put_text(&item, "code", error_name(err->code));
        }
        if (value_push(&list, &item) < 0) {
            value_done(&list);
            return ERROR_INTERNAL;
        }
    }
    *ret_list = list;
    return 0;
}
