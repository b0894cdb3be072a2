/* writes.c - what the writer's side costs. One line of JSON for each call; times are of this run
 * alone, so repeat it and take medians. Building and reading is told in processor time, which other
 * programs disturb less; publishing and seeing in the clock's, so they need two free processors.
 *
 *     bench_writes build NAMES [both]    from compiled policies, each of four destinations, of IPv4
 *                                        or of both families, next to a bare table from the same:
 *                                        ours_ns, bare_ns (a policy), ratio, file_bytes,
 *                                        used_bytes, bare_bytes (a policy), rebuilt
 *     bench_writes change NAMES [COUNT]  one weight of one policy, COUNT times (default 2000):
 *                                        publish_us, publish_p99_us; seen_us, seen_p99_us (after
 *                                        the end of the publishing, by a process that spins; 0 =
 *                                        before it); stored_bytes (into the file, the most of all
 *                                        publishings); delete_us, insert_us (means, at random)
 *     bench_writes text NAMES [COUNT]    from YAML, through core/policy and the writer: seconds,
 *                                        read_s, check_s, publish_s, policies_per_s; then COUNT
 *                                        documents with another weight, as syncd takes them:
 *                                        document_us, document_p99_us
 *
 * The snapshot lies in a folder of its own below /dev/shm, or $MESHDNS_BENCH_FOLDER.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rng.h"
#include "snapshot_format.h"
#include "snapshot_writer.h"
#include "stored.h"
#include "writes_made.h"
#include "writes_seen.h"
#include "writes_text.h"

#define AHEAD 8 /* records, of which the writer is told beforehand */

static char folder[128], path[160];
static uint64_t chance = 4711;

static double now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double processor_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t pick(size_t count)
{
    return (size_t)(rng_mix(++chance) % count);
}

static void must(int r, struct error *err)
{
    if (r >= 0)
        return;
    (void)fprintf(stderr, "bench_writes: %s\n", error_line(err));
    exit(EXIT_FAILURE);
}

static void make_folder(void)
{
    const char *above = getenv("MESHDNS_BENCH_FOLDER");

    (void)snprintf(folder, sizeof(folder), "%s/bench-writes.XXXXXX", above ? above : "/dev/shm");
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(EXIT_FAILURE);
    }
    (void)snprintf(path, sizeof(path), "%s/snapshot", folder);
}

static void remove_folder(void)
{
    (void)unlink(path);
    (void)strcat(path, ".lock");
    (void)unlink(path);
    (void)rmdir(folder);
}

static struct snapshot_writer *fill(const struct writes_made *made)
{
    const struct snapshot_writer_options options = {.host_key = 1, .names = made->count};
    size_t length = SNAPSHOT_META_NAME_LENGTH(made->words[0]);
    struct snapshot_writer *writer;
    struct error err = {0};

    must(snapshot_writer_open(path, &options, &writer, &err), &err);
    for (size_t id = 0; id < made->count; id++) {
        if (id + AHEAD < made->count)
            snapshot_writer_fetch(writer, writes_record(made, id + AHEAD) + 1, length);
        must(snapshot_writer_put(writer, writes_record(made, id), made->each, &err), &err);
    }
    snapshot_writer_commit(writer, 1);
    return writer;
}

