/* hostile.c - the table of cases, and what they share.
 *
 * The snapshot is changed by a child that is forked before the case begins: it needs no descriptor
 * to be told, only a page of shared memory, and so works for a parent that may do nothing any more.
 */
#include "hostile.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef enum nss_status (*hostile_by_name)(const char *name, int family, struct hostent *ret_host,
                                           char *buffer, size_t size, int *ret_errno,
                                           int *ret_h_errno);

/* What the child is told, and what it tells. */
struct shared {
    _Atomic unsigned asked, done;
    _Atomic bool is_growth, is_failed;
    _Atomic uint32_t address;
};

static struct shared *shared;
static hostile_by_name module; /* the NSS module's own function, after hostile_load */

/* clang-format off */
static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"plain",                       hostile_plain},
    {"closed_descriptors",          hostile_closed_descriptors},
    {"closed_standard_descriptors", hostile_closed_standard_descriptors},
    {"dropped_privileges",          hostile_dropped_privileges},
    {"few_descriptors",             hostile_few_descriptors},
    {"little_address_space",        hostile_little_address_space},
    {"little_data",                 hostile_little_data},
    {"locked_memory",               hostile_locked_memory},
    {"locked_memory_limit",         hostile_locked_memory_limit},
    {"dumps",                       hostile_dumps},
    {"vfork",                       hostile_vfork},
    {"at_exit",                     hostile_at_exit},
    {"chroot_after",                hostile_chroot_after},
    {"chroot_before",               hostile_chroot_before},
    {"pivot_root",                  hostile_pivot_root},
    {"namespaces",                  hostile_namespaces},
    {"clock_set_back",              hostile_clock_set_back},
    {"killed_for_files",            hostile_killed_for_files},
    {"killed_for_all",              hostile_killed_for_all},
    {"killed_before_a_match",       hostile_killed_before_a_match},
    {"killed_for_all_but_libc",     hostile_killed_for_all_but_libc},
    {"refused_growth",              hostile_refused_growth},
    {"allowed_growth",              hostile_allowed_growth},
    {"refused_first",               hostile_refused_first},
    {"fork_from_threads",           hostile_fork_from_threads},
    {"cancelled_when_due",          hostile_cancelled_when_due},
    {"cancelled_anywhere",          hostile_cancelled_anywhere},
    {"signals",                     hostile_signals},
    {"small_stack",                 hostile_small_stack},
    {"stopped",                     hostile_stopped},
    {"own_namespace",               hostile_own_namespace},
    {"deep_bind",                   hostile_deep_bind},
    {"static_tls",                  hostile_static_tls},
};
/* clang-format on */

_Noreturn void hostile_fail(const char *format, ...)
{
    char line[256];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line, sizeof(line) - 1, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof(line) - 2)
        length = (int)sizeof(line) - 2;
    line[length] = '\n';
    (void)!write(STDERR_FILENO, line, (size_t)length + 1);
    _exit(1);
}

void hostile_check(bool is_true, const char *format, ...)
{
    char line[200];
    va_list arguments;

    if (is_true)
        return;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    hostile_fail("%s (errno %d)", line, errno);
}

