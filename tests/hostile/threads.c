/* threads.c - many threads, forks among them, signals, cancellation, and stops. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hostile.h"

#define THREADS  4
#define CHILDREN 40
#define NAMES    32 /* of the stopped program */

static _Atomic bool is_over;
static _Atomic unsigned long looks;
static _Atomic uint32_t wrong; /* an answer that is none, or a mark */

/* glibc's own getaddrinfo, seen with 2.36 and a module that does nothing, hangs now and then in a
 * child that is forked while other threads look names up (resolv.conf's lock). So NSS is asked
 * without it here. */
static uint32_t look_among_forks(const char *name)
{
    return hostile_is_shim() ? hostile_look(name) : hostile_look_quietly(name);
}

static void *look_on(void *quietly)
{
    while (!is_over) {
        uint32_t found =
            quietly ? hostile_look_quietly(HOSTILE_MANY) : look_among_forks(HOSTILE_MANY);
        if (found < HOSTILE_ADDRESS(10, 0, 2, 1) || found > HOSTILE_ADDRESS(10, 0, 2, 8))
            wrong = found ? found : 1;
        looks++;
    }
    return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *), void *argument)
{
    hostile_check(pthread_create(thread, NULL, run, argument) == 0, "no thread");
}

/* The draws of a child that was forked while other threads looked names up. */
static uint64_t draw_in_a_child(void)
{
    uint64_t word = 0;
    int ends[2], status = 1;
    pid_t child;

    hostile_check(pipe2(ends, O_CLOEXEC) == 0, "no pipe");
    child = hostile_fork();
    if (child == 0) {
        (void)alarm(20);
        for (int i = 0; i < 21; i++)
            word = word << 3 | ((look_among_forks(HOSTILE_MANY) - 1) & 7);
        _exit(write(ends[1], &word, sizeof(word)) != sizeof(word));
    }
    (void)waitpid(child, &status, 0);
    hostile_check(status == 0 && read(ends[0], &word, sizeof(word)) == sizeof(word),
                  "a forked child hangs or fails: %#x", (unsigned)status);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return word;
}

void hostile_fork_from_threads(void)
{
    pthread_t threads[THREADS];
    uint64_t words[CHILDREN];

    hostile_load();
    for (int i = 0; i < THREADS; i++)
        start(&threads[i], look_on, NULL);
    for (int i = 0; i < CHILDREN; i++) {
        if (i == CHILDREN / 2)
            hostile_grow(HOSTILE_SECOND);
        words[i] = draw_in_a_child();
        for (int k = 0; k < i; k++)
            hostile_check(words[k] != words[i], "two children draw alike");
    }
    is_over = true;
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    hostile_check(wrong == 0, "a thread got %08x", wrong);
}

/* A thread that is to be cancelled at the next cancellation point looks a name up for the first
 * time in its process. It must end behind the look-up: inside, a descriptor would be left. */
static void *look_when_due(void *unused)
{
    (void)unused;
    (void)pthread_cancel(pthread_self());
    wrong = hostile_look_quietly(HOSTILE_HIT);
    pthread_testcancel();
    return NULL;
}

void hostile_cancelled_when_due(void)
{
    size_t before;
    pthread_t thread;
    void *end;

    hostile_load();
    before = hostile_descriptors();
    start(&thread, look_when_due, NULL);
    hostile_check(pthread_join(thread, &end) == 0 && end == PTHREAD_CANCELED, "not cancelled");
    hostile_check(wrong == HOSTILE_FIRST, "cancelled within the look-up");
    hostile_check(hostile_descriptors() == before, "a descriptor is left");
    hostile_expect(HOSTILE_HIT, HOSTILE_FIRST, "after a thread was cancelled");
}

static void *look_with_little(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++)
        if (hostile_look_quietly(HOSTILE_HIT) != HOSTILE_FIRST ||
            hostile_look_quietly(HOSTILE_MANY) >> 8 != HOSTILE_ADDRESS(10, 0, 2, 0) >> 8)
            wrong = 1;
    return NULL;
}

/* The smallest stack that a thread can have, from the first look-up on. */
void hostile_small_stack(void)
{
    pthread_attr_t attributes;
    pthread_t thread = 0;

    hostile_load();
    hostile_check(pthread_attr_init(&attributes) == 0 &&
                      pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN) == 0 &&
                      pthread_create(&thread, &attributes, look_with_little, NULL) == 0,
                  "no small thread");
    (void)pthread_join(thread, NULL);
    hostile_check(wrong == 0, "no answer on a small stack");
}

