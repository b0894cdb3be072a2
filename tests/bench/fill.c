/* fill.c - writes a snapshot of numbered names, as syncd would, but from numbers instead of text.
 *
 *     bench_fill SNAPSHOT NAMES DESTINATIONS ANSWERS [WILDCARD...]
 *
 * Name i is svc<i>.team26.mesh.internal; its destinations are as in bare.h. WILDCARDs
 * (`*.one.example`) are published too, so that depths are in use.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bare.h"
#include "compile.h"
#include "record.h"
#include "snapshot_format.h"
#include "snapshot_writer.h"

static int put(struct snapshot_writer *writer, const char *key, size_t number, size_t destinations,
               unsigned answers, struct compile_record *record, struct error *err)
{
    struct record_destination to[BARE_DESTINATIONS] = {0};
    const struct record_rule rule = {
        .verb = SNAPSHOT_DRAW, .answers = answers, .destinations = to, .count = destinations};

    for (size_t i = 0; i < destinations; i++) {
        to[i].v4 = htonl((uint32_t)(0x0a000000 + number * destinations + i));
        to[i].has_v4 = true;
        to[i].weight = (uint16_t)(10 + i);
    }
    if (record_begin(record, key, strlen(key)) < 0 || record_rule(record, &rule, true) < 0)
        return error_set(err, ERROR_INTERNAL, "memory ran out");
    record_end(record, 1);
    return snapshot_writer_put(writer, record->words, record->count, err);
}

static int fill(struct snapshot_writer *writer, int argc, char **argv, struct error *err)
{
    size_t names = (size_t)atol(argv[2]), destinations = (size_t)atol(argv[3]);
    unsigned answers = (unsigned)atol(argv[4]);
    struct compile_record record = {0};
    int r = 0;

    for (size_t i = 0; i < names && r >= 0; i++) {
        char name[BARE_NAME_MAX];
        snprintf(name, sizeof(name), "svc%07u.team26.mesh.internal", (unsigned)i % 10000000);
        r = put(writer, name, i, destinations, answers, &record, err);
    }
    for (int i = 5; i < argc && r >= 0; i++) /* the key of *.x is .x */
        r = put(writer, argv[i] + 1, names, 1, 1, &record, err);
    compile_record_done(&record);
    return r;
}

int main(int argc, char **argv)
{
    struct snapshot_writer_options options = {0};
    struct snapshot_writer *writer;
    struct error err = {0};
    int r;

    if (argc < 5 || atol(argv[3]) < 1 || atol(argv[3]) > BARE_DESTINATIONS) {
        fputs("usage: bench_fill SNAPSHOT NAMES DESTINATIONS ANSWERS [WILDCARD...]\n", stderr);
        return 64;
    }
    options.names = (size_t)atol(argv[2]);
    r = snapshot_writer_open(argv[1], &options, &writer, &err);
    if (r == 0) {
        r = fill(writer, argc, argv, &err);
        snapshot_writer_commit(writer, 1);
        snapshot_writer_close(writer);
    }
    if (r < 0)
        fprintf(stderr, "bench_fill: %s\n", error_line(&err));
    return r < 0;
}
