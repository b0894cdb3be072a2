/* writes_text.c - see writes_text.h.
 *
 * The way of meshctl (YAML, read a thousand documents at a time, checked as one set) and then that
 * of syncd (one document changes; what it touches is compiled and published), without the disk.
 */
#include "writes_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auto.h"
#include "buffer.h"
#include "compile.h"
#include "json.h"
#include "policy.h"
#include "policy_set.h"
#include "rng.h"
#include "snapshot_writer.h"
#include "writes_made.h"
#include "yaml.h"

#define FILE_NAMES 1000

static double processor_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(int r, struct error *err)
{
    if (r >= 0)
        return;
    (void)fprintf(stderr, "bench_writes: %s\n", error_line(err));
    exit(EXIT_FAILURE);
}

struct text {
    struct policy_set *set;
    struct snapshot_writer *writer;
    struct compile_node node;
    struct compile_record record;
};

static void put(struct text *text, const struct value *document)
{
    struct policy *policy = NULL;
    struct error err = {0};

    must(policy_parse(document, NULL, &policy, &err), &err);
    must(policy_set_put(text->set, policy, &err), &err);
}

static size_t write_destination(size_t id, size_t i, unsigned weight, char *ret)
{
    size_t number = id * WRITES_DESTINATIONS + i;

    return (size_t)sprintf(ret, "{\"address\": \"10.%zu.%zu.%zu\", \"weight\": %zu}",
                           number >> 16 & 255, number >> 8 & 255, number & 255,
                           i == 0 ? (size_t)weight : (id * 7 + i * 3) % 100 + 1);
}

/* Writes a policy as JSON, or as a document of YAML. Returns its length. */
static size_t write_document(size_t id, unsigned weight, bool is_json, char *ret)
{
    char name[WRITES_NAME], *at = ret;

    (void)writes_name(id, name);
    if (is_json)
        at += sprintf(at, "{\"policy\": \"p%07zu\", \"domains\": [\"%s\"], \"destinations\": [", id,
                      name);
    else
        at += sprintf(at, "---\npolicy: p%07zu\ndomains: [%s]\ndestinations:\n", id, name);
    for (size_t i = 0; i < WRITES_DESTINATIONS; i++) {
        at += sprintf(at, "%s", !is_json ? "  - " : i ? ", " : "");
        at += write_destination(id, i, weight, at);
        at += sprintf(at, "%s", is_json ? "" : "\n");
    }
    return (size_t)(at + sprintf(at, "%s", is_json ? "]}" : "") - ret);
}

/* Returns the seconds that reading took; making the text up does not count. */
static double read_file(struct text *text, size_t first, size_t names)
{
    AUTO_FREE char *file = malloc(names * 512);
    AUTO_VALUE struct value documents = {0};
    struct error err = {0};
    size_t size = 0;

    if (!file)
        abort();
    for (size_t i = 0; i < names; i++)
        size += write_document(first + i, 10, false, file + size);
    double start = processor_s();
    must(yaml_read(file, size, "policies.yaml", &documents, &err), &err);
    for (size_t i = 0; i < documents.list.count; i++)
        put(text, &documents.list.items[i]);
    return processor_s() - start;
}

static int publish(void *context, const char *key, size_t length)
{
    struct text *text = context;
    struct error err = {0};

    must(compile_key(text->set, &text->node, key, length, &text->record, &err), &err);
    must(snapshot_writer_put(text->writer, text->record.words, text->record.count, &err), &err);
    return 0;
}

static void publish_all(struct text *text, const char *path, size_t names)
{
    const struct snapshot_writer_options options = {.host_key = 1, .names = names};
    struct error err = {0};

    must(snapshot_writer_open(path, &options, &text->writer, &err), &err);
    (void)policy_set_keys(text->set, publish, text);
    snapshot_writer_commit(text->writer, 1);
}

/* One document as it comes in. Returns the seconds. */
static double change(struct text *text, size_t id, unsigned weight, uint64_t revision)
{
    AUTO_VALUE struct value document = {0};
    struct error err = {0};
    char bytes[512];
    size_t size = write_document(id, weight, true, bytes);
    double start = processor_s();

    must(json_read(bytes, size, &document, &err), &err);
    put(text, &document);
    (void)policy_set_touched(text->set, publish, text);
    policy_set_commit(text->set);
    snapshot_writer_commit(text->writer, revision);
    return processor_s() - start;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void writes_text(const char *path, size_t names, size_t count)
{
    struct text text = {.set = policy_set_new(), .node = {.name = "bench"}};
    double *took = calloc(count, sizeof(*took)), reading = 0;
    uint64_t chance = 4711;
    struct error err = {0};

    if (!text.set || !took)
        abort();
    for (size_t first = 0; first < names; first += FILE_NAMES)
        reading += read_file(&text, first, names - first < FILE_NAMES ? names - first : FILE_NAMES);
    double start = processor_s();
    must(policy_set_check(text.set, NULL, &err), &err);
    policy_set_commit(text.set);
    double checked = processor_s();
    publish_all(&text, path, names);
    double published = processor_s(), whole = reading + published - start;

    for (size_t i = 0; i < count; i++)
        took[i] =
            change(&text, (size_t)(rng_mix(++chance) % names), 100 + (unsigned)(i % 60000), 2 + i);
    qsort(took, count, sizeof(*took), by_size);
    (void)printf("{\"mode\": \"text\", \"names\": %zu, \"seconds\": %.3f, \"read_s\": %.3f, "
                 "\"check_s\": %.3f, \"publish_s\": %.3f, \"policies_per_s\": %.0f, "
                 "\"document_us\": %.3f, \"document_p99_us\": %.3f}\n",
                 names, whole, reading, checked - start, published - checked, (double)names / whole,
                 took[count / 2] * 1e6, took[count * 99 / 100] * 1e6);
    snapshot_writer_close(text.writer);
    compile_record_done(&text.record);
    policy_set_free(text.set);
    free(took);
}
