/* asker.c - looks names up as one program and user, then as another.
 *
 *     asker WORD...
 *
 * Each word does its part, and hands the rest on:
 *
 *     look NAME        prints the first IPv4 address of NAME, or the error
 *     host NAME        the same by gethostbyname_r
 *     uid N            becomes this effective user
 *     fork             goes on in a child; the parent waits, and ends with it
 *     vfork PATH, spawn PATH, exec PATH, fexecve PATH
 *                      the rest is done by the program at PATH, started so
 *     threads NAME COUNT UID...
 *                      a thread for each UID takes on that effective user alone and looks NAME up
 *                      COUNT times; prints `UID ADDRESS` for each that came out
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static __attribute__((noreturn)) void fail(const char *what)
{
    perror(what);
    exit(71);
}

static void look(const char *name, char text[static INET_ADDRSTRLEN])
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    struct sockaddr_in address;
    int error = getaddrinfo(name, NULL, &hints, &list);

    if (error) {
        (void)snprintf(text, INET_ADDRSTRLEN, "error %d", error);
        return;
    }
    memcpy(&address, list->ai_addr, sizeof(address));
    freeaddrinfo(list);
    inet_ntop(AF_INET, &address.sin_addr, text, INET_ADDRSTRLEN);
}

static void look_host(const char *name, char text[static INET_ADDRSTRLEN])
{
    struct hostent host, *found = NULL;
    char buffer[2048];
    int h_error = 0;

    if (gethostbyname_r(name, &host, buffer, sizeof(buffer), &found, &h_error) != 0 || !found)
        (void)snprintf(text, INET_ADDRSTRLEN, "h_errno %d", h_error);
    else
        inet_ntop(AF_INET, found->h_addr_list[0], text, INET_ADDRSTRLEN);
}

struct worker {
    pthread_t id;
    const char *name;
    long count;
    uid_t uid;
    pthread_barrier_t *start;
};

/* The system call itself changes this thread only; libc's function changes all. */
static void *work(void *argument)
{
    const struct worker *worker = argument;
    char first[INET_ADDRSTRLEN], next[INET_ADDRSTRLEN];

    if (syscall(SYS_setresuid, -1, worker->uid, -1) != 0)
        fail("setresuid");
    pthread_barrier_wait(worker->start); /* all are who they are before anyone looks */
    look(worker->name, first);
    printf("%u %s\n", worker->uid, first);
    for (long i = 1; i < worker->count; i++) {
        look(worker->name, next);
        if (strcmp(first, next) != 0)
            printf("%u %s\n", worker->uid, next);
    }
    return NULL;
}

static void run_threads(char **words)
{
    struct worker workers[8];
    pthread_barrier_t start;
    unsigned count = 0;

    for (char **uid = words + 2; *uid && count < 8; uid++)
        workers[count++] = (struct worker){
            .name = words[0], .count = atol(words[1]), .uid = (uid_t)atol(*uid), .start = &start};
    pthread_barrier_init(&start, NULL, count);
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&workers[i].id, NULL, work, &workers[i]) != 0)
            fail("pthread_create");
    for (unsigned i = 0; i < count; i++)
        pthread_join(workers[i].id, NULL);
}

static void wait_for(pid_t child)
{
    int status;

    if (child < 0 || waitpid(child, &status, 0) != child)
        fail("a child");
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : 70);
}

/* Starts the program `path` with the rest of the words, as `how` says. */
static void start(const char *how, char *path, char **rest)
{
    char *words[64] = {path};
    pid_t child = 0;

    for (size_t i = 0; rest[i] && i < 62; i++)
        words[i + 1] = rest[i];
    (void)fflush(stdout);
    if (strcmp(how, "spawn") == 0) {
        errno = posix_spawn(&child, path, NULL, NULL, words, environ);
        if (errno != 0)
            fail(path);
    } else if (strcmp(how, "vfork") == 0) {
        child = vfork();
        if (child == 0) {
            execv(path, words);
            _exit(127);
        }
    } else if (strcmp(how, "fexecve") == 0) {
        /* Kept open over exec: an interpreter opens a script by this number. */
        fexecve(open(path, O_RDONLY), words, environ);
        fail(path);
    } else {
        execv(path, words);
        fail(path);
    }
    wait_for(child);
}

static bool is(const char *word, const char *name)
{
    return strcmp(word, name) == 0;
}

int main(int argc, char **argv)
{
    char text[INET_ADDRSTRLEN];

    for (int i = 1; i < argc; i++) {
        char *word = argv[i], *value = is(word, "fork") ? NULL : argv[++i];

        if (is(word, "look") || is(word, "host")) {
            is(word, "look") ? look(value, text) : look_host(value, text);
            puts(text);
        } else if (is(word, "uid")) {
            if (seteuid((uid_t)atol(value)) != 0)
                fail("seteuid");
        } else if (is(word, "fork")) {
            (void)fflush(stdout);
            pid_t child = fork();
            if (child != 0)
                wait_for(child);
        } else if (is(word, "threads")) {
            run_threads(&argv[i]);
            break;
        } else {
            start(word, value, &argv[i + 1]);
        }
    }
    return 0;
}
