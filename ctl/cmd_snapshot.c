/* cmd_snapshot.c - meshctl snapshot compile, show, verify. */
#include "cmd_snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "clock.h"
#include "compile.h"
#include "offline.h"
#include "options.h"
#include "output.h"
#include "source.h"
#include "tell.h"
#include "view.h"

/* clang-format off */
static const struct command_option compile_options[] = {
    {"output", 'o', "FILE", "the snapshot to make, or to change in place; required"},
    OFFLINE_OPTIONS,
    OPTIONS_JSON, {0}};
static const struct command_option view_options[] = {
    OPTIONS_SNAPSHOT, OPTIONS_JSON, {0}};
/* clang-format on */

const struct command_details cmd_snapshot_compile_details = {
    .text = "Compile policy files into a snapshot, without a daemon, a controller or root.\n"
            "Programs use it with MESHDNS_SNAPSHOT=FILE under the shim. A snapshot that is\n"
            "there already is changed in place, so that programs which use it follow.\n"
            "localhost, this machine's name and the names in /etc/hosts are left alone.",
    .example = "meshctl snapshot compile policies/ -o /tmp/snapshot --zone eu-1",
    .options = compile_options,
};

const struct command_details cmd_snapshot_show_details = {
    .text = "Show what a snapshot holds: its revision and its names, or the record of NAME\n"
            "(\"*.shop.mesh\" for a wildcard).",
    .example = "meshctl snapshot show",
    .options = view_options,
};

const struct command_details cmd_snapshot_verify_details = {
    .text = "Prove a whole snapshot: its header, every record, that each name is found where\n"
            "it lies, and that no two records overlap. The file may be in use.\n\n"
            "Exits 1 when it is damaged.",
    .example = "meshctl snapshot verify --snapshot /tmp/snapshot",
    .options = view_options,
};

/* Reads, checks and compiles; what is wrong in the files was told when 1 comes back in
 * *ret_told. */
static int compile(const struct command_call *call, const char *path,
                   struct offline_result *ret_result, bool *ret_told, struct error *err)
{
    AUTO(source_done) struct source source = {0};
    AUTO(offline_node_done) struct offline_node node = {0};
    struct policy_set *set = NULL;

    int r = offline_node_read(call, &node, err);
    if (r < 0)
        return r;
    r = source_read(&source, call->arguments, call->argument_count);
    if (r == 0)
        r = source_check_set(&source, &set);
    source_tell("meshctl", &source, true);
    *ret_told = r < 0;
    if (r == 0)
        r = offline_compile(set, &node, path, ret_result, err);
    policy_set_free(set);
    return r;
}

int cmd_snapshot_compile(const struct command_call *call, struct error *err)
{
    const char *path = command_get(call, "output");
    struct offline_result result = {0};
    bool is_told = false;

    if (!path)
        return error_set(err, ERROR_USAGE, "snapshot compile: -o FILE is missing");
    int r = compile(call, path, &result, &is_told, err);
    if (r < 0)
        return is_told ? error_exit_status(r) : r;
    if (result.unknown_user[0])
        (void)fprintf(stderr, "meshctl: warning: when.uid: no user '%s' on this machine\n",
                      result.unknown_user);
    if (command_has(call, "json")) {
        AUTO_VALUE struct value object = {.type = VALUE_MAP};

        value_put_text(&object, "snapshot", path);
        value_put_integer(&object, "records", (int64_t)result.names);
        value_put_integer(&object, "elsewhere", (int64_t)result.elsewhere);
        return output_json(&object, err);
    }
    (void)printf("%s: %zu records", path, result.names);
    if (result.elsewhere > 0)
        (void)printf("; %zu names have no rule for this node", result.elsewhere);
    (void)printf("\n");
    return 0;
}

/* What `show` collects while it walks. */
struct shown {
    struct value names;
    struct error *err;
};

static int note_record(void *context, const uint8_t *key, size_t length, const uint64_t *words,
                       size_t count)
{
    struct shown *shown = context;
    struct value item = {.type = VALUE_MAP}, record;
    char text[320];

    int r = compile_describe(words, count, &record, shown->err);
    if (r < 0)
        return r;
    snapshot_check_print_key(key, length, text);
    value_put_text(&item, "key", text);
    if (value_put(&item, "record", &record) < 0 || value_push(&shown->names, &item) < 0)
        return error_set(shown->err, ERROR_INTERNAL, "no memory");
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const char *x = value_get_text(a, "key"), *y = value_get_text(b, "key");

    return strcmp(x ? x : "", y ? y : "");
}

/* The header as the fields of an object. */
static void put_header(const struct snapshot_check *check, const char *path, struct value *object)
{
    struct snapshot_check_header header;

    snapshot_check_header(check, &header);
    uint64_t now_ns = clock_boot_ns();
    bool has_beat = header.heartbeat_ns > 0 && header.heartbeat_ns <= now_ns;
    value_put_text(object, "snapshot", path);
    value_put_integer(object, "revision", (int64_t)header.revision);
    value_put_integer(object, "names", (int64_t)header.names);
    value_put_integer(object, "tombstones", (int64_t)header.tombstones);
    value_put_integer(object, "slots", (int64_t)header.slots);
    value_put_integer(object, "file_size", (int64_t)header.file_size);
    value_put_integer(object, "heartbeat_age_s",
                      has_beat ? (int64_t)((now_ns - header.heartbeat_ns) / 1000000000) : -1);
    value_put_boolean(object, "superseded", header.is_superseded);
}

