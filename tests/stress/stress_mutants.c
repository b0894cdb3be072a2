/* stress_mutants.c - any bytes give an answer or a miss.
 *
 * 1. A snapshot cut at every length is opened and asked: shorter than its header says it is a miss.
 * 2. 100,000 random mutants of it (MESHDNS_LONG=1: 1,000,000) are read from memory of exactly their
 *    size, so that AddressSanitizer, which this program always has, sees each read outside. Each
 *    look-up must end in good time, and each answer must be well-formed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kinds.h"
#include "snapshot_map.h"
#include "snapshot_writer.h"
#include "whole.h"

#define IDS     60
#define SLOW_NS 50000000 /* of processor time; a look-up of a good file takes some hundred */

static char folder[64], path[128];
static uint64_t state = 20261123;

static uint64_t seeded(void)
{
    return rng_mix(state += UINT64_C(0x9e3779b97f4a7c15));
}

/* A snapshot with every kind of record there is. */
static void make_snapshot(void)
{
    struct snapshot_writer *writer = whole_open(path);

    for (unsigned id = 0; id < IDS; id++)
        whole_put(writer, id, id + 1);
    kinds_put(writer, 600);
    whole_delete(writer, 11);
    snapshot_writer_close(writer);
}

static int64_t processor_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct outcome {
    size_t found, missed, malformed, slow;
};

static void look(struct snapshot_reader *reader, const char *name, struct outcome *outcome)
{
    struct rng rng = {0};
    struct resolve_answer answer;
    struct resolve_request request = {.name = name,
                                      .family = (int[]){AF_UNSPEC, AF_INET, AF_INET6}[seeded() % 3],
                                      .caller = seeded() % 2 ? RESOLVE_SHIM : RESOLVE_NSS,
                                      .most = (unsigned)(1 + seeded() % 16),
                                      .rng = &rng};
    int64_t start = processor_ns();

    enum resolve_result result = name ? resolve_name(reader, &request, &answer)
                                      : resolve_address(reader, KINDS_ADDRESS, 4, &answer);
    outcome->slow += processor_ns() - start > SLOW_NS;
    outcome->found += result == RESOLVE_FOUND;
    outcome->missed += result == RESOLVE_MISS;
    if (result == RESOLVE_FOUND && !kinds_is_well_formed(&answer, name != NULL))
        outcome->malformed++;
}

/* Asks some names, or all. */
static void look_around(struct snapshot_reader *reader, bool is_all, struct outcome *outcome)
{
    char name[WHOLE_KEY + 8];

    for (unsigned id = 0; id < IDS; id++) {
        whole_name(id, name);
        if (is_all || seeded() % 8 == 0)
            look(reader, name, outcome);
    }
    for (size_t i = 0; i < KINDS_NAMES; i++)
        look(reader, kinds_names[i], outcome);
    look(reader, NULL, outcome);
}

static void cut(const uint8_t *bytes, size_t size)
{
    struct outcome whole = {0}, all = {0};
    size_t opened = 0, cuts = 0;
    char cut_path[160];

    (void)snprintf(cut_path, sizeof(cut_path), "%s/cut", folder);
    int fd = open(cut_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || pwrite(fd, bytes, size, 0) != (ssize_t)size)
        abort();
    struct snapshot_reader good = SNAPSHOT_READER(cut_path);
    look_around(&good, true, &whole);
    for (size_t length = size; length-- > 0; cuts++) {
        struct snapshot_reader reader = SNAPSHOT_READER(cut_path);
        if (ftruncate(fd, (off_t)length) < 0)
            abort();
        if (length % 997 == 0)
            look_around(&reader, false, &all);
        struct snapshot_map *map = snapshot_map_open(cut_path, NULL);
        opened += map != NULL;
        snapshot_map_close(map);
    }
    (void)close(fd);
    whole_tap(whole.found > IDS / 2 && opened == 0 && all.found == 0 && all.missed > 0,
              "a file cut at each of %zu lengths: %zu were taken, %zu names found", cuts, opened,
              all.found);
}

/* The places that hold something, so that mutants are not lost in empty space. */
struct places {
    size_t count;
    uint32_t words[200000];
};

