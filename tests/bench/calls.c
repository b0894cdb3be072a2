/* calls.c - makes look-ups for the names of a set, in batches, and tells what one took.
 *
 *     bench_calls WAY NAMES DESTINATIONS ANSWERS [KIND COUNT]
 *
 * WAY is `libc` (whatever answers getaddrinfo in this process) or `bare` (the table of bare.h). The
 * names are svc0000000.team26.mesh.internal and so on, asked for in a random but fixed order. KIND:
 *
 *     v4     getaddrinfo with AF_INET     any    with AF_UNSPEC
 *     miss   v4, for names that nobody has
 *     empty  the loop around them alone   spin   counts, and touches no memory
 *
 * With KIND and COUNT it makes so many calls and ends: for callgrind and strace; COUNT 0 makes
 * none. Without, it takes orders from standard input, and answers each with a line:
 *
 *     KIND COUNT            NANOSECONDS FAILED, of processor time for a call; for the batch
 *     KIND COUNT THREADS    the same, by the clock on the wall: each thread makes COUNT calls
 *     change COUNT          gives names of the bare table other weights; as KIND COUNT
 *     check KIND COUNT      how many answers were wrong, and the first wrong one
 *     ask KIND NUMBER       the first address for one name, or - when there is none
 *     seal LIBRARY          makes all writable data of a library read-only; how many segments
 *
 * Destination d of name i has to be 10.0.0.0 + i * DESTINATIONS + d; with DESTINATIONS 0 all have
 * 192.0.2.1. Names are fetched ahead of their call: a program has the name at hand that it asks
 * for.
 */
#include <arpa/inet.h>
#include <link.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "bare.h"

#define AHEAD   8 /* names */
#define THREADS 64
#define HUGE    ((size_t)2 << 20) /* bytes of a huge page */

typedef int (*call)(const char *node, const char *service, const struct addrinfo *hints,
                    struct addrinfo **ret_list);

enum kind { V4, ANY, MISS, EMPTY, SPIN, KINDS };
static const char *const kinds[KINDS] = {"v4", "any", "miss", "empty", "spin"};

struct set {
    call look_up;
    char (*names)[BARE_NAME_STRIDE], (*foreign)[BARE_NAME_STRIDE];
    size_t count, destinations, answers;
    uint64_t state; /* of the order */
};

static const struct addrinfo hints_of[KINDS] = {
    [V4] = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM},
    [ANY] = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM},
    [MISS] = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM},
};

/* A linear congruence; the high half is random enough for an order. */
static inline size_t next(uint64_t *state, size_t count)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)((*state >> 32) * count >> 32);
}

/* What a program does with an answer: it looks at the address. */
static inline size_t first_address(const struct addrinfo *list)
{
    return ((const struct sockaddr_in *)(const void *)list->ai_addr)->sin_addr.s_addr;
}

/* One batch. Each call waits for the answer of the one before (`answered & never` is 0, but the
 * processor cannot know): a program looks a name up and connects, so that it never has parts of two
 * look-ups under way at once. Returns how many calls did not do what they should. */
static inline __attribute__((always_inline)) long call_names(const struct set *set, enum kind kind,
                                                             long count, uint64_t *state)
{
    char(*names)[BARE_NAME_STRIDE] = kind == MISS ? set->foreign : set->names;
    const struct addrinfo *hints = &hints_of[kind];
    const char *ahead[AHEAD];
    size_t never = 0, answered = 0;
    long failed = 0;

    __asm__ volatile("" : "+r"(never));
    for (size_t i = 0; i < AHEAD; i++)
        ahead[i] = names[next(state, set->count)];
    for (long i = 0; i < count; i++) {
        const char *name = ahead[i % AHEAD] + (answered & never);
        struct addrinfo *list;

        ahead[i % AHEAD] = names[next(state, set->count)];
        __builtin_prefetch(ahead[i % AHEAD]);
        if (kind == EMPTY) {
            __asm__ volatile("" ::"r"(name) : "memory");
            continue;
        }
        int error = set->look_up(name, NULL, hints, &list);
        answered = (size_t)error;
        if (error == 0) {
            answered = first_address(list);
            freeaddrinfo(list);
        }
        failed += kind == MISS ? error != EAI_NONAME : error != 0;
    }
    return failed;
}

static long call_many(const struct set *set, enum kind kind, long count, uint64_t *state)
{
    switch (kind) {
    case V4:
        return call_names(set, V4, count, state);
    case ANY:
        return call_names(set, ANY, count, state);
    case MISS:
        return call_names(set, MISS, count, state);
    case EMPTY:
        return call_names(set, EMPTY, count, state);
    case SPIN:
        for (long i = 0; i < count; i++)
            __asm__ volatile("" : "+r"(i));
        return 0;
    case KINDS:
        break;
    }
    return count;
}

