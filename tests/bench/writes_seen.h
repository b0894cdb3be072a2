/* writes_seen.h - a reader in another process that spins on one name until it sees its new weight.
 * One at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct writes_seen;

/* Starts the reader of the snapshot at `path`, on another processor than this process from now on.
 * `weight_at` is writes_weight_at. Ends the program when that fails. */
struct writes_seen *writes_seen_start(const char *path, size_t weight_at);

/* Lets it spin on a name until that has the weight. Returns when it has begun to. */
void writes_seen_watch(struct writes_seen *seen, const char *name, unsigned weight);

/* Waits until it has seen the weight. Returns when that was, in ns of CLOCK_MONOTONIC. */
uint64_t writes_seen_wait(const struct writes_seen *seen);

void writes_seen_stop(struct writes_seen *seen);
