/* stress_scale.c - a million policies of four destinations, and one of 4,096: built, opened, looked
 * up, changed, listed, deleted.
 *
 * What a change stores into the file is counted, not timed; times are told for people. The sizes
 * are promises.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "resolve.h"
#include "snapshot_check.h"
#include "snapshot_writer.h"
#include "stored.h"
#include "whole.h"

#define NAMES        1000000
#define LEFT         1000
#define CHANGES      20000
#define DESTINATIONS 4
#define NAME         40

static const struct snapshot_writer_options expecting = {.host_key = WHOLE_HOST_KEY,
                                                         .names = NAMES};
static char folder[64], path[128];
static uint64_t words[FIXTURE_WORDS];
static double began;

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    double then = began;
    began = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    return began - then;
}

static size_t name_of(unsigned id, char ret[static NAME])
{
    return (size_t)snprintf(ret, NAME, "svc%07u.team26.mesh.internal", id);
}

/* Destination i of a policy; its address tells both, and the version of the first one. */
static uint32_t v4_of(unsigned id, unsigned i, unsigned version)
{
    return (uint32_t)0x0a000001 + (id * DESTINATIONS + i) * 8 + (i == 0 ? version : 0);
}

static struct snapshot_writer *open_writer(void)
{
    struct snapshot_writer *writer;
    struct error err = {0};

    if (snapshot_writer_open(path, &expecting, &writer, &err) < 0) {
        (void)fprintf(stderr, "%s\n", error_line(&err));
        abort();
    }
    return writer;
}

static void put(struct snapshot_writer *writer, unsigned id, unsigned families, unsigned version)
{
    struct fixture_destination d[DESTINATIONS];
    struct fixture_rule rule = {.verb = SNAPSHOT_DRAW, .destinations = d, .count = DESTINATIONS};
    char name[NAME];
    size_t length = name_of(id, name);

    for (unsigned i = 0; i < DESTINATIONS; i++)
        d[i] = (struct fixture_destination){.v4 = v4_of(id, i, version),
                                            .v6 = families > 1 ? id * DESTINATIONS + i + 1 : 0,
                                            .weight = (uint16_t)(i + 1 + version)};
    size_t count = fixture_record(name, length, &rule, 1, words);
    if (snapshot_writer_put(writer, words, count, NULL) != 1)
        abort();
}

static bool remove_name(struct snapshot_writer *writer, unsigned id)
{
    char name[NAME];

    return snapshot_writer_delete(writer, name, name_of(id, name)) == 1;
}

/* Whether a name is answered with one of its own addresses. */
static bool is_answered(struct snapshot_reader *reader, struct rng *rng, unsigned id,
                        unsigned version)
{
    struct resolve_request request = {
        .family = AF_INET, .caller = RESOLVE_SHIM, .most = 1, .rng = rng, .is_nameless = true};
    struct resolve_answer answer;
    char name[NAME];

    (void)name_of(id, name);
    request.name = name;
    if (resolve_name(reader, &request, &answer) != RESOLVE_FOUND || answer.count != 1)
        return false;
    for (unsigned i = 0; i < DESTINATIONS; i++)
        if (answer.destinations[0].v4 == htonl(v4_of(id, i, version)))
            return true;
    return false;
}

/* How many of the ids from..to-1 are answered. */
static unsigned count_answered(unsigned from, unsigned to)
{
    struct snapshot_reader reader = SNAPSHOT_READER(path);
    struct rng rng = {0};
    unsigned answered = 0;

    for (unsigned id = from; id < to; id++)
        answered += is_answered(&reader, &rng, id, 0);
    return answered;
}

static struct snapshot_writer *build(unsigned families, uint64_t most)
{
    struct snapshot_writer_stats stats;
    struct snapshot_writer *writer = open_writer();

    (void)seconds();
    for (unsigned id = 0; id < NAMES; id++)
        put(writer, id, families, 0);
    snapshot_writer_commit(writer, 7);
    snapshot_writer_stats(writer, &stats);
    whole_tap(stats.names == NAMES && stats.file_size <= most * NAMES,
              "%d policies of %d destinations, %u families: %.1f bytes each (%zu at most), %.2f s",
              NAMES, DESTINATIONS, families, (double)stats.file_size / NAMES, (size_t)most,
              seconds());
    return writer;
}

static struct snapshot_writer *open_again(struct snapshot_writer *writer)
{
    struct snapshot_writer_stats before, behind;

    snapshot_writer_stats(writer, &before);
    snapshot_writer_close(writer);
    (void)seconds();
    writer = open_writer();
    double took = seconds();
    snapshot_writer_stats(writer, &behind);
    whole_tap(behind.names == NAMES && behind.revision == 7 &&
                  behind.used_bytes == before.used_bytes && behind.file_size == before.file_size,
              "the next writer takes it over in %.2f s", took);
    return writer;
}

static void look_up(void)
{
    (void)seconds();
    unsigned found = count_answered(0, NAMES);
    double took = seconds();
    unsigned ghosts = count_answered(NAMES, 2 * NAMES);

    whole_tap(found == NAMES && ghosts == 0,
              "%u are answered with an address of theirs (%.0f ns each), and %u of as many others",
              found, took / NAMES * 1e9, ghosts);
}

static int count_key(void *context, const uint8_t *key, size_t length)
{
    (void)key, (void)length;
    ++*(unsigned *)context;
    return 0;
}

