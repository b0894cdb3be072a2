/* cmd_explain.c - meshctl explain: why a name resolves as it does.
 *
 * A snapshot alone tells rules, weights and shares; syncd knows the policies too, their names and
 * those that are for other nodes.
 */
#include "cmd_explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "auto.h"
#include "options.h"
#include "output.h"
#include "tell.h"
#include "view.h"

/* clang-format off */
static const struct command_option options[] = {
    OPTIONS_SNAPSHOT, OPTIONS_SOCKET, OPTIONS_JSON, {0}};
/* clang-format on */

const struct command_details cmd_explain_details = {
    .text = "Tell why NAME resolves as it does: the record that matches, its rules in the\n"
            "order they are asked, every destination with its share and the reason for it.\n"
            "Where syncd runs, it is asked too and tells the policies behind the rules; with\n"
            "--snapshot or $MESHDNS_SNAPSHOT only that file is read.\n\n"
            "Exits 1 when no policy covers NAME.",
    .example = "meshctl explain canary.shop.mesh",
    .options = options,
};

/* Whether the question is about the machine's own snapshot, which syncd can speak for. */
static bool asks_syncd(const struct command_call *call)
{
    const char *path = getenv("MESHDNS_SNAPSHOT");

    return command_has(call, "socket") || (!command_has(call, "snapshot") && !(path && path[0]));
}

/* The records of the snapshot. A machine without one is told of only when syncd is silent too. */
static int read_snapshot(const char *path, const char *name, struct value *ret_records,
                         struct error *err)
{
    struct snapshot_check *check = NULL;

    int r = view_open(path, &check, err);
    if (r == 0)
        r = view_records(check, name, ret_records, err);
    snapshot_check_close(check);
    return r;
}

static void put_records(const struct value *records)
{
    for (size_t i = 0; i < records->list.count; i++) {
        const struct value *item = &records->list.items[i];

        (void)printf("%s%s%s\n", i ? "if none of these rules holds: " : "",
                     value_get_text(item, "key"), i ? "" : ", from the snapshot");
        view_rules(value_get(item, "record"));
    }
}

static void put_syncd(const struct value *syncd)
{
    const char *matched = value_get_text(syncd, "matched");
    const struct value *explanation = value_get(syncd, "explanation");

    if (value_get_boolean(syncd, "protected", false))
        (void)printf("protected on this machine: no policy overrides it\n");
    if (value_get_boolean(syncd, "kept", false))
        (void)printf("a document of a later meshdns covers it: its last record serves on\n");
    if (!explanation || explanation->type != VALUE_MAP)
        return;
    tell_text(stdout, matched && matched[0] ? matched : "no domain");
    (void)printf(", by the policies that syncd holds\n");
    view_rules(explanation);
}

/* {name, snapshot, records, syncd} */
static int show_json(const char *name, const char *path, struct value *records, struct value *syncd,
                     struct error *err)
{
    AUTO_VALUE struct value object = {.type = VALUE_MAP};

    value_put_text(&object, "name", name);
    value_put_text(&object, "snapshot", path);
    if (value_put(&object, "records", records) < 0 || value_put(&object, "syncd", syncd) < 0)
        return error_set(err, ERROR_INTERNAL, "no memory");
    return output_json(&object, err);
}

int cmd_explain(const struct command_call *call, struct error *err)
{
    AUTO_VALUE struct value records = {.type = VALUE_LIST}, syncd = {.type = VALUE_NULL};
    const char *name = call->arguments[0], *path = view_path(call);
    struct error of_syncd = {0};

    int asked = ERROR_UNREACHABLE;
    if (asks_syncd(call))
        asked = agent_ask(command_get(call, "socket"), "explain", name, &syncd, &of_syncd);
    if (asked < 0 && command_has(call, "socket")) {
        *err = of_syncd;
        return asked;
    }
    int found = read_snapshot(path, name, &records, err);
    if (found < 0 && (asked < 0 || found == ERROR_INVALID))
        return found;

    const struct value *rules = value_get(value_get(&syncd, "explanation"), "rules");
    bool is_covered = found > 0 || value_get_boolean(&syncd, "protected", false) ||
                      (rules && rules->type == VALUE_LIST && rules->list.count > 0);
    if (command_has(call, "json")) {
        int r = show_json(name, path, &records, &syncd, err);
        return r < 0 ? r : !is_covered;
    }
    if (asked == 0)
        put_syncd(&syncd);
    else if (found > 0)
        put_records(&records);
    if (!is_covered)
        (void)printf("no policy covers '%s'; the standard resolvers are asked\n", name);
    return !is_covered;
}
