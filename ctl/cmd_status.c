/* cmd_status.c - meshctl status: this machine's syncd, and the controller where one is known. */
#include "cmd_status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "auto.h"
#include "client.h"
#include "options.h"
#include "output.h"
#include "tell.h"

/* clang-format off */
static const struct command_option options[] = {
    {"node",       0, NULL, "ask this machine's syncd only"},
    {"controller", 0, NULL, "ask the controller only"},
    OPTIONS_SOCKET, OPTIONS_JSON, OPTIONS_CONTEXT, OPTIONS_CONFIG, {0}};
/* clang-format on */

const struct command_details cmd_status_details = {
    .text = "Show how things are: this machine's syncd if one runs, and the controller of\n"
            "the current context if one is configured.\n\n"
            "Exits 69 when one that was asked for, or is configured, does not answer.",
    .example = "meshctl status --json",
    .options = options,
};

/* One side's answer, or why there is none. */
struct side {
    bool is_asked, is_there;
    struct value answer;
    struct error err;
};

static void put_line(const char *label, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put_line(const char *label, const char *format, ...)
{
    AUTO_FREE char *line = NULL;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (length < 0) {
        line = NULL;
        return;
    }
    (void)printf("  %-11s", label);
    tell_text(stdout, line);
    (void)putchar('\n');
}

static const char *text_of(const struct value *map, const char *key)
{
    const char *text = value_get_text(map, key);

    return text ? text : "?";
}

/* The first eight digits are enough to compare two digests by eye. */
static void put_revision(const struct value *answer)
{
    put_line("revision", "%" PRId64 ", digest %.8s, epoch %" PRId64,
             value_get_integer(answer, "revision", 0), text_of(answer, "digest"),
             value_get_integer(answer, "epoch", 0));
}

/* "bad-signature 2, replayed 1": those above zero; what was refused is worth a line. */
static void put_counts(const char *label, const struct value *counts)
{
    AUTO_BUFFER struct buffer text = {0};

    for (size_t i = 0; counts && counts->type == VALUE_MAP && i < counts->map.count; i++) {
        const struct value_entry *entry = &counts->map.entries[i];
        if (entry->value.type == VALUE_INTEGER && entry->value.integer > 0)
            buffer_print(&text, "%s%s %" PRId64, text.size ? ", " : "", entry->key,
                         entry->value.integer);
    }
    if (text.size > 0)
        put_line(label, "%s", (const char *)text.bytes);
}

static void put_texts(const char *label, const struct value *list)
{
    for (size_t i = 0; list && list->type == VALUE_LIST && i < list->list.count; i++) {
        if (list->list.items[i].type == VALUE_STRING)
            put_line(label, "%s", list->list.items[i].string.text);
    }
}

/* Policies that the controller would not accept today. */
static void put_unfit(const struct value *list)
{
    for (size_t i = 0; list && list->type == VALUE_LIST && i < list->list.count; i++)
        put_line("UNFIT", "policy %s: %s", text_of(&list->list.items[i], "policy"),
                 text_of(&list->list.items[i], "reason"));
}

static void put_syncd(const struct value *answer)
{
    const struct value *snapshot = value_get(answer, "snapshot");
    bool is_fresh = value_get_boolean(answer, "fresh", false);

    (void)printf("syncd: node %s of mesh %s\n", text_of(answer, "node"), text_of(answer, "mesh"));
    put_line("controller", "%s, %s", text_of(answer, "controller"),
             value_get_boolean(answer, "connected", false) ? "connected" : "not connected");
    if (is_fresh)
        put_line("state", "fresh");
    else
        put_line("state", "stale for %" PRId64 " s; the last good state serves",
                 value_get_integer(answer, "stale_for_s", 0));
    put_revision(answer);
    put_line("snapshot", "%s, %" PRId64 " names", text_of(snapshot, "path"),
             value_get_integer(snapshot, "names", 0));
    put_counts("refused", value_get(answer, "counters"));
    put_texts("unsupported", value_get(answer, "unsupported"));
    put_texts("warning", value_get(answer, "warnings"));
}

static void put_controller(const struct value *answer)
{
    const struct value *nodes = value_get(answer, "nodes");

    (void)printf("controller: mesh %s\n", text_of(answer, "mesh"));
    put_line("software", "%s, up for %" PRId64 " s", text_of(answer, "software"),
             value_get_integer(answer, "uptime_s", 0));
    if (value_get_boolean(answer, "read_only", false))
        put_line("READ-ONLY", "%s", text_of(answer, "read_only_reason"));
    put_unfit(value_get(answer, "unfit"));
    put_revision(answer);
    put_line("nodes",
             "%" PRId64 " known, %" PRId64 " connected, %" PRId64 " current, %" PRId64
             " stale, %" PRId64 " revoked",
             value_get_integer(nodes, "known", 0), value_get_integer(nodes, "connected", 0),
             value_get_integer(nodes, "current", 0), value_get_integer(nodes, "stale", 0),
             value_get_integer(nodes, "revoked", 0));
    put_counts("refused", value_get(answer, "refused"));
}

static void ask_syncd(const struct command_call *call, struct side *side)
{
    int r = agent_ask(command_get(call, "socket"), "status", NULL, &side->answer, &side->err);

    side->is_there = r == 0;
    /* Not every machine with meshctl has a syncd: its absence counts only when it was asked for. */
    side->is_asked = r == 0 || command_has(call, "node") || command_has(call, "socket");
}

static void ask_controller(const struct command_call *call, struct side *side)
{
    AUTO(client_done) struct client client = {0};
    int r = client_open(call, &client, &side->err);

    /* Nor does every node have a configuration of meshctl. */
    side->is_asked = r != ERROR_NOT_FOUND || command_has(call, "controller") ||
                     command_has(call, "context") || command_has(call, "config");
    if (r == 0)
        r = client_call(&client, "GET", "/v1/status", NULL, &side->answer, &side->err);
    side->is_there = r == 0;
}

/* {syncd, controller}: each an object, or null. */
static int show_json(struct side *syncd, struct side *controller, struct error *err)
{
    AUTO_VALUE struct value object = {.type = VALUE_MAP};

    if (value_put(&object, "syncd", &syncd->answer) < 0 ||
        value_put(&object, "controller", &controller->answer) < 0)
        return error_set(err, ERROR_INTERNAL, "no memory");
    return output_json(&object, err);
}

int cmd_status(const struct command_call *call, struct error *err)
{
    struct side syncd = {.is_asked = false}, controller = {.is_asked = false};
    bool wants_both = command_has(call, "node") == command_has(call, "controller");
    int r = 0;

    if (wants_both || command_has(call, "node"))
        ask_syncd(call, &syncd);
    if (wants_both || command_has(call, "controller"))
        ask_controller(call, &controller);
    if (!syncd.is_there && !controller.is_there && !syncd.is_asked && !controller.is_asked) {
        *err = syncd.err;
        error_hint(err, "run it on a machine with syncd, or configure a controller: meshctl(1)");
        return syncd.err.code;
    }
    if (!command_has(call, "json") && syncd.is_there)
        put_syncd(&syncd.answer);
    if (!command_has(call, "json") && controller.is_there)
        put_controller(&controller.answer);
    if (command_has(call, "json"))
        r = show_json(&syncd, &controller, err);
    value_done(&syncd.answer);
    value_done(&controller.answer);

    struct side *silent[] = {&controller, &syncd};
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(silent); i++) {
        if (!silent[i]->is_asked || silent[i]->is_there)
            continue;
        *err = silent[i]->err;
        r = err->code;
    }
    return r;
}
