/* cut.h - which connection belongs to which key, and the scissors.
 * Part of the controller; the hub's thread only.
 *
 * No event of libzmq joins a descriptor and a key: the monitor tells descriptors, ZAP tells keys.
 * What joins them is a message: its ZMQ_SRCFD and its User-Id. Descriptor numbers are used again
 * at once, so each is kept with its socket's SO_COOKIE, which is not, and compared before anything
 * is shut.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "key.h"

struct cut;

struct cut *cut_new(void); /* NULL without memory */
void cut_free(struct cut *cut);

/* The socket that a connection came in through. */
enum cut_channel { CUT_ROUTER, CUT_XPUB };

/* A connection was accepted, or is gone (an unknown descriptor is no mistake). cut_closed copies
 * the peer's address, "unknown" when it is, into ret_address (room 46), and returns the cookie of
 * the socket that is gone, 0 when it is not known. */
void cut_opened(struct cut *cut, enum cut_channel channel, int fd, uint64_t now_ms);
uint64_t cut_closed(struct cut *cut, enum cut_channel channel, int fd, char *ret_address);

#define CUT_PER_KEY 8 /* connections; a node needs two, and some that are dying */

/* A message came over fd from a key. Of more than CUT_PER_KEY connections of it the oldest is shut.
 * Returns the socket's cookie, 0 when it is gone already, or was never told of by cut_opened. */
uint64_t cut_seen(struct cut *cut, enum cut_channel channel, int fd,
                  const uint8_t public_key[static KEY_CURVE_PUBLIC]);

/* Shuts one connection. */
void cut_one(struct cut *cut, int fd);

/* Shuts all connections of a key, and those that have not said anything yet, since they may be its.
 * Returns how many. Innocent ones come back by themselves. */
size_t cut_key(struct cut *cut, const uint8_t public_key[static KEY_CURVE_PUBLIC]);

/* Shuts those that have been mute for longer than limit_ms. Returns how many. */
size_t cut_mute(struct cut *cut, uint64_t now_ms, uint64_t limit_ms);
