/* cmd_policy.c - meshctl policy check, apply, get, list, delete. */
#include "cmd_policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auto.h"
#include "change.h"
#include "client.h"
#include "options.h"
#include "output.h"
#include "source.h"
#include "yaml_write.h"

#define PAGE 200 /* policies a request of `list` */

/* clang-format off */
static const struct command_option check_options[] = {OPTIONS_JSON, {0}};
static const struct command_option mesh_options[] = {
    OPTIONS_JSON, OPTIONS_CONTEXT, OPTIONS_CONFIG, {0}};
/* clang-format on */

const struct command_details cmd_policy_check_details = {
    .text = "Check policy files without a controller: every mistake is told with its file,\n"
            "line and column, on standard error. A folder stands for its *.yaml, *.yml and\n"
            "*.json. All files are checked as one set, as if they were the whole mesh: an\n"
            "alias's target must be among them.",
    .example = "meshctl policy check policies/",
    .options = check_options,
};

const struct command_details cmd_policy_apply_details = {
    .text = "Check policy files, then send them to the controller as one change: all of it\n"
            "is committed under one new revision, or nothing. Policies that are not in the\n"
            "files stay as they are.",
    .example = "meshctl policy apply policies/",
    .options = mesh_options,
};

const struct command_details cmd_policy_get_details = {
    .text = "Print a policy that is in force, as `policy apply` takes it.",
    .example = "meshctl policy get canary > canary.yaml",
    .options = mesh_options,
};

const struct command_details cmd_policy_list_details = {
    .text = "List the policies in force, with the revision that brought each.",
    .example = "meshctl policy list",
    .options = mesh_options,
};

const struct command_details cmd_policy_delete_details = {
    .text = "Delete policies as one change: all of them or none. A name that no policy\n"
            "covers any more goes to the standard resolvers.",
    .example = "meshctl policy delete canary",
    .options = mesh_options,
};

/* The notes of a check as one object. */
static int show_check(struct source *source, bool is_good, struct error *err)
{
    AUTO_VALUE struct value object = {.type = VALUE_MAP};
    struct value errors, warnings;

    value_put_boolean(&object, "ok", is_good);
    value_put_integer(&object, "files", (int64_t)source->files);
    value_put_integer(&object, "policies", (int64_t)source->document_count);
    if (source_notes_value(source, false, &errors) < 0 ||
        value_put(&object, "errors", &errors) < 0 ||
        source_notes_value(source, true, &warnings) < 0 ||
        value_put(&object, "warnings", &warnings) < 0)
        return error_set(err, ERROR_INTERNAL, "no memory");
    return output_json(&object, err);
}

int cmd_policy_check(const struct command_call *call, struct error *err)
{
    AUTO(source_done) struct source source = {0};
    struct policy_set *set = NULL;

    int r = source_read(&source, call->arguments, call->argument_count);
    if (r == 0)
        r = source_check_set(&source, &set);
    policy_set_free(set);
    if (command_has(call, "json")) {
        int shown = show_check(&source, r == 0, err);
        return shown < 0 ? shown : r < 0 ? error_exit_status(r) : 0;
    }
    source_tell("meshctl", &source, true);
    if (r < 0)
        return error_exit_status(r);
    (void)printf("%zu %s in %zu %s, no mistake\n", source.document_count,
                 source.document_count == 1 ? "policy" : "policies", source.files,
                 source.files == 1 ? "file" : "files");
    return 0;
}

int cmd_policy_apply(const struct command_call *call, struct error *err)
{
    AUTO(source_done) struct source source = {0};
    AUTO(client_done) struct client client = {0};
    AUTO_VALUE struct value answer = {.type = VALUE_NULL};

    int r = source_read(&source, call->arguments, call->argument_count);
    source_tell("meshctl", &source, true);
    if (r < 0) {
        (void)fprintf(stderr, "nothing was applied\n");
        return error_exit_status(r);
    }
    r = client_open(call, &client, err);
    if (r == 0)
        r = change_send(&client, &source, NULL, 0, &answer, err);
    return r < 0 ? r : change_show(call, &answer, err);
}

/* Fetches a policy: {name, revision, document}. */
static int fetch(struct client *client, const char *name, struct value *ret_answer,
                 struct error *err)
{
    char path[128];

    int r = client_check_name("policy", name, err);
    if (r < 0)
        return r;
    (void)snprintf(path, sizeof(path), "/v1/policies/%s", name);
    return client_call(client, "GET", path, NULL, ret_answer, err);
}

/* A misspelt name shall not look like a success, so each is asked for first. Should somebody delete
 * one in between, the outcome is still the one that was wanted. */
int cmd_policy_delete(const struct command_call *call, struct error *err)
{
    AUTO(client_done) struct client client = {0};
    AUTO_VALUE struct value answer = {.type = VALUE_NULL};
    int r = client_open(call, &client, err);

    for (size_t i = 0; r == 0 && i < call->argument_count; i++) {
        AUTO_VALUE struct value policy = {.type = VALUE_NULL};
        r = fetch(&client, call->arguments[i], &policy, err);
    }
    if (r == 0)
        r = change_send(&client, NULL, call->arguments, call->argument_count, &answer, err);
    return r < 0 ? r : change_show(call, &answer, err);
}