static double now_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* --- threads */

struct worker {
    const struct set *set;
    pthread_barrier_t *start;
    enum kind kind;
    long count, failed;
    uint64_t state;
    double began, ended;
    pthread_t thread;
};

static void *work(void *context)
{
    struct worker *mine = context, own = *mine; /* apart from what others write */

    (void)call_many(own.set, own.kind, 1000, &own.state); /* its own heap, its own generator */
    pthread_barrier_wait(own.start);
    mine->began = now_ns(CLOCK_MONOTONIC);
    mine->failed = call_many(own.set, own.kind, own.count, &own.state);
    mine->ended = now_ns(CLOCK_MONOTONIC);
    return NULL;
}

/* From the start of the first thread to the end of the last one, for one call of one thread. */
static double call_threads(const struct set *set, enum kind kind, long count, size_t threads,
                           long *ret_failed)
{
    struct worker workers[THREADS];
    pthread_barrier_t start;
    double began = 0, ended = 0;

    *ret_failed = 0;
    pthread_barrier_init(&start, NULL, (unsigned)threads + 1);
    for (size_t i = 0; i < threads; i++) {
        workers[i] = (struct worker){set, &start, kind, count, 0, 4711 + i, 0, 0, 0};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            exit(71);
    }
    pthread_barrier_wait(&start);
    for (size_t i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        began = began == 0 || workers[i].began < began ? workers[i].began : began;
        ended = workers[i].ended > ended ? workers[i].ended : ended;
        *ret_failed += workers[i].failed;
    }
    pthread_barrier_destroy(&start);
    return (ended - began) / (double)count;
}

/* --- what is checked before anything is timed */

static bool is_node_right(const struct set *set, const struct addrinfo *node, size_t number,
                          unsigned *seen)
{
    const struct sockaddr_in *address = (const void *)node->ai_addr;
    uint32_t v4, first = (uint32_t)(0x0a000000 + number * set->destinations);

    if (node->ai_family != AF_INET || node->ai_socktype != SOCK_STREAM ||
        node->ai_protocol != IPPROTO_TCP || node->ai_addrlen != sizeof(*address) ||
        address->sin_family != AF_INET || address->sin_port != 0)
        return false;
    v4 = ntohl(address->sin_addr.s_addr);
    if (set->destinations == 0)
        return v4 == 0xc0000201;
    if (v4 - first >= set->destinations || *seen >> (v4 - first) & 1)
        return false;
    *seen |= 1U << (v4 - first);
    return true;
}

static bool is_right(const struct set *set, enum kind kind, size_t number)
{
    struct addrinfo *list, *node;
    size_t length = 0;
    unsigned seen = 0;
    bool is_each_right = true;

    if (kind == MISS)
        return set->look_up(set->foreign[number], NULL, &hints_of[kind], &list) == EAI_NONAME;
    if (set->look_up(set->names[number], NULL, &hints_of[kind], &list) != 0)
        return false;
    for (node = list; node; node = node->ai_next, length++)
        is_each_right = is_each_right && is_node_right(set, node, number, &seen);
    freeaddrinfo(list);
    return is_each_right && length == set->answers;
}

/* Names at even distances, so that a few checks cover the whole set. */
static void check_many(const struct set *set, enum kind kind, size_t count)
{
    size_t wrong = 0, first = 0, most = count < set->count ? count : set->count;

    for (size_t i = 0; i < most; i++) {
        size_t number = i * set->count / most;
        if (!is_right(set, kind, number) && wrong++ == 0)
            first = number;
    }
    printf("%zu %s\n", wrong, kind == MISS ? set->foreign[first] : set->names[first]);
}

static void ask(const struct set *set, enum kind kind, size_t number)
{
    char text[INET6_ADDRSTRLEN] = "-";
    struct addrinfo *list;

    if (set->look_up(set->names[number % set->count], NULL, &hints_of[kind], &list) == 0) {
        getnameinfo(list->ai_addr, list->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
        freeaddrinfo(list);
    }
    puts(text);
}

struct sealing {
    const char *file;
    int parts;
};

static int seal_library(struct dl_phdr_info *info, size_t size, void *context)
{
    struct sealing *sealing = context;

    (void)size;
    if (strcmp(info->dlpi_name, sealing->file) != 0)
        return 0;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        uintptr_t to = from + info->dlpi_phdr[i].p_memsz;

        if (info->dlpi_phdr[i].p_type != PT_LOAD || !(info->dlpi_phdr[i].p_flags & PF_W))
            continue;
        from &= ~(uintptr_t)4095;
        sealing->parts += mprotect((void *)from, to - from, PROT_READ) == 0;
    }
    return 1;
}

