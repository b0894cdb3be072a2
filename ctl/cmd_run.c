/* cmd_run.c - meshctl run: one program under the shim. */
#include "cmd_run.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "child.h"
#include "offline.h"
#include "shim.h"
#include "source.h"
#include "tell.h"
#include "view.h"

#define LINK_NAME     "libmeshdns_preload.so"
#define SNAPSHOT_NAME "snapshot"

/* clang-format off */
static const struct command_option options[] = {
    {"policy", 'p', "FILE...", "use these policies (a file or a folder), not the machine's"},
    OFFLINE_OPTIONS,
    {"snapshot", 0, "FILE", "use this snapshot, not the machine's"},
    {0}};
/* clang-format on */

const struct command_details cmd_run_details = {
    .text = "Run one program under the shim: its look-ups are answered by policy, nobody\n"
            "else's are. With --policy, the files are compiled for this one run and no\n"
            "daemon, controller or root is needed. Programs that are set-user-ID, static, or\n"
            "written in Go without cgo do not load the shim.\n\n"
            "Ends with the program's own exit code, 128 + n when signal n ended it, 127 when\n"
            "there is no such program, 126 when it cannot be executed.",
    .example = "meshctl run --policy policies/ -- curl http://canary.shop.mesh/",
    .options = options,
};

/* The temporary folder of a run: a link to the shim, a snapshot, or nothing. */
struct place {
    char folder[PATH_MAX]; /* "" = not made */
};

static void remove_in(const struct place *place, const char *name)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", place->folder, name) < (int)sizeof(path))
        (void)unlink(path);
}

static void place_done(struct place *place)
{
    static const char *const made[] = {SNAPSHOT_NAME, SNAPSHOT_NAME ".lock", LINK_NAME};

    if (place->folder[0] == '\0')
        return;
    for (size_t i = 0; i < ARRAY_SIZE(made); i++)
        remove_in(place, made[i]);
    if (rmdir(place->folder) < 0)
        (void)fprintf(stderr, "meshctl: cannot remove %s: %s\n", place->folder, strerror(errno));
    place->folder[0] = '\0';
}

/* Makes the folder, once. Others may pass through it but not list it: a server that gives up root
 * after its start opens the snapshot as somebody else. */
static int place_make(struct place *place, struct error *err)
{
    const char *chosen = getenv("TMPDIR");

    if (place->folder[0] != '\0')
        return 0;
    if (!chosen || chosen[0] != '/' || !shim_is_loadable(chosen))
        chosen = "/tmp";
    (void)snprintf(place->folder, sizeof(place->folder), "%s/meshctl-XXXXXX", chosen);
    if (!mkdtemp(place->folder) || chmod(place->folder, 0711) < 0) {
        int r = error_errno(err, chosen, "cannot make a temporary folder");
        place->folder[0] = '\0';
        return r;
    }
    return 0;
}

/* The shim's path as LD_PRELOAD can hold it; malloc'ed. */
static int prepare_shim(struct place *place, char **ret_path, struct error *err)
{
    AUTO_FREE char *real = NULL;
    AUTO_FREE char *link = NULL;

    int r = shim_find(&real, err);
    if (r < 0 || shim_is_loadable(real)) {
        *ret_path = auto_take(real);
        return r;
    }
    r = place_make(place, err);
    if (r < 0)
        return r;
    if (asprintf(&link, "%s/%s", place->folder, LINK_NAME) < 0) {
        link = NULL;
        return error_set(err, ERROR_INTERNAL, "no memory");
    }
    if (symlink(real, link) < 0)
        return error_errno(err, link, "cannot link to the shim");
    *ret_path = auto_take(link);
    return 0;
}

/* Compiles the policies of the call into the place. Mistakes in the files are told at once. */
static int prepare_snapshot(const struct command_call *call, struct place *place, char **ret_path,
                            bool *ret_told, struct error *err)
{
    AUTO(source_done) struct source source = {0};
    AUTO(offline_node_done) struct offline_node node = {0};
    AUTO_FREE char *path = NULL;
    struct policy_set *set = NULL;
    struct offline_result result;
    char *files[COMMAND_VALUES_MAX];
    size_t count = 0, at = 0;

    for (const char *file; (file = command_next(call, "policy", &at));)
        files[count++] = (char *)(uintptr_t)file; /* only read; main's arguments are char * */
    int r = offline_node_read(call, &node, err);
    if (r < 0)
        return r;
    r = source_read(&source, files, count);
    if (r == 0)
        r = source_check_set(&source, &set);
    source_tell("meshctl", &source, false); /* the program's own words are wanted, not ours */
    *ret_told = r < 0;
    if (r == 0)
        r = place_make(place, err);
    if (r == 0 && asprintf(&path, "%s/%s", place->folder, SNAPSHOT_NAME) < 0) {
        path = NULL;
        r = error_set(err, ERROR_INTERNAL, "no memory");
    }
    if (r == 0)
        r = offline_compile(set, &node, path, &result, err);
    policy_set_free(set);
    if (r == 0)
        *ret_path = auto_take(path);
    return r;
}

static int check_options(const struct command_call *call, struct error *err)
{
    static const char *const of_policy[] = {"node-name", "zone", "label"};

    if (command_has(call, "policy")) {
        if (!command_has(call, "snapshot"))
            return 0;
        return error_set(err, ERROR_USAGE, "--policy and --snapshot exclude each other");
    }
    for (size_t i = 0; i < ARRAY_SIZE(of_policy); i++) {
        if (command_has(call, of_policy[i]))
            return error_set(err, ERROR_USAGE, "--%s has a meaning only with --policy",
                             of_policy[i]);
    }
    return 0;
}

/* The program runs without too, and takes up a snapshot that comes later. */
static void warn_of_no_snapshot(const struct command_call *call)
{
    const char *path = view_path(call);

    if (access(path, R_OK) < 0)
        (void)fprintf(stderr, "meshctl: warning: %s: %s; names resolve as without meshdns\n", path,
                      strerror(errno));
}

int cmd_run(const struct command_call *call, struct error *err)
{
    AUTO(place_done) struct place place = {0};
    AUTO_FREE char *library = NULL;
    AUTO_FREE char *made = NULL;
    bool is_told = false;

    int r = check_options(call, err);
    if (r == 0)
        r = prepare_shim(&place, &library, err);
    if (r == 0 && command_has(call, "policy"))
        r = prepare_snapshot(call, &place, &made, &is_told, err);
    if (r == 0)
        r = shim_set_environment(library, made ? made : command_get(call, "snapshot"), err);
    if (r < 0)
        return is_told ? error_exit_status(r) : r;
    if (!made)
        warn_of_no_snapshot(call);
    /* With nothing to clean up there is nothing to wait for. */
    struct error of_program = {0};
    r = place.folder[0] ? child_run(call->arguments, &of_program)
                        : child_exec(call->arguments, &of_program);
    if (of_program.code != 0)
        tell_error("meshctl", &of_program);
    return r < 0 ? error_exit_status(r) : r;
}