int cmd_policy_get(const struct command_call *call, struct error *err)
{
    AUTO(client_done) struct client client = {0};
    AUTO_VALUE struct value answer = {.type = VALUE_NULL};

    int r = client_open(call, &client, err);
    if (r == 0)
        r = fetch(&client, call->arguments[0], &answer, err);
    if (r < 0)
        return r;
    if (command_has(call, "json"))
        return output_json(&answer, err);
    const struct value *document = value_get(&answer, "document");
    if (!document)
        return error_set(err, ERROR_INTERNAL, "the controller's answer holds no document");
    return yaml_write(document, stdout, err);
}

/* Fetches all pages into one list. */
static int fetch_all(struct client *client, struct value *ret_all, struct error *err)
{
    AUTO_VALUE struct value all = {.type = VALUE_MAP};
    struct value list = {.type = VALUE_LIST};
    char next[64] = "", path[160];
    int64_t revision = 0;
    int r;

    do {
        AUTO_VALUE struct value page = {.type = VALUE_NULL};

        (void)snprintf(path, sizeof(path), "/v1/policies?after=%s&limit=%d", next, PAGE);
        r = client_call(client, "GET", path, NULL, &page, err);
        if (r < 0)
            break;
        const struct value *policies = value_get(&page, "policies");
        for (size_t i = 0; policies && policies->type == VALUE_LIST && i < policies->list.count;
             i++) {
            struct value item;
            if (r == 0)
                r = value_copy(&policies->list.items[i], &item);
            if (r == 0)
                r = value_push(&list, &item);
        }
        const char *text = value_get_text(&page, "next");
        (void)snprintf(next, sizeof(next), "%s", text ? text : "");
        revision = value_get_integer(&page, "revision", 0);
        if (next[0] && client_check_name("policy", next, err) < 0)
            r = err->code;
    } while (r == 0 && next[0]);

    value_put_integer(&all, "revision", revision);
    if (value_put(&all, "policies", &list) < 0)
        return error_set(err, ERROR_INTERNAL, "no memory");
    if (r < 0)
        return r;
    *ret_all = all;
    all = (struct value){.type = VALUE_NULL};
    return 0;
}

/* "a.mesh, b.mesh and 3 more" */
static void print_domains(const struct value *domains, char *ret_text, size_t size)
{
    size_t count = domains && domains->type == VALUE_LIST ? domains->list.count : 0;
    struct buffer text = {0};

    if (domains && domains->type == VALUE_STRING)
        buffer_print(&text, "%s", domains->string.text);
    for (size_t i = 0; i < count && i < 2; i++)
        buffer_print(
            &text, "%s%s", i ? ", " : "",
            domains->list.items[i].type == VALUE_STRING ? domains->list.items[i].string.text : "?");
    if (count > 2)
        buffer_print(&text, " and %zu more", count - 2);
    (void)snprintf(ret_text, size, "%s", text.bytes ? (const char *)text.bytes : "");
    buffer_done(&text);
}

/* What a policy does, in a word or two. */
static void print_doing(const struct value *document, char *ret_text, size_t size)
{
    const struct value *destinations = value_get(document, "destinations");
    const char *alias = value_get_text(document, "alias");
    const char *action = value_get_text(document, "action");
    const char *select = value_get_text(document, "select");

    if (alias)
        (void)snprintf(ret_text, size, "alias of %s", alias);
    else if (action)
        (void)snprintf(ret_text, size, "%s", action);
    else
        (void)snprintf(ret_text, size, "%s, %zu", select ? select : "weighted",
                       destinations && destinations->type == VALUE_LIST ? destinations->list.count
                                                                        : 0);
}

int cmd_policy_list(const struct command_call *call, struct error *err)
{
    AUTO(client_done) struct client client = {0};
    AUTO_VALUE struct value all = {.type = VALUE_NULL};
    struct output_table table = {.columns = 4};

    int r = client_open(call, &client, err);
    if (r == 0)
        r = fetch_all(&client, &all, err);
    if (r < 0)
        return r;
    if (command_has(call, "json"))
        return output_json(&all, err);
    const struct value *policies = value_get(&all, "policies");
    if (policies->list.count == 0) {
        (void)printf("no policy is in force\n");
        return 0;
    }
    output_cell(&table, "POLICY");
    output_cell(&table, "REVISION");
    output_cell(&table, "SELECT");
    output_cell(&table, "DOMAINS");
    for (size_t i = 0; i < policies->list.count; i++) {
        const struct value *item = &policies->list.items[i];
        const char *name = value_get_text(item, "name");
        char domains[256], doing[320];

        print_domains(value_get(value_get(item, "document"), "domains"), domains, sizeof(domains));
        print_doing(value_get(item, "document"), doing, sizeof(doing));
        output_cell(&table, "%s", name ? name : "?");
        output_cell(&table, "%" PRId64, value_get_integer(item, "revision", 0));
        output_cell(&table, "%s", doing);
        output_cell(&table, "%s", domains);
    }
    output_table_done(&table);
    return 0;
}
