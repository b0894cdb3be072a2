/* authority.c - the keys of a state folder, and the lock on it. */
#include "authority.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int authority_load(const char *folder, struct authority *ret_authority, struct error *err)
{
    struct authority authority = {0};
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/sign.key", folder);
    int r = key_sign_load(path, &authority.sign, err);
    (void)snprintf(path, sizeof(path), "%s/curve.key", folder);
    if (r == 0)
        r = key_curve_load(path, &authority.curve, err);
    if (r == 0)
        r = tls_load(folder, &authority.tls, err);
    if (r == 0)
        *ret_authority = authority;
    if (r == ERROR_NOT_FOUND) {
        error_hint(err, "make a mesh first: meshdns-controller init");
        r = err->code = ERROR_CONFIG;
    }
    key_wipe(&authority, sizeof(authority));
    return r;
}

void authority_name(struct authority *authority, const char *mesh,
                    const uint8_t mesh_id[static SEAL_MESH_ID])
{
    (void)snprintf(authority->mesh, sizeof(authority->mesh), "%s", mesh);
    memcpy(authority->mesh_id, mesh_id, SEAL_MESH_ID);
    key_to_hex(mesh_id, SEAL_MESH_ID, authority->mesh_id_text);
}

void authority_done(struct authority *authority)
{
    tls_done(&authority->tls);
    key_wipe(authority, sizeof(*authority));
}

int authority_lock(const char *folder, int *ret_fd, struct error *err)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/lock", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(err, path, "cannot open");
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int number = errno;

        (void)close(fd);
        errno = number;
        if (number != EWOULDBLOCK)
            return error_errno(err, path, "cannot lock");
        error_set(err, ERROR_AGAIN, "another meshdns-controller uses this state folder");
        error_hint(err, "stop it first");
        return error_where(err, folder), ERROR_AGAIN;
    }
    *ret_fd = fd;
    return 0;
}
