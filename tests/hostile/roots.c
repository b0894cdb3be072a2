/* roots.c - processes whose root, mounts, network or clock are not the machine's. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80 /* glibc names it since 2.36 */
#endif

/* A folder with all of this machine's files in it, but a /run/meshdns of its own: with the snapshot
 * HOSTILE_ELSEWHERE, or without one. Mounts are private to this process; it ends, they are gone. */
static void make_root(bool has_snapshot)
{
    const char *other = getenv("HOSTILE_ELSEWHERE");

    hostile_check(unshare(CLONE_NEWNS) == 0 &&
                      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0,
                  "no mounts of its own");
    hostile_check(mount("/", "/mnt", NULL, MS_BIND | MS_REC, NULL) == 0 &&
                      mount("none", "/mnt/run/meshdns", "tmpfs", 0, "mode=755") == 0 &&
                      mkdir("/mnt/run/meshdns/v1", 0755) == 0 && chdir("/mnt") == 0,
                  "no other root");
    if (has_snapshot) {
        char command[512];
        (void)snprintf(command, sizeof(command), "cp '%s' /mnt/run/meshdns/v1/snapshot", other);
        hostile_check(system(command) == 0, "no other snapshot");
    }
}

/* What was mapped goes on; what grows is not seen any more, for its path leads elsewhere. */
void hostile_chroot_after(void)
{
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "at first");
    make_root(false);
    hostile_check(chroot(".") == 0, "chroot fails");
    hostile_change(HOSTILE_OTHER);
    hostile_expect(HOSTILE_HIT, HOSTILE_OTHER, "after chroot, and a change in place");
    hostile_grow(HOSTILE_SECOND);
    for (int i = 0; i < 1000; i++)
        hostile_expect(HOSTILE_HIT, HOSTILE_OTHER, "after chroot and growth");
}

/* The path is looked for in the root that the process has at its first look-up. */
void hostile_chroot_before(void)
{
    make_root(true);
    hostile_check(chroot(".") == 0, "chroot fails");
    hostile_expect(HOSTILE_HIT, HOSTILE_OTHER, "first asked in another root");
}

/* Growth is followed to where the path then leads. */
void hostile_pivot_root(void)
{
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "at first");
    make_root(true);
    hostile_check(syscall(SYS_pivot_root, ".", "mnt") == 0 && chdir("/") == 0, "pivot_root fails");
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "after pivot_root");
    hostile_grow(HOSTILE_SECOND);
    hostile_wait_for(HOSTILE_OTHER, "after pivot_root and growth");
}

/* Of mounts, network, names and users; and back to those of another process. */
void hostile_namespaces(void)
{
    int back = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);

    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "at first");
    hostile_check(unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC) == 0 &&
                      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                      mount("none", "/run/meshdns", "tmpfs", 0, NULL) == 0,
                  "no namespaces");
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "in namespaces of its own");
    hostile_grow(HOSTILE_SECOND);
    for (int i = 0; i < 1000; i++)
        hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "after growth that it cannot see");
    hostile_check(setns(back, CLONE_NEWNS) == 0, "setns fails");
    (void)close(back);
    hostile_wait_for(HOSTILE_SECOND, "after growth, back in the machine's mounts");
    hostile_check(unshare(CLONE_NEWUSER) == 0, "no user namespace");
    hostile_expect(HOSTILE_HIT, HOSTILE_SECOND, "in a user namespace of its own");
}

/* Begins three years ahead, where a look-up finds no snapshot and says when to look again. */
void hostile_clock_set_back(void)
{
    const char *path = getenv("HOSTILE_SNAPSHOT");
    int back = open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC), offsets, status = 1;
    char away[512];
    pid_t child;

    (void)snprintf(away, sizeof(away), "%s.away", path);
    hostile_check(unshare(CLONE_NEWTIME) == 0, "no time namespace");
    offsets = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    hostile_check(offsets >= 0 && write(offsets, "monotonic 94608000 0\n", 21) == 21, "no offset");
    (void)close(offsets);
    child = hostile_fork();
    if (child == 0) {
        hostile_check(rename(path, away) == 0, "the snapshot cannot be moved");
        hostile_check(hostile_look(HOSTILE_HIT) != HOSTILE_FIRST, "an answer without a snapshot");
        hostile_check(rename(away, path) == 0 && setns(back, CLONE_NEWTIME) == 0, "setns fails");
        hostile_wait_for(HOSTILE_FIRST, "three years before its last try");
        exit(0);
    }
    hostile_check(waitpid(child, &status, 0) == child && status == 0, "the child ends badly");
}
