/* draws.c - looks one name up many times, and counts the first addresses.
 *
 *     draws HOW NAME COUNT [THREADS [WORKERS]]
 *
 * HOW is any, v4, v6 (getaddrinfo of that family), host (gethostbyname) or host2 (gethostbyname2,
 * IPv6). Each of WORKERS processes, forked after a first look-up as a pre-forking server does, runs
 * THREADS threads of COUNT look-ups each; 0 workers (the default) is this process alone.
 *
 * Prints `ADDRESS NUMBER` for all together, `failed NUMBER` when look-ups failed, and for each
 * worker `worker` and the addresses of its first thread's first draws, by number.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ADDRESSES 256
#define WORKERS   64
#define FIRST     64 /* draws of a worker that are shown */

/* Lies in memory that all workers share. */
struct tally {
    _Atomic long counts[ADDRESSES + 1]; /* the last: failed */
    _Atomic(char) taken[ADDRESSES];     /* 0 free, 1 being named, 2 named */
    char names[ADDRESSES][INET6_ADDRSTRLEN];
    unsigned char first[WORKERS][FIRST];
};

struct work {
    struct tally *tally;
    const char *how, *name;
    long count;
    int worker; /* whose first draws are noted; -1 = nobody's */
};

/* The number of an address; the first who meets it gives it one. */
static size_t number_of(struct tally *tally, const char *address)
{
    for (size_t i = 0; i < ADDRESSES; i++) {
        char expected = 0;

        if (atomic_compare_exchange_strong(&tally->taken[i], &expected, 1)) {
            memcpy(tally->names[i], address, strlen(address) + 1);
            atomic_store(&tally->taken[i], 2);
            return i;
        }
        while (atomic_load(&tally->taken[i]) == 1)
            ;
        if (strcmp(tally->names[i], address) == 0)
            return i;
    }
    return ADDRESSES;
}

static bool look_up_host(const struct work *work, char address[static INET6_ADDRSTRLEN])
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER; /* gethostbyname is static */
    struct hostent *host;
    bool is_found;

    pthread_mutex_lock(&one_at_a_time);
    host = strcmp(work->how, "host") == 0 ? gethostbyname(work->name)
                                          : gethostbyname2(work->name, AF_INET6);
    is_found = host && inet_ntop(host->h_addrtype, host->h_addr_list[0], address, INET6_ADDRSTRLEN);
    pthread_mutex_unlock(&one_at_a_time);
    return is_found;
}

static bool look_up(const struct work *work, char address[static INET6_ADDRSTRLEN])
{
    struct addrinfo *list, hints = {.ai_socktype = SOCK_STREAM};

    if (strncmp(work->how, "host", 4) == 0)
        return look_up_host(work, address);
    if (strcmp(work->how, "any") != 0)
        hints.ai_family = strcmp(work->how, "v6") == 0 ? AF_INET6 : AF_INET;
    if (getaddrinfo(work->name, NULL, &hints, &list) != 0)
        return false;
    inet_ntop(list->ai_family,
              list->ai_family == AF_INET
                  ? (const void *)&((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr
                  : (const void *)&((struct sockaddr_in6 *)(void *)list->ai_addr)->sin6_addr,
              address, INET6_ADDRSTRLEN);
    freeaddrinfo(list);
    return true;
}

static void *run_thread(void *argument)
{
    const struct work *work = argument;
    char address[INET6_ADDRSTRLEN];

    for (long i = 0; i < work->count; i++) {
        size_t number =
            look_up(work, address) ? number_of(work->tally, address) : (size_t)ADDRESSES;

        atomic_fetch_add_explicit(&work->tally->counts[number], 1, memory_order_relaxed);
        if (work->worker >= 0 && i < FIRST)
            work->tally->first[work->worker][i] = (unsigned char)number;
    }
    return NULL;
}

static void run_threads(struct work *work, long threads)
{
    struct work others = *work;
    pthread_t ids[1024];

    others.worker = -1;
    for (long i = 1; i < threads && i < 1024; i++)
        if (pthread_create(&ids[i], NULL, run_thread, &others) != 0)
            exit(70);
    run_thread(work);
    for (long i = 1; i < threads && i < 1024; i++)
        pthread_join(ids[i], NULL);
}

static void run_workers(struct work *work, long workers, long threads)
{
    char address[INET6_ADDRSTRLEN];

    (void)look_up(work, address); /* the server's own, before it forks */
    for (int i = 0; i < workers && i < WORKERS; i++)
        if (fork() == 0) {
            work->worker = i;
            run_threads(work, threads);
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
}

static void print(const struct tally *tally, long workers, long count)
{
    for (size_t i = 0; i < ADDRESSES && tally->taken[i]; i++)
        printf("%s %ld\n", tally->names[i], tally->counts[i]);
    if (tally->counts[ADDRESSES])
        printf("failed %ld\n", tally->counts[ADDRESSES]);
    for (long i = 0; i < workers && i < WORKERS; i++) {
        printf("worker");
        for (long k = 0; k < FIRST && k < count; k++)
            printf(" %d", tally->first[i][k]);
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    struct work work = {.worker = -1};
    long threads = argc > 4 ? atol(argv[4]) : 1, workers = argc > 5 ? atol(argv[5]) : 0;

    if (argc < 4) {
        fputs("usage: draws any|v4|v6|host|host2 NAME COUNT [THREADS [WORKERS]]\n", stderr);
        return 64;
    }
    work.how = argv[1];
    work.name = argv[2];
    work.count = atol(argv[3]);
    work.tally =
        mmap(NULL, sizeof(*work.tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (work.tally == MAP_FAILED)
        return 71;
    if (workers > 0)
        run_workers(&work, workers, threads);
    else
        run_threads(&work, threads);
    print(work.tally, workers, work.count);
    return 0;
}