static void prove(const struct snapshot_writer *writer, int names)
{
    struct snapshot_check *check = NULL;
    struct error err = {0};
    unsigned listed = 0;

    (void)seconds();
    (void)snapshot_writer_each(writer, count_key, &listed);
    double listing = seconds();
    int proved = snapshot_check_open(path, &check, &err);
    if (proved == 0)
        proved = snapshot_check_each(check, NULL, NULL, &err);
    snapshot_check_close(check);
    whole_tap((int)listed == names && proved == names,
              "%u are listed (%.2f s), %d proved (%.2f s) %s", listed, listing, proved, seconds(),
              proved < 0 ? error_line(&err) : "");
}

static void change(struct snapshot_writer *writer)
{
    struct snapshot_reader reader = SNAPSHOT_READER(path);
    struct rng rng = {0};
    uint64_t most = 0, state = 1;
    unsigned wrong = 0;
    double took = 0;

    for (unsigned i = 0; i < CHANGES; i++) {
        unsigned id = (unsigned)(rng_mix(++state) % NAMES), version = 1 + i % 7;
        uint64_t before = stored_bytes;
        (void)seconds();
        put(writer, id, 1, version);
        took += seconds();
        most = stored_bytes - before > most ? stored_bytes - before : most;
        wrong += !is_answered(&reader, &rng, id, version);
        put(writer, id, 1, 0);
    }
    whole_tap(most > 0 && most <= 512 && wrong == 0,
              "a change stores %zu bytes at most (%.2f us with its encoding), %u of %d not seen",
              (size_t)most, took / CHANGES * 1e6, wrong, CHANGES);
}

static void shrink(struct snapshot_writer *writer)
{
    struct snapshot_writer_stats stats;
    unsigned gone = 0;

    (void)seconds();
    for (unsigned id = LEFT; id < NAMES; id++)
        gone += remove_name(writer, id);
    snapshot_writer_commit(writer, 8);
    double took = seconds();
    snapshot_writer_stats(writer, &stats);
    unsigned left = count_answered(0, LEFT), ghosts = count_answered(LEFT, 100 * LEFT);
    whole_tap(gone == NAMES - LEFT && stats.names == LEFT && left == LEFT && ghosts == 0 &&
                  stats.file_size < UINT64_C(2) << 20,
              "%u deleted in %.2f s; the file has %zu KiB, %u are left, %u too many", gone, took,
              (size_t)stats.file_size / 1024, left, ghosts);
}

/* One policy with as many destinations as there may be, of both families. */
static void put_wide(struct snapshot_writer *writer, uint32_t version)
{
    static struct fixture_destination d[SNAPSHOT_DESTINATIONS];
    struct fixture_rule rule = {
        .verb = SNAPSHOT_DRAW, .destinations = d, .count = SNAPSHOT_DESTINATIONS};

    for (uint32_t i = 0; i < SNAPSHOT_DESTINATIONS; i++)
        d[i] = (struct fixture_destination){
            .v4 = version << 16 | (i + 1), .v6 = i + 1, .weight = (uint16_t)(i % 50 + 1)};
    if (snapshot_writer_put(writer, words, fixture_record("wide.mesh", 9, &rule, 1, words), NULL) !=
        1)
        abort();
}

static void widen(struct snapshot_writer *writer)
{
    static bool is_seen[SNAPSHOT_DESTINATIONS];
    struct resolve_request request = {
        .name = "wide.mesh", .family = AF_INET, .caller = RESOLVE_SHIM, .most = 1};
    struct snapshot_reader reader = SNAPSHOT_READER(path);
    struct resolve_answer answer;
    unsigned seen = 0, wrong = 0;

    (void)seconds();
    for (uint32_t version = 1; version <= 200; version++) {
        put_wide(writer, version);
        for (unsigned i = 0; i < 2000; i++) {
            uint32_t v4 = resolve_name(&reader, &request, &answer) == RESOLVE_FOUND
                              ? ntohl(answer.destinations[0].v4)
                              : 0;
            size_t which = (v4 & 0xffff) - 1u;
            if (v4 >> 16 != version || which >= SNAPSHOT_DESTINATIONS) {
                wrong++;
                continue;
            }
            seen += !is_seen[which];
            is_seen[which] = true;
        }
    }
    double took = seconds();
    struct snapshot_writer_stats stats;
    snapshot_writer_commit(writer, 9);
    snapshot_writer_stats(writer, &stats);
    bool is_gone = snapshot_writer_delete(writer, "wide.mesh", 9) == 1 &&
                   resolve_name(&reader, &request, &answer) == RESOLVE_MISS;
    whole_tap(wrong == 0 && seen > SNAPSHOT_DESTINATIONS * 9 / 10 && is_gone &&
                  stats.file_size < UINT64_C(8) << 20,
              "one policy of %d destinations: changed 200 times, drawn 400,000 times in %.2f s, %u "
              "seen, %u wrong, in %zu KiB",
              SNAPSHOT_DESTINATIONS, took, seen, wrong, (size_t)stats.file_size / 1024);
}

int main(void)
{
    whole_folder(folder);
    (void)snprintf(path, sizeof(path), "%s/snapshot", folder);

    struct snapshot_writer *writer = build(2, 260);
    snapshot_writer_close(writer);
    if (remove(path) != 0)
        abort();
    writer = build(1, 180);
    writer = open_again(writer);
    look_up();
    prove(writer, NAMES);
    change(writer);
    shrink(writer);
    widen(writer);
    prove(writer, LEFT);
    snapshot_writer_close(writer);
    whole_remove(folder);
    return whole_end();
}
