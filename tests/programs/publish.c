/* publish.c - changes one record of a snapshot, as syncd does.
 *
 *     publish SNAPSHOT pass NAME                  a protected name
 *     publish SNAPSHOT search NDOTS [DOMAIN...]   the host's search list
 *     publish SNAPSHOT address NAME IPV4          a policy of one destination
 *     publish SNAPSHOT churn NAMES ROUNDS         n0.churn ... get 10.N.0.ROUND, round by round
 *     publish SNAPSHOT grow                       names are added until the file is replaced
 *     publish SNAPSHOT fill NAMES                 so many
 *     publish SNAPSHOT delete KEY
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compile.h"
#include "fixture.h"
#include "snapshot_format.h"
#include "snapshot_writer.h"

/* A writer replaces a file of another host key, so it is given the one that is there. */
static uint64_t host_key_of(const char *path)
{
    uint64_t key = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || pread(fd, &key, sizeof(key), offsetof(struct snapshot_header, host_key)) !=
                      (ssize_t)sizeof(key))
        key = 0;
    if (fd >= 0)
        close(fd);
    return key;
}

static int put_address(struct snapshot_writer *writer, const char *name, uint32_t v4,
                       struct error *err)
{
    const struct fixture_destination to = {.v4 = v4, .weight = 1};
    const struct fixture_rule rule = {.verb = SNAPSHOT_DRAW, .destinations = &to, .count = 1};
    static uint64_t words[FIXTURE_WORDS];
    size_t count = fixture_record(name, strlen(name), &rule, 1, words);

    return snapshot_writer_put(writer, words, count, err);
}

static int churn(struct snapshot_writer *writer, unsigned names, unsigned rounds, struct error *err)
{
    char name[32];

    for (unsigned i = 0; i < names * rounds; i++) {
        unsigned round = i / names, number = i % names;

        (void)snprintf(name, sizeof(name), "n%u.churn", number);
        if (put_address(writer, name, 10u << 24 | number << 16 | (round & 255), err) < 0)
            return -1;
    }
    return 0;
}

/* Adds names: `most` of them, or fewer if the file is replaced before. */
static int fill(struct snapshot_writer *writer, unsigned most, bool is_until_replaced,
                struct error *err)
{
    struct snapshot_writer_stats stats = {0};
    char name[32];

    snapshot_writer_stats(writer, &stats);
    for (unsigned i = (unsigned)stats.names; most > 0; i++, most--) {
        (void)snprintf(name, sizeof(name), "fill-%u.mesh", i);
        if (put_address(writer, name, 10u << 24, err) < 0)
            return -1;
        snapshot_writer_stats(writer, &stats);
        if (is_until_replaced && stats.grown + stats.rekeyed > 0)
            break;
    }
    return 0;
}

static int change(struct snapshot_writer *writer, int argc, char **argv, struct error *err)
{
    struct compile_record record = {0};
    int r;

    if (strcmp(argv[2], "grow") == 0)
        return fill(writer, UINT_MAX, true, err);
    if (strcmp(argv[2], "delete") == 0)
        return snapshot_writer_delete(writer, argv[3], strlen(argv[3]));
    if (strcmp(argv[2], "fill") == 0)
        return fill(writer, (unsigned)atoi(argv[3]), false, err);
    if (strcmp(argv[2], "churn") == 0)
        return churn(writer, (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]), err);
    if (strcmp(argv[2], "address") == 0)
        return put_address(writer, argv[3], ntohl(inet_addr(argv[4])), err);
    if (strcmp(argv[2], "pass") == 0)
        r = compile_pass(argv[3], strlen(argv[3]), &record);
    else
        r = compile_search((const char *const *)argv + 4, (size_t)argc - 4, (unsigned)atoi(argv[3]),
                           &record);
    if (r >= 0)
        r = snapshot_writer_put(writer, record.words, record.count, err);
    compile_record_done(&record);
    return r;
}

int main(int argc, char **argv)
{
    struct snapshot_writer_options options = {0};
    struct snapshot_writer *writer;
    struct error err = {0};
    int r;

    if (argc < 4 && !(argc == 3 && strcmp(argv[2], "grow") == 0))
        return 64;
    options.host_key = host_key_of(argv[1]);
    r = snapshot_writer_open(argv[1], &options, &writer, &err);
    if (r == 0) {
        r = change(writer, argc, argv, &err);
        snapshot_writer_close(writer);
    }
    if (r < 0)
        fprintf(stderr, "publish: %s\n", error_line(&err));
    return r < 0;
}