/* "draw, 4 destinations" of a record's first rule, and how many rules follow; "2 domains". */
static void print_summary(const struct value *record, char *ret_text, size_t size)
{
    const struct value *rules = value_get(record, "rules");
    size_t count = rules && rules->type == VALUE_LIST ? rules->list.count : 0;
    const struct value *first = count ? &rules->list.items[0] : NULL;
    const struct value *destinations = value_get(first, "destinations");
    const char *verb = value_get_text(first, "verb");
    const struct value *search = value_get(record, "search");
    struct buffer text = {0};

    if (search && search->type == VALUE_LIST)
        buffer_print(&text, "%zu %s", search->list.count,
                     search->list.count == 1 ? "domain" : "domains");
    buffer_print(&text, "%s", verb ? verb : "");
    if (destinations && destinations->type == VALUE_LIST && destinations->list.count > 0)
        buffer_print(&text, ", %zu %s", destinations->list.count,
                     destinations->list.count == 1 ? "destination" : "destinations");
    if (count > 1)
        buffer_print(&text, "; %zu rules", count);
    (void)snprintf(ret_text, size, "%s", text.bytes ? (const char *)text.bytes : "");
    buffer_done(&text);
}

static void put_names(const struct value *object, const struct value *names)
{
    struct output_table table = {.columns = 2};

    (void)printf("%s: revision %" PRId64 ", %" PRId64 " names, %" PRId64 " bytes",
                 value_get_text(object, "snapshot"), value_get_integer(object, "revision", 0),
                 value_get_integer(object, "names", 0), value_get_integer(object, "file_size", 0));
    if (value_get_integer(object, "heartbeat_age_s", -1) >= 0)
        (void)printf(", written to %" PRId64 " s ago",
                     value_get_integer(object, "heartbeat_age_s", 0));
    (void)printf("%s\n", value_get_boolean(object, "superseded", false) ? ", superseded" : "");
    for (size_t i = 0; i < names->list.count; i++) {
        char summary[128];

        print_summary(value_get(&names->list.items[i], "record"), summary, sizeof(summary));
        output_cell(&table, "%s", value_get_text(&names->list.items[i], "key"));
        output_cell(&table, "%s", summary);
    }
    output_table_done(&table);
}

static int show_all(const struct command_call *call, struct snapshot_check *check, const char *path,
                    struct error *err)
{
    AUTO_VALUE struct value object = {.type = VALUE_MAP};
    struct shown shown = {.names = {.type = VALUE_LIST}, .err = err};

    int r = snapshot_check_each(check, note_record, &shown, err);
    if (r < 0) {
        value_done(&shown.names);
        return error_where(err, path), r;
    }
    if (shown.names.list.count > 1)
        qsort(shown.names.list.items, shown.names.list.count, sizeof(struct value), by_key);
    put_header(check, path, &object);
    if (!command_has(call, "json"))
        put_names(&object, &shown.names);
    if (value_put(&object, "records", &shown.names) < 0)
        return error_set(err, ERROR_INTERNAL, "no memory");
    return command_has(call, "json") ? output_json(&object, err) : 0;
}

/* The record of one key. Returns 1 when there is none. */
static int show_one(const struct command_call *call, struct snapshot_check *check, const char *name,
                    struct error *err)
{
    AUTO_VALUE struct value item = {.type = VALUE_NULL};

    int found = view_record(check, name, &item, err);
    if (found < 0)
        return found;
    if (found == 0) {
        (void)fprintf(stderr, "the snapshot has no record for '%s'\n", name);
        return 1;
    }
    if (command_has(call, "json"))
        return output_json(&item, err);
    (void)printf("%s\n", value_get_text(&item, "key"));
    view_rules(value_get(&item, "record"));
    return 0;
}

int cmd_snapshot_show(const struct command_call *call, struct error *err)
{
    const char *path = view_path(call);
    struct snapshot_check *check = NULL;

    int r = view_open(path, &check, err);
    if (r < 0)
        return r;
    r = call->argument_count ? show_one(call, check, call->arguments[0], err)
                             : show_all(call, check, path, err);
    snapshot_check_close(check);
    return r;
}

int cmd_snapshot_verify(const struct command_call *call, struct error *err)
{
    AUTO_VALUE struct value object = {.type = VALUE_MAP};
    const char *path = view_path(call);
    struct snapshot_check *check = NULL;

    int r = view_open(path, &check, err);
    if (r < 0 && r != ERROR_INVALID)
        return r;
    int names = r < 0 ? r : snapshot_check_each(check, NULL, NULL, err);
    if (check)
        put_header(check, path, &object);
    snapshot_check_close(check);
    if (names < 0 && names != ERROR_INVALID)
        return names;
    if (names < 0)
        error_where(err, path);
    value_put_boolean(&object, "ok", names >= 0);
    value_put_text(&object, "error", names < 0 ? error_line(err) : "");
    if (command_has(call, "json"))
        r = output_json(&object, err);
    else if (names < 0)
        tell_error("meshctl", err);
    else
        (void)printf("%s: %d names, no fault\n", path, names);
    return r < 0 && r != ERROR_INVALID ? r : names < 0;
}
