/* whole.h - records whose answers show whether they were read whole, and TAP lines.
 * Floor: tests.
 *
 * Each address, port and canonical name of a record holds the record's number and version, so an
 * answer that mixes two records, or two versions of one, is seen.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fixture.h"
#include "resolve.h"

#define WHOLE_KEY      32
#define WHOLE_HOST_KEY 1 /* of the snapshots in these tests */

struct snapshot_writer;

/* The key of record `id`: a name of some length; each 16th is a wildcard. Returns its length. */
size_t whole_key(unsigned id, char ret_key[static WHOLE_KEY]);

/* A name that the record answers for. */
void whole_name(unsigned id, char ret_name[static WHOLE_KEY + 8]);

/* The port of all destinations in a version. */
uint16_t whole_port(unsigned id, uint32_t version);

/* Opens a snapshot's writer; ends the program when that fails. */
struct snapshot_writer *whole_open(const char *path);

/* Publishes version 1..2^24-1 of a record. As snapshot_writer_put; ends the program when that
 * fails. */
void whole_put(struct snapshot_writer *writer, unsigned id, uint32_t version);

/* Replaces the writer's file by a larger one with the same records, as growth does. Returns the
 * writer, opened anew. */
struct snapshot_writer *whole_grow(struct snapshot_writer *writer, const char *path);

void whole_delete(struct snapshot_writer *writer, unsigned id);

enum whole_seen { WHOLE_MISS, WHOLE_FOUND, WHOLE_TORN };

/* Looks record `id` up and judges the answer. */
enum whole_seen whole_look(struct snapshot_reader *reader, struct rng *rng, unsigned id,
                           uint32_t *ret_version);

/* Judges an answer for record `id` to a request for `most` destinations. */
enum whole_seen whole_judge(enum resolve_result result, const struct resolve_answer *answer,
                            unsigned id, unsigned most, uint32_t *ret_version);

/* Keeps this process and its children on one processor: there a step is a switch between two
 * processes, over two it is ten times as slow. */
void whole_one_processor(void);

/* Lets a stopped child go on to its next stop by a ptrace request. Returns the signal that stopped
 * it; ends the program when the child died. */
int whole_go(pid_t child, int request);

/* Whether the long numbers are wanted (MESHDNS_LONG=1). */
bool whole_is_long(void);

/* A folder of the test's own, gone with everything in it after whole_remove. */
void whole_folder(char ret_path[static 64]);
void whole_remove(const char *path);

/* A TAP line; returns `is_good`. */
bool whole_tap(bool is_good, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The plan; returns the program's exit status. */
int whole_end(void);
