/* test_rng.c - numbers differ between processes, threads and children. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "rng.h"

#define CHILDREN 8
#define THREADS  32
#define NUMBERS  64

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* 64-bit numbers that come twice are no accident. */
static void expect_all_differ(uint64_t *numbers, size_t count, const char *what)
{
    qsort(numbers, count, sizeof(*numbers), by_value);
    for (size_t i = 1; i < count; i++)
        cr_assert_neq(numbers[i], numbers[i - 1], "%s: a number came twice", what);
}

static void draw_numbers(uint64_t *numbers, struct rng *rng)
{
    for (size_t i = 0; i < NUMBERS; i++)
        numbers[i] = rng_next(rng);
}

Test(rng, forked_workers_and_the_parent_never_draw_the_same_numbers)
{
    size_t rows = (CHILDREN + 1) * 2;
    uint64_t(*all)[NUMBERS] =
        mmap(NULL, rows * sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t *keys = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct rng rng = {0};

    cr_assert_neq(all, MAP_FAILED);
    cr_assert_neq(keys, MAP_FAILED);
    (void)rng_next(&rng); /* as a server that drew before it forked its workers */
    (void)rng_next(NULL);
    for (size_t i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
            draw_numbers(all[i * 2], &rng);
            draw_numbers(all[i * 2 + 1], NULL);
            keys[i] = rng_process_key();
            _exit(0);
        }
    }
    draw_numbers(all[CHILDREN * 2], &rng);
    draw_numbers(all[CHILDREN * 2 + 1], NULL);
    keys[CHILDREN] = rng_process_key();
    cr_expect_eq(rng_process_key(), keys[CHILDREN]);
    for (size_t i = 0; i < CHILDREN; i++)
        cr_assert_gt(wait(NULL), 0);
    expect_all_differ(all[0], rows * NUMBERS, "workers");
    expect_all_differ(keys, CHILDREN + 1, "process keys");
}

static void *thread_draws(void *numbers)
{
    struct rng rng = {0};

    draw_numbers(numbers, &rng);
    draw_numbers((uint64_t *)numbers + NUMBERS, NULL);
    return NULL;
}

Test(rng, threads_never_draw_the_same_numbers)
{
    static uint64_t all[THREADS][2 * NUMBERS];
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, thread_draws, all[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    expect_all_differ(all[0], THREADS * 2 * NUMBERS, "threads");
}

Test(rng, each_bit_is_set_in_half_of_the_numbers)
{
    struct rng rng = {0};
    int set[2][64] = {{0}};

    for (int i = 0; i < 100000; i++) {
        uint64_t numbers[2] = {rng_next(&rng), rng_next(NULL)};
        for (int bit = 0; bit < 128; bit++)
            set[bit / 64][bit % 64] += (int)(numbers[bit / 64] >> (bit % 64) & 1);
    }
    /* 5.5 standard deviations of 158: for 128 bits less than one in 10^5 runs. */
    for (int bit = 0; bit < 128; bit++)
        cr_expect(abs(set[bit / 64][bit % 64] - 50000) < 870, "bit %d: %d", bit,
                  set[bit / 64][bit % 64]);
}