/* A look-up that wrote to memory that threads share would then be killed. */
static void seal(const char *file)
{
    struct sealing sealing = {file, 0};

    (void)dl_iterate_phdr(seal_library, &sealing);
    printf("%d\n", sealing.parts);
}

/* --- orders */

static enum kind kind_of(const char *word)
{
    enum kind kind = 0;

    while (kind < KINDS && strcmp(kinds[kind], word) != 0)
        kind++;
    if (kind == KINDS) {
        fprintf(stderr, "bench_calls: '%s' is no kind of call\n", word);
        exit(64);
    }
    return kind;
}

static void change(struct set *set, long count)
{
    double start = now_ns(CLOCK_THREAD_CPUTIME_ID);
    long failed = 0;

    for (long i = 0; i < count; i++)
        failed +=
            bare_change(set->names[next(&set->state, set->count)], (unsigned)i % 1000 + 1) != 0;
    printf("%.3f %ld\n", (now_ns(CLOCK_THREAD_CPUTIME_ID) - start) / (double)count, failed);
}

static void obey(struct set *set, const char *order)
{
    char word[16], file[4096];
    size_t threads = 0;
    long count, failed;

    if (sscanf(order, "check %15s %ld", word, &count) == 2) {
        check_many(set, kind_of(word), (size_t)count);
    } else if (sscanf(order, "ask %15s %ld", word, &count) == 2) {
        ask(set, kind_of(word), (size_t)count);
    } else if (sscanf(order, "change %ld", &count) == 1) {
        change(set, count);
    } else if (sscanf(order, "seal %4095[^\n]", file) == 1) {
        seal(file);
    } else if (sscanf(order, "%15s %ld %zu", word, &count, &threads) == 3 && threads <= THREADS) {
        double took = call_threads(set, kind_of(word), count, threads, &failed);
        printf("%.3f %ld\n", took, failed);
    } else if (sscanf(order, "%15s %ld", word, &count) == 2) {
        enum kind kind = kind_of(word);
        double start = now_ns(CLOCK_THREAD_CPUTIME_ID);
        failed = call_many(set, kind, count, &set->state);
        printf("%.3f %ld\n", (now_ns(CLOCK_THREAD_CPUTIME_ID) - start) / (double)count, failed);
    } else {
        fprintf(stderr, "bench_calls: '%s' is no order\n", order);
        exit(64);
    }
    fflush(stdout);
}

/* Room for all names, in huge pages where there are any, so that they take no address translations
 * from what is measured. */
static void *names_room(size_t count)
{
    size_t size = (count * BARE_NAME_STRIDE + HUGE - 1) / HUGE * HUGE;
    void *room = aligned_alloc(HUGE, size);

    if (room) {
        (void)madvise(room, size, MADV_HUGEPAGE);
        memset(room, 0, size);
    }
    return room;
}

static bool make_names(struct set *set)
{
    set->names = names_room(set->count);
    set->foreign = names_room(set->count);
    if (!set->names || !set->foreign)
        return false;
    for (size_t i = 0; i < set->count; i++) {
        unsigned number = (unsigned)i % 10000000;
        snprintf(set->names[i], BARE_NAME_MAX, "svc%07u.team26.mesh.internal", number);
        snprintf(set->foreign[i], BARE_NAME_MAX, "svc%07u.team26.mesh.external", number);
    }
    return true;
}

int main(int argc, char **argv)
{
    struct set set = {.state = 4711};
    char line[4200];

    if (argc != 5 && argc != 7) {
        fputs("usage: bench_calls libc|bare NAMES DESTINATIONS ANSWERS [KIND COUNT]\n", stderr);
        return 64;
    }
    set.look_up = strcmp(argv[1], "bare") == 0 ? bare_getaddrinfo : getaddrinfo;
    set.count = (size_t)atol(argv[2]);
    set.destinations = (size_t)atol(argv[3]);
    set.answers = (size_t)atol(argv[4]);
    if (set.count == 0 || !make_names(&set))
        return 71;
    if (set.look_up == bare_getaddrinfo &&
        bare_build((const char(*)[BARE_NAME_STRIDE])set.names, set.count,
                   (unsigned)set.destinations, (unsigned)set.answers) < 0)
        return 71;
    if (argc == 7)
        return call_many(&set, kind_of(argv[5]), atol(argv[6]), &set.state) != 0;
    while (fgets(line, sizeof(line), stdin))
        obey(&set, line);
    return 0;
}