uint32_t hostile_look(const char *name)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    uint32_t address;

    if (getaddrinfo(name, NULL, &hints, &list) != 0)
        return 0;
    address = ntohl(((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr.s_addr);
    freeaddrinfo(list);
    return address;
}

void hostile_load(void)
{
    void *handle, *volatile block = malloc(10000);

    free(block);
    hostile_check(hostile_look("127.0.0.1") != 0, "a number is no address");
    if (hostile_is_shim())
        return;
    handle = dlopen(getenv("HOSTILE_MODULE"), RTLD_NOW | RTLD_LOCAL);
    hostile_check(handle != NULL, "the module cannot be loaded");
    *(void **)&module = dlsym(handle, "_nss_meshdns_gethostbyname2_r");
    hostile_check(module != NULL, "the module has no gethostbyname2_r");
}

uint32_t hostile_look_quietly(const char *name)
{
    char buffer[1024];
    struct hostent host, *found = NULL;
    int error = 0, h_error = 0;
    uint32_t address;

    if (hostile_is_shim()) {
        if (gethostbyname2_r(name, AF_INET, &host, buffer, sizeof(buffer), &found, &h_error) != 0 ||
            !found)
            return 0;
    } else if (module(name, AF_INET, &host, buffer, sizeof(buffer), &error, &h_error) !=
               NSS_STATUS_SUCCESS) {
        return 0;
    }
    memcpy(&address, host.h_addr_list[0], sizeof(address));
    return ntohl(address);
}

void hostile_expect(const char *name, uint32_t address, const char *when)
{
    uint32_t found = hostile_look(name);

    if (found != address)
        hostile_fail("%s, %s is %08x instead of %08x", when, name, found, address);
}

static void nap(void)
{
    (void)nanosleep(&(struct timespec){0, 2000000}, NULL);
}

void hostile_wait_for(uint32_t address, const char *when)
{
    uint32_t found = 0;

    for (int i = 0; i < 10000; i++) {
        found = hostile_look(HOSTILE_HIT);
        if (found == address)
            return;
        nap();
    }
    hostile_fail("%s, %s stays %08x instead of %08x", when, HOSTILE_HIT, found, address);
}

bool hostile_is_shim(void)
{
    return getenv("HOSTILE_MODULE") == NULL;
}

pid_t hostile_fork(void)
{
    pid_t parent = getpid(), child = fork();

    if (child == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
        _exit(9);
    return child;
}

/* Runs tests/programs/publish. */
static bool publish(const char *what, const char *name, const char *address)
{
    const char *program = getenv("HOSTILE_PUBLISH"), *snapshot = getenv("HOSTILE_SNAPSHOT");
    int status = 1;
    pid_t child = hostile_fork();

    if (child == 0) {
        (void)execl(program, program, snapshot, what, name, address, (char *)NULL);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* A parent that has dropped its rights may not even kill by its death. */
static _Noreturn void be_the_agent(pid_t parent)
{
    char text[INET_ADDRSTRLEN];

    while (getppid() == parent) {
        struct in_addr address = {htonl(shared->address)};

        if (shared->asked == shared->done) {
            nap();
            continue;
        }
        if ((shared->is_growth && !publish("grow", NULL, NULL)) ||
            !publish("address", HOSTILE_HIT, inet_ntop(AF_INET, &address, text, sizeof(text))))
            shared->is_failed = true;
        shared->done++;
    }
    _exit(0);
}

static void ask(bool is_growth, uint32_t address)
{
    shared->is_growth = is_growth;
    shared->address = address;
    shared->asked++;
    while (shared->done != shared->asked)
        nap();
    hostile_check(!shared->is_failed, "the snapshot cannot be changed");
}

void hostile_change(uint32_t address)
{
    ask(false, address);
}

void hostile_grow(uint32_t address)
{
    ask(true, address);
}

long hostile_status(const char *key)
{
    char line[256];
    long value = -1;
    size_t length = strlen(key);
    FILE *file = fopen("/proc/self/status", "re");

    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, key, length) == 0 && line[length] == ':')
            value = atol(line + length + 1);
    if (file)
        (void)fclose(file);
    hostile_check(value >= 0, "/proc/self/status has no %s", key);
    return value;
}

size_t hostile_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    hostile_check(folder != NULL, "/proc/self/fd cannot be read");
    while (readdir(folder))
        count++;
    (void)closedir(folder);
    return count - 3; /* ., .. and its own */
}

static void prepare(void)
{
    pid_t self = getpid();

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    hostile_check(shared != MAP_FAILED, "no memory");
    if (hostile_fork() == 0)
        be_the_agent(self);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < HOSTILE_ARRAY_SIZE(cases); i++) {
        if (strcmp(argv[1], cases[i].name) == 0) {
            prepare();
            cases[i].run();
            return 0;
        }
    }
    (void)fprintf(stderr, "usage: hostile CASE\n");
    for (size_t i = 0; i < HOSTILE_ARRAY_SIZE(cases); i++)
        (void)fprintf(stderr, "  %s\n", cases[i].name);
    return 64;
}
