/* channel.h - what single nodes say, and what each gets for an answer.
 * Part of the controller; the hub's thread only.
 *
 * Routing ids are not authenticated; User-Ids are (the node's key, by ZAP). The connection that
 * said hello last is a node's channel; whatever comes from another one is ignored.
 */
#pragma once

#include <stdint.h>

#include "control.h"

#define CHANNEL_FRAME_MAX 4096 /* bytes of a node's message; the largest real one is about 300 */

/* Handles up to `most` messages that wait on the ROUTER. */
void channel_read(struct control *control, unsigned most, uint64_t now_ms);

/* Takes up to `most` subscriptions from the XPUB: they tell whose connection is whose. */
void channel_read_subscriptions(struct control *control, unsigned most);

/* A connection is gone: its node is not connected any more. */
void channel_closed(struct control *control, uint64_t cookie);
