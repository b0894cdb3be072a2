/* sandbox.c - filters on system calls: those that kill, and those that refuse.
 *
 * What lies behind meshdns where filters kill (behind.c, nss_constant.c) makes no system call
 * itself: so none of ours is taken for one of its own.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"

#define NUMBERS 64

/* Puts a filter on this process: the numbers get `those`, all others `rest`. */
static void filter(const int *numbers, size_t count, unsigned those, unsigned rest)
{
    struct sock_filter code[NUMBERS + 3] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    struct sock_fprog program = {(unsigned short)(count + 3), code};

    hostile_check(count <= NUMBERS, "too many numbers");
    for (size_t i = 0; i < count; i++)
        code[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i],
                                                   (unsigned char)(count - i), 0);
    code[count + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, rest);
    code[count + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, those);
    hostile_check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0,
                  "no filter");
}

/* What the C library makes by itself for a look-up through NSS (it looks at resolv.conf and
 * nsswitch.conf in each, and for nscd's socket in every hundredth), the allocator's call, and those
 * by which a case waits and ends. */
#define ALWAYS                                                                                     \
    SYS_newfstatat, SYS_socket, SYS_connect, SYS_close, SYS_brk, SYS_write, SYS_clock_nanosleep,   \
        SYS_exit_group

/* Hits, draws and misses, many of each; a change in place is seen. */
static void go_on(const char *when)
{
    uint32_t behind = hostile_look(HOSTILE_MISS), seen[8] = {0};

    for (int i = 0; i < 5000; i++) {
        hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, when);
        hostile_expect(HOSTILE_MISS, behind, when);
        seen[(hostile_look(HOSTILE_MANY) - 1) & 7]++;
    }
    for (int i = 0; i < 8; i++)
        hostile_check(seen[i] > 300, "%s, the draws are uneven", when);
    hostile_change(HOSTILE_SECOND);
    hostile_expect(HOSTILE_HIT, HOSTILE_SECOND, when);
    hostile_change(HOSTILE_FIRST);
}

static void look_first(void)
{
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "at first");
    hostile_check(hostile_look(HOSTILE_MANY) != 0, "no draw at first");
    hostile_check(hostile_look(HOSTILE_MISS) != 0, "nothing lies behind");
}

/* As a server does that has opened all it needs. */
void hostile_killed_for_files(void)
{
    static const int files[] = {
        SYS_openat, SYS_openat2, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise,
#ifdef SYS_open /* newer machines have the others only */
        SYS_open,   SYS_creat,
#endif
    };

    look_first();
    filter(files, HOSTILE_ARRAY_SIZE(files), SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW);
    go_on("when files and mappings kill");
}

void hostile_killed_for_all(void)
{
    static const int allowed[] = {ALWAYS};

    look_first();
    filter(allowed, HOSTILE_ARRAY_SIZE(allowed), SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS);
    go_on("when all system calls kill");
}

/* A filter written for the C library knows of no madvise or getrandom. A program that asks for no
 * name of the mesh makes none. */
void hostile_killed_before_a_match(void)
{
    static const int ours[] = {SYS_madvise, SYS_getrandom, SYS_munlock, SYS_geteuid, SYS_getpid};

    hostile_load();
    filter(ours, HOSTILE_ARRAY_SIZE(ours), SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW);
    for (int i = 0; i < 10; i++)
        (void)hostile_look(HOSTILE_MISS);
    hostile_grow(HOSTILE_SECOND);
    for (int i = 0; i < 10; i++)
        (void)hostile_look(HOSTILE_MISS);
}

/* The numbers in HOSTILE_ALLOWED are those that a program makes from its start to its end when libc
 * alone looks the name up. They do until a name matches, and for following growth until then. */
void hostile_killed_for_all_but_libc(void)
{
    static const int waiting[] = {ALWAYS};
    int allowed[NUMBERS];
    size_t count = 0;
    char *next = getenv("HOSTILE_ALLOWED");

    for (; count < HOSTILE_ARRAY_SIZE(waiting); count++)
        allowed[count] = waiting[count];
    for (char *end; *next && count < NUMBERS; next = end)
        allowed[count++] = (int)strtol(next, &end, 10);
    hostile_check(count < NUMBERS, "more than %d system calls", NUMBERS);
    hostile_load();
    filter(allowed, count, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS);
    for (int i = 0; i < 10; i++)
        (void)hostile_look(HOSTILE_MISS);
    hostile_grow(HOSTILE_SECOND);
    for (int i = 0; i < 10; i++)
        (void)hostile_look(HOSTILE_MISS);
}

static void in_a_child(void (*run)(int number, int error), int number, int error)
{
    int status = 1;
    pid_t child = hostile_fork();

    if (child == 0) {
        run(number, error);
        exit(0);
    }
    (void)waitpid(child, &status, 0);
    hostile_check(status == 0, "system call %d refused by errno %d: ends with %#x", number, error,
                  (unsigned)status);
}