static void *look_until_cancelled(void *unused)
{
    (void)pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (;;)
        (void)hostile_look_quietly(looks % 2 ? HOSTILE_HIT : HOSTILE_MANY);
    return unused;
}

/* At any instruction. The file grows meanwhile, so that some are cancelled while they follow. */
void hostile_cancelled_anywhere(void)
{
    size_t before;
    long size;

    hostile_load();
    hostile_check(hostile_look_quietly(HOSTILE_HIT) == HOSTILE_FIRST, "no answer at first");
    before = hostile_descriptors();
    size = hostile_status("VmSize");
    for (int i = 0; i < 300; i++) {
        pthread_t threads[2];
        start(&threads[0], look_until_cancelled, NULL);
        start(&threads[1], look_until_cancelled, NULL);
        if (i % 100 == 50)
            hostile_grow(HOSTILE_FIRST);
        looks++;
        (void)nanosleep(&(struct timespec){0, 50000 + 7001 * (i % 13)}, NULL);
        for (int k = 0; k < 2; k++)
            hostile_check(pthread_cancel(threads[k]) == 0 && pthread_join(threads[k], NULL) == 0,
                          "a thread cannot be cancelled");
    }
    hostile_check(hostile_descriptors() == before, "cancelled threads leave descriptors");
    hostile_check(hostile_status("VmSize") - size < 100000, "cancelled threads leave mappings");
    hostile_grow(HOSTILE_SECOND);
    hostile_wait_for(HOSTILE_SECOND, "after threads were cancelled");
}

static void look_in_handler(int number)
{
    int saved = errno;
    uint32_t found = hostile_look_quietly(HOSTILE_MANY);

    (void)number;
    if (found < HOSTILE_ADDRESS(10, 0, 2, 1) || found > HOSTILE_ADDRESS(10, 0, 2, 8))
        wrong = found ? found : 1;
    if (errno != saved && !hostile_is_shim())
        wrong = 2; /* the module has nothing to say; glibc's own gethostbyname2_r sets it to 0 */
    errno = saved;
    looks++;
}

/* A signal every 50 us, in whichever thread, from before the first look-up on. */
void hostile_signals(void)
{
    const struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = look_in_handler, .sa_flags = SA_RESTART};
    pthread_t thread;

    hostile_load();
    hostile_check(sigaction(SIGALRM, &action, NULL) == 0 &&
                      setitimer(ITIMER_REAL, &often, NULL) == 0,
                  "no signals");
    start(&thread, look_on, &looks);
    for (int i = 0; i < 4; i++) {
        for (unsigned long until = looks + 20000; looks < until;) {
            uint32_t found = hostile_look_quietly(HOSTILE_HIT);
            hostile_check(found == HOSTILE_FIRST || wrong, "the interrupted look-up got %08x",
                          found);
        }
        hostile_grow(HOSTILE_FIRST);
    }
    (void)setitimer(ITIMER_REAL, &never, NULL);
    is_over = true;
    (void)pthread_join(thread, NULL);
    hostile_check(wrong == 0, "a look-up in a handler got %08x", wrong);
}

/* Looks n0.churn, n1.churn ... up until SIGTERM, and counts in the file HOSTILE_COUNTER. The test
 * stops it, changes and reuses all that can be, and lets it go on. The address of number N is
 * 10.N.0.ROUND. */
static void end_now(int number)
{
    (void)number;
    is_over = true;
}

void hostile_stopped(void)
{
    int fd = open(getenv("HOSTILE_COUNTER"), O_RDWR | O_CLOEXEC);
    _Atomic unsigned long *counter =
        mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char names[NAMES][16];

    hostile_check(counter != MAP_FAILED && signal(SIGTERM, end_now) != SIG_ERR, "no counter");
    for (int i = 0; i < NAMES; i++)
        (void)snprintf(names[i], sizeof(names[i]), "n%d.churn", i);
    for (unsigned i = 0; !is_over; i++, (*counter)++) {
        uint32_t found = hostile_look(names[i % NAMES]);
        hostile_check(found >> 8 == HOSTILE_ADDRESS(10, i % NAMES, 0, 0) >> 8, "%s is %08x",
                      names[i % NAMES], found);
    }
}
