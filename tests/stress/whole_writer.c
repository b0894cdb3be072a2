/* whole_writer.c - see whole.h; what needs the writer. */
#include <stdio.h>
#include <stdlib.h>

#include "grow.h"
#include "snapshot_writer.h"
#include "whole.h"

/* Ends the program. */
static _Noreturn void fail(const char *what, struct error *err)
{
    (void)fprintf(stderr, "%s: %s\n", what, error_line(err));
    abort();
}

struct snapshot_writer *whole_open(const char *path)
{
    struct snapshot_writer_options options = {.host_key = WHOLE_HOST_KEY};
    struct snapshot_writer *writer;
    struct error err = {0};

    if (snapshot_writer_open(path, &options, &writer, &err) < 0)
        fail("open", &err);
    return writer;
}

struct snapshot_writer *whole_grow(struct snapshot_writer *writer, const char *path)
{
    struct mapping old, mapping;
    struct space space;
    struct error err = {0};
    struct grow_wish wish = {.host_key = WHOLE_HOST_KEY};
    struct snapshot_writer_stats stats;

    snapshot_writer_stats(writer, &stats);
    wish.size = (struct room_size){4096, 2 * stats.used_bytes / SNAPSHOT_BLOCK + 2048};
    snapshot_writer_close(writer);
    if (mapping_open(path, &old, &err) < 0 ||
        grow_file(path, &old, &wish, &mapping, &space, &err) < 0)
        fail("grow", &err);
    mapping_close(&old);
    mapping_close(&mapping);
    space_done(&space);
    return whole_open(path);
}

/* Families, verb, number of destinations and canonical name all depend on the version. */
static size_t encode(unsigned id, uint32_t version, uint64_t words[static FIXTURE_WORDS])
{
    static const enum snapshot_verb verbs[] = {SNAPSHOT_DRAW, SNAPSHOT_LIST, SNAPSHOT_STICK_HOST,
                                               SNAPSHOT_DRAW};
    struct fixture_destination d[24];
    char key[WHOLE_KEY], canonical[WHOLE_KEY];
    struct fixture_rule rule = {.verb = verbs[version % 4],
                                .answers = version % 16 + 1,
                                .destinations = d,
                                .count = (version * 5 + id) % 24 + 1};

    for (size_t i = 0; i < rule.count; i++) {
        bool has_v4 = version % 3 != 0 || i % 2, has_v6 = version % 3 != 1 && (i % 3 || !has_v4);
        d[i] = (struct fixture_destination){
            .v4 = has_v4 || !has_v6 ? (id + 1) << 24 | version : 0,
            .v6 = has_v6 ? (uint64_t)(id + 1) << 40 | (uint64_t)version << 8 | i : 0,
            .port = whole_port(id, version),
            .weight = (uint16_t)(i + 1)};
    }
    if (version % 5 == 0) {
        (void)snprintf(canonical, sizeof(canonical), "canon-%u-%u", id, version);
        rule.canonical = canonical;
    }
    if (rule.verb == SNAPSHOT_LIST)
        rule.flags = SNAPSHOT_RULE_LISTED;
    return fixture_record(key, whole_key(id, key), &rule, 1, words);
}

void whole_put(struct snapshot_writer *writer, unsigned id, uint32_t version)
{
    static _Thread_local uint64_t words[FIXTURE_WORDS];
    struct error err = {0};

    if (snapshot_writer_put(writer, words, encode(id, version, words), &err) < 0)
        fail("put", &err);
}

void whole_delete(struct snapshot_writer *writer, unsigned id)
{
    char key[WHOLE_KEY];

    (void)snapshot_writer_delete(writer, key, whole_key(id, key));
}
