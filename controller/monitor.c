/* monitor.c - what libzmq tells of a socket's connections.
 *
 * An event is two frames: 16 bits of event and 32 of value, packed, in this machine's byte order,
 * then an address (our own, not the peer's).
 */
#include "monitor.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <zmq.h>

#define WATCHED                                                                                    \
    (ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |          \
     ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)

int monitor_open(void *zmq_context, void *socket, const char *name, void **ret_monitor,
                 struct error *err)
{
    char address[64];
    int no_wait = 0;
    void *monitor = zmq_socket(zmq_context, ZMQ_PAIR);

    (void)snprintf(address, sizeof(address), "inproc://monitor-%s", name);
    if (!monitor || zmq_setsockopt(monitor, ZMQ_LINGER, &no_wait, sizeof(no_wait)) < 0 ||
        zmq_socket_monitor(socket, address, WATCHED) < 0 || zmq_connect(monitor, address) < 0) {
        error_set(err, ERROR_INTERNAL, "cannot watch connections: %s", zmq_strerror(zmq_errno()));
        (void)zmq_close(monitor);
        return ERROR_INTERNAL;
    }
    *ret_monitor = monitor;
    return 0;
}

/* What a handshake fails of: the mechanism is the first thing that peers tell each other. */
static const char *reason(int32_t protocol_error)
{
    if (protocol_error == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
        return "the peer does not speak CURVE";
    if (protocol_error == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC)
        return "the peer has another controller's key, or none";
    return "the peer does not speak ZeroMQ with CURVE";
}

bool monitor_next(void *monitor, struct monitor_event *ret_event)
{
    uint8_t frame[6];
    char address[300];
    uint16_t event;
    int32_t value;

    if (zmq_recv(monitor, frame, sizeof(frame), ZMQ_DONTWAIT) != (int)sizeof(frame))
        return false;
    (void)zmq_recv(monitor, address, sizeof(address), ZMQ_DONTWAIT);
    memcpy(&event, frame, sizeof(event));
    memcpy(&value, frame + sizeof(event), sizeof(value));

    *ret_event = (struct monitor_event){.kind = MONITOR_OTHER, .fd = value};
    if (event == ZMQ_EVENT_ACCEPTED)
        ret_event->kind = MONITOR_OPENED;
    else if (event == ZMQ_EVENT_DISCONNECTED)
        ret_event->kind = MONITOR_CLOSED;
    else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
        *ret_event = (struct monitor_event){MONITOR_FAILED, -1, reason(value)};
    else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
        *ret_event = (struct monitor_event){
            MONITOR_FAILED, -1, "it ended within the handshake: no CURVE, or no ZeroMQ"};
    return true;
}
