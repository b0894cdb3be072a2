/* fuzz.c - see fuzz.h. */
#include "fuzz.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static struct fuzz_goal *all;
static size_t all_count;

static void print(void)
{
    for (size_t i = 0; i < all_count; i++)
        (void)fprintf(stderr, "goal %s %zu\n", all[i].name, all[i].count);
}

void fuzz_goals(struct fuzz_goal *goals, size_t count)
{
    all = goals;
    all_count = count;
    if (atexit(print) != 0)
        abort();
}

void fuzz_claim(int is_true, const char *claim)
{
    if (is_true)
        return;
    (void)fprintf(stderr, "not true: %s\n", claim);
    abort();
}

void *fuzz_copy(const void *bytes, size_t size)
{
    void *copy = malloc(size ? size : 1);

    if (!copy)
        abort();
    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

void fuzz_isolate(void)
{
    int spaces = CLONE_NEWNS | CLONE_NEWNET | (geteuid() == 0 ? 0 : CLONE_NEWUSER);

    if (unshare(spaces) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", "/run", "tmpfs", MS_NODEV | MS_NOSUID, "mode=0755,size=256m") < 0) {
        perror("namespaces of my own");
        exit(1);
    }
}

void fuzz_write(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd) < 0)
        abort();
}
