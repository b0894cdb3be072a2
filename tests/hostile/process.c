/* process.c - descriptors, rights, limits and memory of a process that looks names up. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hostile.h"

#define FILES 40

/* glibc has a function for it since 2.34 only. */
static bool close_all(unsigned first, unsigned last)
{
    return syscall(SYS_close_range, first, last, 0) == 0;
}

/* What any program does; for valgrind and the sanitizers. */
void hostile_plain(void)
{
    int status = 1;
    pid_t child;

    for (int i = 0; i < 20; i++) {
        hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "plainly");
        hostile_check(hostile_look(HOSTILE_MANY) >> 8 == HOSTILE_ADDRESS(10, 0, 2, 0) >> 8,
                      "a draw is none of the eight");
        (void)hostile_look(HOSTILE_MISS);
    }
    hostile_grow(HOSTILE_SECOND);
    hostile_wait_for(HOSTILE_SECOND, "after growth");
    hostile_grow(HOSTILE_FIRST);
    hostile_wait_for(HOSTILE_FIRST, "after growth once more");
    child = hostile_fork();
    if (child == 0) {
        hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "in a child");
        exit(0);
    }
    hostile_check(waitpid(child, &status, 0) == child && status == 0, "a child ends badly");
}

/* As daemons do. Then the numbers are the program's: growth must not touch them. */
void hostile_closed_descriptors(void)
{
    size_t before = hostile_descriptors();
    int files[FILES];
    int number = 0;

    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "at first");
    hostile_check(hostile_descriptors() == before, "a look-up leaves a descriptor open");
    hostile_check(close_all(3, ~0U), "close_range fails");
    for (int i = 0; i < FILES; i++) {
        files[i] = memfd_create("own", MFD_CLOEXEC);
        hostile_check(write(files[i], &i, sizeof(i)) == sizeof(i), "a file cannot be written");
    }
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "with all descriptors closed");
    hostile_grow(HOSTILE_SECOND);
    hostile_wait_for(HOSTILE_SECOND, "after growth, with all descriptors closed");
    for (int i = 0; i < FILES; i++)
        hostile_check(files[i] == i + 3 &&
                          pread(files[i], &number, sizeof(number), 0) == sizeof(number) &&
                          number == i && lseek(files[i], 0, SEEK_CUR) == sizeof(i),
                      "descriptor %d is no longer the program's", files[i]);
    hostile_check(hostile_descriptors() == FILES + 3, "following leaves a descriptor open");
}

/* The snapshot is then opened as number 0, for a moment. */
void hostile_closed_standard_descriptors(void)
{
    hostile_check(close_all(0, 2), "close_range fails");
    if (hostile_look(HOSTILE_HIT) != HOSTILE_FIRST)
        _exit(2);
    for (int i = 0; i < 3; i++)
        if (fcntl(i, F_GETFD) >= 0)
            _exit(3);
}

static void become_nobody(void)
{
    hostile_check(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0,
                  "rights cannot be dropped");
}

void hostile_dropped_privileges(void)
{
    int status = 1;
    pid_t child = hostile_fork();

    if (child == 0) {
        become_nobody();
        hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "first asked without rights");
        exit(0);
    }
    hostile_check(waitpid(child, &status, 0) == child && status == 0, "a child ends badly");
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "with rights");
    become_nobody();
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "with rights dropped since");
    hostile_grow(HOSTILE_SECOND);
    hostile_wait_for(HOSTILE_SECOND, "after growth, with rights dropped since");
}

#ifdef __GLIBC__
#define RESOURCE enum __rlimit_resource /* which clang tells from an int */
#else
#define RESOURCE int
#endif

/* Lowers a soft limit. Returns what it was. */
static rlim_t lower(RESOURCE resource, rlim_t to)
{
    struct rlimit limit;
    rlim_t before;

    hostile_check(getrlimit(resource, &limit) == 0, "no limit");
    before = limit.rlim_cur;
    limit.rlim_cur = to < limit.rlim_max ? to : limit.rlim_max;
    hostile_check(setrlimit(resource, &limit) == 0, "the limit cannot be set");
    return before;
}

/* First asked under a limit that lets nothing be opened; then with the limit set after a look-up.
 * `tight` is computed when it is set. */
static void try_limit(RESOURCE resource, rlim_t (*tight)(void))
{
    rlim_t before = lower(resource, tight());

    (void)hostile_look(HOSTILE_HIT); /* libc's answer, or none */
    (void)lower(resource, before);
    hostile_wait_for(HOSTILE_FIRST, "when the limit is gone");
    before = lower(resource, tight());
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "under a limit set after the first look-up");
    hostile_grow(HOSTILE_SECOND);
    /* The path was looked at less than a second ago: until it is looked at again. */
    for (int i = 0; i < 150; i++) {
        hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "under a limit, after growth");
        (void)nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    (void)lower(resource, before);
    hostile_wait_for(HOSTILE_SECOND, "after growth, when the limit is gone");
}

