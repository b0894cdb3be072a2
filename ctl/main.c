/* main.c - meshctl: the table of its commands.
 *
 * The table is the only list: dispatch and --help come from it, and a test compares meshctl(1) with
 * it.
 */
#include "auto.h"
#include "cmd_explain.h"
#include "cmd_node.h"
#include "cmd_policy.h"
#include "cmd_resolve.h"
#include "cmd_run.h"
#include "cmd_snapshot.h"
#include "cmd_status.h"
#include "command.h"

/* What `--help` tells of a command lies beside the command, as FUNCTION_details. */
#define ROW(name, arguments, function, summary)                                                    \
    {                                                                                              \
        name, arguments, function, summary, &function##_details                                    \
    }

/* clang-format off */
static const struct command commands[] = {
    ROW("policy check",     "FILE...",       cmd_policy_check,     "tell every mistake in files"),
    ROW("policy apply",     "FILE...",       cmd_policy_apply,     "commit policies, all or none"),
    ROW("policy get",       "NAME",          cmd_policy_get,       "print a policy in force"),
    ROW("policy list",      "",              cmd_policy_list,      "list the policies in force"),
    ROW("policy delete",    "NAME...",       cmd_policy_delete,    "delete policies as one change"),
    ROW("node invite",      "NAME",          cmd_node_invite,      "let one machine join, once"),
    ROW("node list",        "",              cmd_node_list,        "list the nodes, how each is"),
    ROW("node revoke",      "NAME",          cmd_node_revoke,      "take a node out of the mesh"),
    ROW("resolve",          "NAME",          cmd_resolve,          "resolve as programs here do"),
    ROW("explain",          "NAME",          cmd_explain,          "why a name resolves so"),
    ROW("run",              "-- COMMAND...", cmd_run,              "run a program under the shim"),
    ROW("snapshot compile", "FILE...",       cmd_snapshot_compile, "compile policy files into one"),
    ROW("snapshot show",    "[NAME]",        cmd_snapshot_show,    "show what a snapshot holds"),
    ROW("snapshot verify",  "",              cmd_snapshot_verify,  "prove a snapshot to be whole"),
    ROW("status",           "",              cmd_status,           "how syncd and controller are"),
};
/* clang-format on */

int main(int argc, char **argv)
{
    static const struct command_table table = {
        .program = "meshctl",
        .summary = "Routing policies for name look-ups: check, apply, explain and try them.",
        .version = MESHDNS_VERSION,
        .manual = "meshctl(1)",
        .commands = commands,
        .count = ARRAY_SIZE(commands),
    };

    return command_main(&table, argc, argv);
}
