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

/* clang-format off */
static const struct command commands[] = {
    {"policy check",     "FILE...",       cmd_policy_check,     "find the mistakes in policy files",            &cmd_policy_check_details},
    {"policy apply",     "FILE...",       cmd_policy_apply,     "commit policies as one change, or nothing",    &cmd_policy_apply_details},
    {"policy get",       "NAME",          cmd_policy_get,       "print a policy in force",                      &cmd_policy_get_details},
    {"policy list",      "",              cmd_policy_list,      "list the policies in force",                   &cmd_policy_list_details},
    {"policy delete",    "NAME...",       cmd_policy_delete,    "delete policies as one change",                &cmd_policy_delete_details},
    {"node invite",      "NAME",          cmd_node_invite,      "let a machine join the mesh, once",            &cmd_node_invite_details},
    {"node list",        "",              cmd_node_list,        "list the nodes and how they are",              &cmd_node_list_details},
    {"node revoke",      "NAME",          cmd_node_revoke,      "take a node out of the mesh",                  &cmd_node_revoke_details},
    {"resolve",          "NAME",          cmd_resolve,          "resolve a name as programs here do",           &cmd_resolve_details},
    {"explain",          "NAME",          cmd_explain,          "tell why a name resolves as it does",          &cmd_explain_details},
    {"run",              "-- COMMAND...", cmd_run,              "run one program under the shim",               &cmd_run_details},
    {"snapshot compile", "FILE...",       cmd_snapshot_compile, "compile policy files into a snapshot",         &cmd_snapshot_compile_details},
    {"snapshot show",    "[NAME]",        cmd_snapshot_show,    "show what a snapshot holds",                   &cmd_snapshot_show_details},
    {"snapshot verify",  "",              cmd_snapshot_verify,  "prove that a snapshot is whole",               &cmd_snapshot_verify_details},
    {"status",           "",              cmd_status,           "show how syncd and the controller are",        &cmd_status_details},
};
/* clang-format on */

int main(int argc, char **argv)
{
    static const struct command_table table = {
        .program = "meshctl",
        .summary = "Routing policies for name look-ups: check, apply, explain and try them.",
        .version = MESHDNS_VERSION,
        .commands = commands,
        .count = ARRAY_SIZE(commands),
    };

    return command_main(&table, argc, argv);
}