static void refuse(int number, int error)
{
    filter(&number, 1, SECCOMP_RET_ERRNO | (unsigned)error, SECCOMP_RET_ALLOW);
}

static void grow_refused(int number, int error)
{
    look_first();
    refuse(number, error);
    hostile_grow(HOSTILE_SECOND);
    for (int i = 0; i < 2000; i++)
        hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "when following is refused");
    hostile_check(hostile_look(HOSTILE_MISS) != 0, "a miss comes to nothing");
    hostile_change(HOSTILE_FIRST);
}

/* A refusal is no reason to end: what was mapped serves. */
void hostile_refused_growth(void)
{
    static const int numbers[] = {SYS_openat, SYS_mmap};
    static const int errors[] = {EPERM, ENOSYS, EACCES};

    for (size_t i = 0; i < HOSTILE_ARRAY_SIZE(numbers); i++)
        for (size_t k = 0; k < HOSTILE_ARRAY_SIZE(errors); k++)
            in_a_child(grow_refused, numbers[i], errors[k]);
}

/* What the manual says that following needs, beyond ALWAYS. */
static const int following[] = {SYS_openat, SYS_mmap, SYS_madvise};

/* Follows growth under the manual's list, but for one of it. */
static void follow_without(int without)
{
    int allowed[] = {ALWAYS, SYS_openat, SYS_mmap, SYS_madvise};

    for (size_t i = 0; i < HOSTILE_ARRAY_SIZE(allowed); i++)
        if (allowed[i] == without)
            allowed[i] = SYS_exit_group;
    look_first();
    filter(allowed, HOSTILE_ARRAY_SIZE(allowed), SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS);
    hostile_grow(HOSTILE_SECOND);
    hostile_wait_for(HOSTILE_SECOND, "after growth, under the manual's filter");
    hostile_change(HOSTILE_FIRST);
}

/* The list in the manual suffices, and nothing in it is there in vain. */
void hostile_allowed_growth(void)
{
    for (size_t i = 0; i < HOSTILE_ARRAY_SIZE(following); i++) {
        int status = 0;
        pid_t child = hostile_fork();
        if (child == 0) {
            follow_without(following[i]);
            exit(0);
        }
        (void)waitpid(child, &status, 0);
        hostile_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
                      "following does not need system call %d", following[i]);
        hostile_change(HOSTILE_FIRST);
    }
    follow_without(-1);
}

/* Draws of this process and of two children differ, whatever random numbers are made of. */
static void check_draws(void)
{
    uint64_t words[3] = {0};
    int ends[2];

    (void)hostile_look(HOSTILE_MANY); /* this process has a seed that children must not keep */
    hostile_check(pipe(ends) == 0, "no pipe");
    for (int i = 0; i < 3; i++) {
        int status = 1;
        pid_t child = hostile_fork();
        if (child == 0) {
            uint64_t word = 0;
            for (int k = 0; k < 21; k++)
                word = word << 3 | ((hostile_look(HOSTILE_MANY) - 1) & 7);
            _exit(write(ends[1], &word, sizeof(word)) != sizeof(word));
        }
        (void)waitpid(child, &status, 0);
        hostile_check(status == 0 && read(ends[0], &words[i], sizeof(words[i])) == sizeof(words[i]),
                      "a child does not draw: %#x", (unsigned)status);
    }
    hostile_check(words[0] != words[1] && words[1] != words[2] && words[0] != words[2],
                  "children draw alike");
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void look_refused(int number, int error)
{
    bool is_needed = number == SYS_openat || number == SYS_mmap || number == SYS_newfstatat;
    uint32_t found;

    hostile_load();
    refuse(number, error);
    found = hostile_look(HOSTILE_HIT);
    hostile_check(found == HOSTILE_FIRST || is_needed, "system call %d was not needed", number);
    if (!is_needed)
        check_draws();
    (void)hostile_look(HOSTILE_APP);
    (void)hostile_look(HOSTILE_MISS);
}

/* Each system call that a look-up may make, refused before the first one. */
void hostile_refused_first(void)
{
    static const int numbers[] = {
        SYS_openat,   SYS_newfstatat, SYS_mmap,       SYS_close,   SYS_madvise,       SYS_munmap,
        SYS_munlock,  SYS_getrandom,  SYS_readlinkat, SYS_geteuid, SYS_clock_gettime,
#ifdef SYS_readlink
        SYS_readlink,
#endif
    };
    static const int errors[] = {EPERM, ENOSYS};

    for (size_t i = 0; i < HOSTILE_ARRAY_SIZE(numbers); i++)
        for (size_t k = 0; k < HOSTILE_ARRAY_SIZE(errors); k++)
            in_a_child(look_refused, numbers[i], errors[k]);
}
