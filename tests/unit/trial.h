/* trial.h - a snapshot of a test's own, written and looked up in. For one file of a test program;
 * the functions end the test when they fail.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "fixture.h"
#include "resolve.h"
#include "snapshot_writer.h"

static char folder[] = "/tmp/test_lookup.XXXXXX", path[64];
static struct snapshot_writer *writer;
static struct snapshot_reader reader;
static uint64_t words[FIXTURE_WORDS];

static inline void trial_begin(void)
{
    struct snapshot_writer_options options = {.host_key = 77};

    cr_assert(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/snapshot", folder);
    cr_assert_eq(snapshot_writer_open(path, &options, &writer, NULL), 0);
    reader = (struct snapshot_reader)SNAPSHOT_READER(path);
}

static inline void trial_end(void)
{
    char lock[80];

    snapshot_writer_close(writer);
    (void)snprintf(lock, sizeof(lock), "%s.lock", path);
    (void)unlink(lock);
    (void)unlink(path);
    (void)rmdir(folder);
}

static inline void trial_put(const char *key, const struct fixture_rule *rules, size_t count)
{
    size_t size = fixture_record(key, strlen(key), rules, count, words);

    cr_assert_eq(snapshot_writer_put(writer, words, size, NULL), 1, "%s", key);
}

static inline void trial_put_v4(const char *key, uint32_t v4)
{
    struct fixture_destination d = {.v4 = v4, .weight = 1};
    struct fixture_rule rule = {.verb = SNAPSHOT_DRAW, .destinations = &d, .count = 1};

    trial_put(key, &rule, 1);
}

static inline void trial_put_verb(const char *key, enum snapshot_verb verb)
{
    struct fixture_rule rule = {.verb = verb};

    trial_put(key, &rule, 1);
}

static inline enum resolve_result trial_ask(const char *name, int family,
                                            enum resolve_caller caller, unsigned most,
                                            struct resolve_answer *ret_answer)
{
    static _Thread_local struct rng rng;
    struct resolve_request request = {name, family, caller, most, false, &rng};

    errno = 1234;
    enum resolve_result result = resolve_name(&reader, &request, ret_answer);
    cr_assert_eq(errno, 1234, "errno was touched");
    return result;
}

/* The IPv4 address of the only answer, host order; 0 when not found. */
static inline uint32_t trial_v4_of(const char *name)
{
    struct resolve_answer answer;

    if (trial_ask(name, AF_INET, RESOLVE_SHIM, 1, &answer) != RESOLVE_FOUND)
        return 0;
    cr_assert_eq(answer.count, 1);
    cr_assert(answer.destinations[0].has_v4);
    return ntohl(answer.destinations[0].v4);
}
