/* writer_lock.c - flock on a file that is never renamed, unlike the snapshot itself. */
#include "writer_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "auto.h"

int writer_lock_take(const char *path, int *ret_lock, struct error *err)
{
    AUTO_FREE char *beside = NULL;

    if (asprintf(&beside, "%s.lock", path) < 0)
        return beside = NULL, error_errno(err, path, "cannot lock the snapshot");
    int lock = open(beside, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return error_errno(err, beside, "cannot open the snapshot's lock");
    if (flock(lock, LOCK_EX | LOCK_NB) == 0) {
        *ret_lock = lock;
        return 0;
    }
    int why = errno;
    (void)close(lock);
    errno = why;
    if (errno != EWOULDBLOCK)
        return error_errno(err, beside, "cannot lock the snapshot");
    error_set(err, ERROR_AGAIN, "another process writes this snapshot");
    error_hint(err, "two syncd on one machine need their own `snapshot:` each");
    return error_where(err, path), ERROR_AGAIN;
}