static void bench_build(size_t names, unsigned families)
{
    struct snapshot_writer_stats stats;
    struct writes_made made;

    writes_make(names, families, &made);
    struct writes_row *rows = writes_rows(&made, families);
    double start = processor_s();
    size_t bytes = writes_bare_build(rows, names, families);
    double bare = processor_s() - start;
    free(rows);

    start = processor_s();
    struct snapshot_writer *writer = fill(&made);
    double ours = processor_s() - start, count = (double)names;
    snapshot_writer_stats(writer, &stats);
    snapshot_writer_close(writer);
    if (stats.names != names)
        abort();
    (void)printf("{\"mode\": \"build\", \"names\": %zu, \"families\": %u, \"ours_ns\": %.1f, "
                 "\"bare_ns\": %.1f, \"ratio\": %.3f, \"file_bytes\": %.1f, \"used_bytes\": %.1f, "
                 "\"bare_bytes\": %.1f, \"rebuilt\": %zu}\n",
                 names, families, ours / count * 1e9, bare / count * 1e9, ours / bare,
                 (double)stats.file_size / count, (double)stats.used_bytes / count,
                 (double)bytes / count, (size_t)(stats.grown + stats.settled));
    free(made.words);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* A quantile of so many numbers, which are sorted. */
static double quantile(double *numbers, size_t count, double share)
{
    qsort(numbers, count, sizeof(*numbers), by_size);
    return numbers[(size_t)((double)(count - 1) * share)];
}

/* Deletes names at random and puts them back. Prints the mean costs. */
static void come_and_go(struct snapshot_writer *writer, const struct writes_made *made,
                        size_t count)
{
    double deleting = 0, inserting = 0;
    char name[WRITES_NAME];

    for (size_t i = 0; i < count; i++) {
        size_t id = pick(made->count), length = writes_name(id, name);
        double start = now_s();

        if (snapshot_writer_delete(writer, name, length) != 1)
            abort();
        double middle = now_s();
        if (snapshot_writer_put(writer, writes_record(made, id), made->each, NULL) != 1)
            abort();
        deleting += middle - start;
        inserting += now_s() - middle;
    }
    (void)printf("\"delete_us\": %.3f, \"insert_us\": %.3f}\n", deleting / (double)count * 1e6,
                 inserting / (double)count * 1e6);
}

static void bench_change(size_t names, size_t count)
{
    double *publish = calloc(count, sizeof(*publish)), *seen = calloc(count, sizeof(*seen));
    uint64_t stored = 0;
    struct writes_made made;

    if (!publish || !seen)
        abort();
    writes_make(names, 1, &made);
    struct snapshot_writer *writer = fill(&made);
    struct writes_seen *reader = writes_seen_start(path, writes_weight_at(&made));
    for (size_t i = 0; i < count; i++) {
        size_t id = pick(names);
        unsigned weight = 100 + (unsigned)(i % 60000);
        char name[WRITES_NAME];

        (void)writes_name(id, name);
        writes_change(&made, id, weight);
        writes_seen_watch(reader, name, weight);
        uint64_t before = stored_bytes;
        double start = now_s();
        if (snapshot_writer_put(writer, writes_record(&made, id), made.each, NULL) != 1)
            abort();
        snapshot_writer_commit(writer, 2 + i);
        double end = now_s(), after = (double)writes_seen_wait(reader) / 1e9 - end;
        publish[i] = end - start;
        seen[i] = after > 0 ? after : 0;
        stored = stored_bytes - before > stored ? stored_bytes - before : stored;
    }
    writes_seen_stop(reader);
    (void)printf("{\"mode\": \"change\", \"names\": %zu, \"publish_us\": %.3f, "
                 "\"publish_p99_us\": %.3f, \"seen_us\": %.3f, \"seen_p99_us\": %.3f, "
                 "\"stored_bytes\": %zu, ",
                 names, quantile(publish, count, 0.5) * 1e6, quantile(publish, count, 0.99) * 1e6,
                 quantile(seen, count, 0.5) * 1e6, quantile(seen, count, 0.99) * 1e6,
                 (size_t)stored);
    come_and_go(writer, &made, count);
    snapshot_writer_close(writer);
    free(made.words);
    free(publish);
    free(seen);
}

int main(int count, char **arguments)
{
    const char *mode = count > 2 ? arguments[1] : "", *third = count > 3 ? arguments[3] : "";
    size_t names = count > 2 ? (size_t)atol(arguments[2]) : 0;
    size_t times = atol(third) > 0 ? (size_t)atol(third) : 2000;

    if (names == 0) {
        (void)fputs("usage: bench_writes build NAMES [both] | change NAMES [COUNT] | "
                    "text NAMES [COUNT]\n",
                    stderr);
        return EXIT_FAILURE;
    }
    make_folder();
    (void)atexit(remove_folder);
    if (strcmp(mode, "build") == 0)
        bench_build(names, strcmp(third, "both") == 0 ? 2 : 1);
    else if (strcmp(mode, "change") == 0)
        bench_change(names, times);
    else if (strcmp(mode, "text") == 0)
        writes_text(path, names, times);
    else
        return EXIT_FAILURE;
    return 0;
}
