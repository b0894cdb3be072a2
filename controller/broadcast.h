/* broadcast.h - what all nodes are told: deltas as they come, heartbeats in between.
 * Part of the controller; the hub's thread only.
 *
 * The first change after quiet goes out at once; while changes keep coming they are gathered for
 * 10, 20, 40 ... at most 1,000 ms, and shorter again when a pause gathers no second one. Broadcasts
 * only speed things up: whoever misses one learns of it from the next heartbeat, of which each node
 * gets its own.
 */
#pragma once

#include <stdint.h>

#include "control.h"

/* The documents have a new revision. */
void broadcast_changed(struct control *control, uint64_t now_ms);

/* Sends what is due. Returns after how many ms to call again. */
uint64_t broadcast_tick(struct control *control, uint64_t now_ms);

/* Publishes what is held back now. */
void broadcast_flush(struct control *control, uint64_t now_ms);

/* The heartbeat that says what has been published. */
void broadcast_heartbeat(const struct control *control, struct message *ret_message);