static rlim_t three(void)
{
    return 3;
}

static rlim_t address_space_in_use(void)
{
    return (rlim_t)hostile_status("VmSize") * 1024 + 4096;
}

void hostile_few_descriptors(void)
{
    hostile_load();
    (void)close_all(3, ~0U);
    try_limit(RLIMIT_NOFILE, three);
}

void hostile_little_address_space(void)
{
    hostile_load();
    try_limit(RLIMIT_AS, address_space_in_use);
}

/* The file is larger than the data that may be had: it is no data of this process. */
void hostile_little_data(void)
{
    hostile_load();
    (void)lower(RLIMIT_DATA, (rlim_t)hostile_status("VmData") * 1024 + (1 << 20));
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "under RLIMIT_DATA");
    hostile_grow(HOSTILE_SECOND);
    hostile_wait_for(HOSTILE_SECOND, "after growth, under RLIMIT_DATA");
}

static void check_locked(long before, const char *when)
{
    long now = hostile_status("VmLck");

    hostile_check(now - before < 2048, "%s, %ld KiB more are locked", when, now - before);
}

/* Of what is mapped after mlockall the snapshot is neither filled nor counted. */
void hostile_locked_memory(void)
{
    long before;

    hostile_load();
    hostile_check(mlockall(MCL_FUTURE) == 0, "mlockall fails");
    before = hostile_status("VmLck");
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "after mlockall");
    check_locked(before, "after a look-up");
    hostile_grow(HOSTILE_SECOND);
    hostile_wait_for(HOSTILE_SECOND, "after growth and mlockall");
    check_locked(before, "after growth");
}

/* Without the right to lock more than a limit. */
void hostile_locked_memory_limit(void)
{
    long before;

    hostile_load();
    (void)lower(RLIMIT_MEMLOCK, 1 << 20);
    become_nobody();
    hostile_check(mlockall(MCL_FUTURE) == 0, "mlockall fails");
    before = hostile_status("VmLck");
    (void)hostile_look(HOSTILE_HIT); /* answered where its size is within the limit */
    check_locked(before, "after a look-up");
    for (int i = 0; i < 4; i++)
        hostile_check(mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                           0) != MAP_FAILED,
                      "the program's own memory is refused");
    if (getenv("HOSTILE_WITHIN"))
        hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "within RLIMIT_MEMLOCK");
}

/* Each mapping of a snapshot, old or new, is left out of core dumps. Returns how many there are. */
static int check_dumps(void)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    char line[1024];
    bool is_ours = false;
    int count = 0;

    while (file && fgets(line, sizeof(line), file)) {
        if (strchr(line, '-') && strstr(line, " r"))
            is_ours = strstr(line, "snapshot") != NULL;
        if (strncmp(line, "VmFlags:", 8) == 0 && is_ours) {
            count++;
            hostile_check(strstr(line, " dd") != NULL, "the snapshot would be in a core dump");
        }
    }
    if (file)
        (void)fclose(file);
    return count;
}

void hostile_dumps(void)
{
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "at first");
    hostile_check(check_dumps() == 1, "the snapshot is not mapped once");
    hostile_grow(HOSTILE_SECOND);
    hostile_check(check_dumps() == 1, "the snapshot is not mapped once, before growth is followed");
    hostile_wait_for(HOSTILE_SECOND, "after growth");
    hostile_check(check_dumps() == 1, "the snapshot is not mapped once, after growth");
}

static void look_in_vfork_child(void)
{
    int status = 1;
    pid_t child = vfork();

    if (child == 0)
        _exit(hostile_look(HOSTILE_HIT) == HOSTILE_FIRST ? 0 : 1);
    hostile_check(waitpid(child, &status, 0) == child && status == 0, "no answer after vfork");
}

/* A child in its parent's memory: the first look-up of both, and one more. */
void hostile_vfork(void)
{
    look_in_vfork_child();
    look_in_vfork_child();
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "in the parent");
    for (int i = 0; i < 20; i++)
        hostile_check(hostile_look(HOSTILE_MANY) != 0, "no draw after vfork");
}

static void look_late(void)
{
    if (hostile_look(HOSTILE_HIT) != HOSTILE_FIRST)
        _exit(4);
}

static __attribute__((destructor)) void look_last(void)
{
    if (getenv("HOSTILE_AT_EXIT"))
        look_late();
}

/* Nothing was looked up before. */
void hostile_at_exit(void)
{
    hostile_check(atexit(look_late) == 0 && setenv("HOSTILE_AT_EXIT", "1", 1) == 0, "no memory");
}