/* A record whose name runs out of the file: its first words are moved to the last block. */
static void move_to_end(uint64_t *words, size_t size, const struct places *places)
{
    size_t last = size / SNAPSHOT_BLOCK - 1, block_words = SNAPSHOT_MAP_BLOCK_WORDS;

    for (size_t i = 0; i < places->count; i++) {
        uint64_t slot = words[places->words[i]];
        size_t block = (uint32_t)slot;
        if (places->words[i] < SNAPSHOT_HEADER / 8 || block == 0 || block > last ||
            SNAPSHOT_META_NAME_LENGTH(words[block * block_words + 1]) != KINDS_LONG)
            continue;
        memcpy(words + last * block_words, words + block * block_words, SNAPSHOT_BLOCK);
        words[places->words[i]] = slot >> 32 << 32 | last;
        return;
    }
}

static void find_places(const uint64_t *words, size_t size, struct places *places)
{
    for (size_t i = 0; i < size / 8; i++)
        if (words[i] != 0 && (i < 16 || i >= 40)) /* the secret is random as it is */
            places->words[places->count++] = (uint32_t)i;
}

static void mutate(uint64_t *words, size_t size, const struct places *places)
{
    static const uint64_t borders[] = {
        0, 1, 2, 63, 64, 255, 4096, 65535, 1u << 31, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX};
    size_t count = 1 + seeded() % 8;

    for (size_t i = 0; i < count; i++) {
        size_t at = seeded() % 8 ? places->words[seeded() % places->count] : seeded() % (size / 8);
        unsigned shift = (unsigned)(seeded() % 64);
        switch (seeded() % 7) {
        case 0:
            words[at] ^= UINT64_C(1) << shift;
            break;
        case 1:
            words[at] = seeded();
            break;
        case 2:
            words[at] = borders[seeded() % (sizeof(borders) / sizeof(borders[0]))];
            break;
        case 3: /* one field of a word */
            words[at] = (words[at] & ~(UINT64_C(0xffff) << shift)) | (seeded() & 0xffff) << shift;
            break;
        case 4:
            words[at] += seeded() % 5 - 2;
            break;
        case 5:
            if (seeded() % 64 == 0)
                move_to_end(words, size, places);
            break;
        default: /* a word from elsewhere */
            words[at] = words[places->words[seeded() % places->count]];
        }
    }
}

static void read_mutants(const uint8_t *bytes, size_t size)
{
    static struct places places;
    struct outcome outcome = {0};
    size_t mutants = whole_is_long() ? 1000000 : 100000, refused = 0;

    find_places((const uint64_t *)(const void *)bytes, size, &places);
    for (size_t i = 0; i < mutants; i++) {
        /* From malloc, and of just this size: the words behind are poisoned. */
        uint64_t *mutant = malloc(size);
        struct snapshot_map map = {0};
        struct snapshot_reader reader = {.path = "/nonexistent"};
        if (!mutant)
            abort();
        memcpy(mutant, bytes, size);
        mutate(mutant, size, &places);
        if (snapshot_map_fill(&map, mutant, size)) {
            reader.map = &map;
            look_around(&reader, false, &outcome);
        } else {
            refused++;
        }
        free(mutant);
    }
    whole_tap(outcome.malformed == 0, "%zu of %zu answers from mutants were malformed",
              outcome.malformed, outcome.found);
    whole_tap(outcome.slow == 0, "%zu look-ups in mutants took more than 50 ms", outcome.slow);
    whole_tap(refused > mutants / 1000 && outcome.missed > mutants / 10 && outcome.found > mutants,
              "of %zu mutants %zu were refused; %zu look-ups missed, %zu found", mutants, refused,
              outcome.missed, outcome.found);
}

int main(void)
{
    struct stat status;

    whole_folder(folder);
    (void)snprintf(path, sizeof(path), "%s/snapshot", folder);
    make_snapshot();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        abort();
    size_t size = (size_t)status.st_size;
    uint8_t *bytes = malloc(size);
    if (!bytes || pread(fd, bytes, size, 0) != status.st_size)
        abort();
    (void)close(fd);

    cut(bytes, size);
    read_mutants(bytes, size);
    free(bytes);
    whole_remove(folder);
    return whole_end();
}
