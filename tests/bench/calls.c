/* calls.c - calls getaddrinfo for names of a set, in batches, and tells what a call took.
 *
 *     bench_calls WAY NAMES DESTINATIONS [COUNT]
 *
 * WAY is `libc` (whatever answers getaddrinfo in this process) or `bare` (the table of bare.h). The
 * names are svc0000000.team26.mesh.internal and so on, asked for in a random but fixed order. With
 * COUNT it makes so many calls and ends: for callgrind and strace. Without, each line on standard
 * input is a number of calls; the answer is `NANOSECONDS FAILED` for a call, and for the batch.
 */
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "bare.h"

typedef int (*call)(const char *node, const char *service, const struct addrinfo *hints,
                    struct addrinfo **ret_list);

struct set {
    char (*names)[BARE_NAME_MAX];
    size_t count;
    uint64_t state; /* of the order */
};

static long call_many(call look_up, struct set *set, long count)
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    long failed = 0;

    for (long i = 0; i < count; i++) {
        /* A linear congruence; the high half is random enough for an order. */
        set->state = set->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        if (look_up(set->names[(set->state >> 32) * set->count >> 32], NULL, &hints, &list) == 0)
            freeaddrinfo(list);
        else
            failed++;
    }
    return failed;
}

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int answer_batches(call look_up, struct set *set)
{
    char line[64];

    while (fgets(line, sizeof(line), stdin)) {
        long count = atol(line), failed;
        double start = now_ns();

        failed = call_many(look_up, set, count);
        printf("%.3f %ld\n", (now_ns() - start) / (double)count, failed);
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct set set = {.state = 4711};
    call look_up;

    if (argc < 4) {
        fputs("usage: bench_calls libc|bare NAMES DESTINATIONS [COUNT]\n", stderr);
        return 64;
    }
    look_up = strcmp(argv[1], "bare") == 0 ? bare_getaddrinfo : getaddrinfo;
    set.count = (size_t)atol(argv[2]);
    set.names = calloc(set.count, sizeof(*set.names));
    if (!set.names)
        return 71;
    for (size_t i = 0; i < set.count; i++)
        snprintf(set.names[i], BARE_NAME_MAX, "svc%07u.team26.mesh.internal",
                 (unsigned)i % 10000000);
    if (look_up == bare_getaddrinfo &&
        bare_build((const char(*)[BARE_NAME_MAX])set.names, set.count, (unsigned)atol(argv[3])) < 0)
        return 71;
    if (argc > 4)
        return call_many(look_up, &set, atol(argv[4])) != 0;
    return answer_batches(look_up, &set);
}
