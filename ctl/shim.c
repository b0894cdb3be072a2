/* shim.c - where the shim lies, and the environment that loads it into a program.
 *
 * Go programs with cgo keep their own resolver unless netdns=cgo tells them to call libc
 * (golang/go#10485); those without cgo cannot be helped by a shim.
 */
#include "shim.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"

#define LIBRARY "libmeshdns_preload.so"

/* The folder of this program, without the last part. Returns whether it is known. */
static bool own_folder(char ret_folder[static PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", ret_folder, PATH_MAX - 1);

    if (length <= 0)
        return false;
    ret_folder[length] = '\0';
    char *slash = strrchr(ret_folder, '/');
    if (slash)
        *slash = '\0';
    return slash != NULL;
}

int shim_find(char **ret_path, struct error *err)
{
    /* From this program's folder: the build tree; the prefix it was installed into, wherever that
     * was moved to; then where the build said. */
    static const char *const places[] = {"/../preload/" LIBRARY,
                                         "/" LIBDIR_FROM_BINDIR "/" LIBRARY};
    char folder[PATH_MAX];
    bool is_known = own_folder(folder);

    for (size_t i = 0; i <= ARRAY_SIZE(places); i++) {
        AUTO_FREE char *path = NULL;
        int length = i == ARRAY_SIZE(places) ? asprintf(&path, "%s/%s", LIBDIR, LIBRARY)
                     : is_known              ? asprintf(&path, "%s%s", folder, places[i])
                                             : 0;

        if (length < 0) {
            path = NULL;
            return error_set(err, ERROR_INTERNAL, "no memory");
        }
        char *real = path ? realpath(path, NULL) : NULL;
        if (real && access(real, R_OK) == 0) {
            *ret_path = real;
            return 0;
        }
        free(real);
    }
    error_set(err, ERROR_NOT_FOUND, "there is no %s beside this program or in %s", LIBRARY, LIBDIR);
    return error_hint(err, "build or install all of meshdns"), ERROR_NOT_FOUND;
}

bool shim_is_loadable(const char *path)
{
    return path[strcspn(path, " :\t\n")] == '\0';
}

/* Sets NAME to "first" or "first SEPARATOR what is there". */
static int put_before(const char *name, const char *first, char separator)
{
    const char *old = getenv(name);
    AUTO_FREE char *text = NULL;

    if (asprintf(&text, "%s%c%s", first, old && old[0] ? separator : '\0', old ? old : "") < 0) {
        text = NULL;
        return -1;
    }
    return setenv(name, text, 1);
}

int shim_set_environment(const char *library, const char *snapshot, struct error *err)
{
    const char *debug = getenv("GODEBUG");
    int r = put_before("LD_PRELOAD", library, ':');

    if (r == 0 && !(debug && strstr(debug, "netdns=")))
        r = put_before("GODEBUG", "netdns=cgo", ',');
    if (r == 0 && snapshot)
        r = setenv("MESHDNS_SNAPSHOT", snapshot, 1);
    return r == 0 ? 0 : error_set(err, ERROR_INTERNAL, "no memory");
}
