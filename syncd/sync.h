/* sync.h - the conversation with the controller: bytes in, decisions out.
 * Knows catchup, mesh, wire. No sockets, no clock of its own. Belongs to one thread.
 *
 * Every message is opened (signature, mesh, epoch), its sequence compared, then acted upon. What is
 * refused is counted by kind and touches nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "log.h"
#include "mesh.h"
#include "seal.h"
#include "session.h"
#include "value.h"

struct sync;

struct sync_options {
    uint8_t mesh_id[SEAL_MESH_ID];
    uint8_t sign_key[KEY_SIGN_PUBLIC]; /* the controller's */
    uint64_t report_ms;                /* an ack at least so often */
    struct mesh *mesh;                 /* outlives the sync */
    struct log *log;                   /* likewise */
    bool (*send)(void *context, const void *bytes,
                 size_t size); /* to the controller; false: lost */
    void *context;
};

/* Returns 0 or ERROR_INTERNAL. */
int sync_new(const struct sync_options *options, struct sync **ret_sync, struct error *err);

/* NULL does nothing. Secrets are wiped. */
void sync_free(struct sync *sync);

/* The node channel has come up (says hello), or is gone. */
void sync_online(struct sync *sync, uint64_t now_ms);
void sync_offline(struct sync *sync, uint64_t now_ms);

/* A message from one of the channels. Returns 0, or ERROR_INTERNAL when the program should end
 * because memory ran out at a bad place (its next start heals). */
int sync_receive(struct sync *sync, enum session_channel channel, const void *bytes, size_t size,
                 uint64_t now_ms);

/* Sends what is due: hello, requests, acks; notices staleness. Returns when to call again, boot
 * clock in ms. */
uint64_t sync_tick(struct sync *sync, uint64_t now_ms);

/* Whether the documents in force were proven to be the controller's not long ago. */
bool sync_is_fresh(const struct sync *sync, uint64_t now_ms);
bool sync_is_connected(const struct sync *sync);

/* Adds connected, fresh, stale_for_s, epoch and counters to a map. */
void sync_describe(const struct sync *sync, uint64_t now_ms, struct value *map);
