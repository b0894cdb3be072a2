/* peer.c - a node that does as it is told, for tests of the controller: honest, mute or evil.
 *
 * usage: peer NODE_ENDPOINT BROADCAST_ENDPOINT SERVER_KEY plain|new|KEY_FILE
 *
 * Takes commands from standard input, a line each, and answers each with a line:
 *
 *   connect             DEALER and SUB, the monitor running          -> ok
 *   event MS            the DEALER's next handshake event            -> event WHAT VALUE | none
 *   hello REV DIGEST [FLOOR]   ack REV DIGEST   fetch N   pull CURSOR -> ok
 *   raw HEX             one frame as it is                            -> ok
 *   two HEX             the same as two frames                        -> ok
 *   mutants N SEED      N damaged messages of all kinds               -> ok
 *   recv MS             the next message of the DEALER                -> message ... | none
 *   topics N            N subscriptions besides that to everything    -> ok
 *   heard MS            the next broadcast                            -> broadcast ... | none
 *   secret              our secret key                                -> secret HEX
 *   key                 our public key                                -> key HEX
 *
 * A message of epoch 0 is shown with its revision, digest, floor and number of upserts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "buffer.h"
#include "cursor.h"
#include "file.h"
#include "key.h"
#include "message.h"
#include "seal.h"

struct peer {
    void *context, *dealer, *sub, *monitor;
    const char *endpoints[2];
    struct key_curve key;
    uint8_t server_key[KEY_CURVE_PUBLIC];
    bool is_plain;
};

static void die(const char *what)
{
    fprintf(stderr, "peer: %s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

static void *open_socket(struct peer *peer, int type)
{
    int zero = 0, slow_ms = 200, handshake_ms = 2000, send_ms = 3000;
    void *socket = zmq_socket(peer->context, type);

    if (!socket || zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof(zero)) < 0 ||
        zmq_setsockopt(socket, ZMQ_SNDTIMEO, &send_ms, sizeof(send_ms)) < 0 ||
        zmq_setsockopt(socket, ZMQ_HANDSHAKE_IVL, &handshake_ms, sizeof(handshake_ms)) < 0 ||
        zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &slow_ms, sizeof(slow_ms)) < 0)
        die("socket");
    if (!peer->is_plain &&
        (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, peer->server_key, 32) < 0 ||
         zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, peer->key.public_key, 32) < 0 ||
         zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, peer->key.secret_key, 32) < 0))
        die("curve");
    return socket;
}

static void do_connect(struct peer *peer)
{
    peer->dealer = open_socket(peer, ZMQ_DEALER);
    peer->sub = open_socket(peer, ZMQ_SUB);
    peer->monitor = zmq_socket(peer->context, ZMQ_PAIR);
    if (zmq_socket_monitor(peer->dealer, "inproc://events", ZMQ_EVENT_ALL) < 0 ||
        zmq_connect(peer->monitor, "inproc://events") < 0 ||
        zmq_setsockopt(peer->sub, ZMQ_SUBSCRIBE, "", 0) < 0 ||
        zmq_connect(peer->sub, peer->endpoints[1]) < 0 ||
        zmq_connect(peer->dealer, peer->endpoints[0]) < 0)
        die("connect");
    puts("ok");
}

static const char *event_name(unsigned event)
{
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        return "welcome";
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return "auth";
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        return "protocol";
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        return "failed";
    case ZMQ_EVENT_DISCONNECTED:
        return "disconnected";
    default:
        return NULL;
    }
}

static bool is_readable(void *socket, long limit_ms)
{
    zmq_pollitem_t item = {socket, -1, ZMQ_POLLIN, 0};

    return zmq_poll(&item, 1, limit_ms) > 0;
}

static void do_event(struct peer *peer, long limit_ms)
{
    while (is_readable(peer->monitor, limit_ms)) {
        uint8_t frame[6];
        char address[300];
        uint16_t event;
        uint32_t value;

        if (zmq_recv(peer->monitor, frame, sizeof(frame), 0) < 0 ||
            zmq_recv(peer->monitor, address, sizeof(address), 0) < 0)
            die("event");
        memcpy(&event, frame, 2);
        memcpy(&value, frame + 2, 4);
        if (event_name(event)) {
            printf("event %s %u\n", event_name(event), value);
            return;
        }
    }
    puts("none");
}

/* What a peer that was cut off says is lost: libzmq has nobody to give it to, and would wait. */
static void send_message(struct peer *peer, const struct message *message)
{
    struct buffer bytes = {0};

    message_write_node(message, &bytes);
    if (zmq_send(peer->dealer, bytes.bytes, bytes.size, 0) < 0 && zmq_errno() != EAGAIN)
        die("send");
    buffer_done(&bytes);
}

/* "REV DIGEST [FLOOR]" */
static struct message read_state(unsigned kind, char *words)
{
    struct message message = {.kind = kind, .software = "peer"};
    char *rest = words;

    message.revision = strtoull(strtok_r(rest, " ", &rest), NULL, 10);
    const char *digest = strtok_r(rest, " ", &rest), *floor = strtok_r(rest, " ", &rest);
    if (!digest || key_from_hex(digest, message.digest, SEAL_DIGEST, NULL) < 0)
        die("digest");
    message.has_floor = floor && key_from_hex(floor, message.floor, KEY_SIGNATURE, NULL) == 0;
    return message;
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Flips, overwrites, cuts and lengthens; heads that claim 2^32-1 elements among them. */
static void mutate(struct buffer *bytes, uint64_t *state)
{
    static const uint8_t heads[] = {0xdd, 0xdf, 0xdb, 0xc6, 0xc9, 0xff, 0x9f, 0x8f, 0xc1, 0xcf};

    for (uint32_t n = 1 + next_random(state) % 4; n > 0; n--) {
        size_t at = next_random(state) % bytes->size;
        switch (next_random(state) % 5) {
        case 0:
            bytes->bytes[at] ^= (uint8_t)(1u << next_random(state) % 8);
            break;
        case 1:
            bytes->bytes[at] = heads[next_random(state) % sizeof(heads)];
            break;
        case 2:
            bytes->bytes[at] = (uint8_t)next_random(state);
            break;
        case 3:
            bytes->size = at + 1;
            break;
        default:
            buffer_append(bytes, heads, 1 + next_random(state) % sizeof(heads));
            break;
        }
    }
}

static void do_mutants(struct peer *peer, unsigned long count, uint64_t seed)
{
    static const unsigned kinds[] = {MESSAGE_HELLO, MESSAGE_ACK, MESSAGE_FETCH, MESSAGE_PULL};

    for (unsigned long i = 0; i < count; i++) {
        struct message message = {.kind = kinds[i % 4],
                                  .software = "peer",
                                  .cursor = "checkout",
                                  .has_floor = true,
                                  .revision = 1ull << 40,
                                  .after = 3};
        struct buffer bytes = {0};

        message_write_node(&message, &bytes);
        mutate(&bytes, &seed);
        if (zmq_send(peer->dealer, bytes.bytes, bytes.size, 0) < 0)
            die("send");
        buffer_done(&bytes);
        while (is_readable(peer->dealer, 0)) {
            zmq_msg_t answer;

            zmq_msg_init(&answer);
            (void)zmq_msg_recv(&answer, peer->dealer, 0);
            zmq_msg_close(&answer);
        }
    }
    puts("ok");
}

static void show_body(unsigned kind, const uint8_t *bytes, size_t size)
{
    char digest[2 * SEAL_DIGEST + 1], floor[2 * KEY_SIGNATURE + 1];
    struct message message;

    if (message_read_body(kind, bytes, size, &message, NULL) < 0) {
        puts(" unreadable");
        return;
    }
    key_to_hex(message.digest, SEAL_DIGEST, digest);
    key_to_hex(message.floor, KEY_SIGNATURE, floor);
    printf(" revision=%llu previous=%llu epoch=%llu upserts=%zu deletes=%zu next=%s digest=%s "
           "floor=%s\n",
           (unsigned long long)message.revision, (unsigned long long)message.previous,
           (unsigned long long)message.epoch, message.upsert_count, message.delete_count,
           message.next, digest, floor);
    message_done(&message);
}

static void do_recv(void *socket, long limit_ms, const char *word)
{
    zmq_msg_t frame;

    if (!is_readable(socket, limit_ms)) {
        puts("none");
        return;
    }
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, socket, 0) < 0)
        die("recv");
    size_t size = zmq_msg_size(&frame);
    struct cursor cursor = cursor_view(zmq_msg_data(&frame), size);
    (void)cursor_take(&cursor, 6);
    unsigned kind = (unsigned)cursor_number(&cursor, 2);
    (void)cursor_take(&cursor, SEAL_MESH_ID);
    uint64_t epoch = cursor_number(&cursor, 8), sequence = cursor_number(&cursor, 8);
    printf("%s kind=%u sealed_epoch=%llu sequence=%llu size=%zu", word, kind,
           (unsigned long long)epoch, (unsigned long long)sequence, size);
    if (epoch == 0 && size > SEAL_HEADER + KEY_SIGNATURE)
        show_body(kind, (const uint8_t *)zmq_msg_data(&frame) + SEAL_HEADER,
                  size - SEAL_HEADER - KEY_SIGNATURE);
    else
        putchar('\n');
    zmq_msg_close(&frame);
}

static void do_raw(struct peer *peer, const char *hex, bool is_twice)
{
    static uint8_t bytes[1 << 20];
    size_t size = 0;
    unsigned byte;

    for (; size < sizeof(bytes) && sscanf(hex, "%2x", &byte) == 1; hex += 2)
        bytes[size++] = (uint8_t)byte;
    if ((is_twice && zmq_send(peer->dealer, bytes, size, ZMQ_SNDMORE) < 0) ||
        zmq_send(peer->dealer, bytes, size, 0) < 0)
        die("send");
    puts("ok");
}

static void do_topics(struct peer *peer, unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        if (zmq_setsockopt(peer->sub, ZMQ_SUBSCRIBE, &i, sizeof(i)) < 0)
            die("subscribe");
    }
    puts("ok");
}

static void do_key(const char *word, const uint8_t key[static KEY_CURVE_PUBLIC])
{
    char hex[2 * KEY_CURVE_PUBLIC + 1];

    key_to_hex(key, KEY_CURVE_PUBLIC, hex);
    printf("%s %s\n", word, hex);
}

static void do_tell(struct peer *peer, struct message message)
{
    key_random(message.nonce, sizeof(message.nonce));
    send_message(peer, &message);
    puts("ok");
}

static void obey(struct peer *peer, const char *verb, char *rest)
{
    char *end;

    if (strcmp(verb, "connect") == 0)
        do_connect(peer);
    else if (strcmp(verb, "event") == 0)
        do_event(peer, atol(rest));
    else if (strcmp(verb, "hello") == 0)
        do_tell(peer, read_state(MESSAGE_HELLO, rest));
    else if (strcmp(verb, "ack") == 0)
        do_tell(peer, read_state(MESSAGE_ACK, rest));
    else if (strcmp(verb, "fetch") == 0)
        do_tell(peer, (struct message){.kind = MESSAGE_FETCH, .after = strtoull(rest, NULL, 10)});
    else if (strcmp(verb, "pull") == 0) {
        struct message message = {.kind = MESSAGE_PULL};
        (void)snprintf(message.cursor, sizeof(message.cursor), "%s", rest);
        do_tell(peer, message);
    } else if (strcmp(verb, "raw") == 0 || strcmp(verb, "two") == 0)
        do_raw(peer, rest, verb[0] == 't');
    else if (strcmp(verb, "mutants") == 0) {
        unsigned long count = strtoul(rest, &end, 10);
        do_mutants(peer, count, strtoull(end, NULL, 10));
    } else if (strcmp(verb, "recv") == 0)
        do_recv(peer->dealer, atol(rest), "message");
    else if (strcmp(verb, "heard") == 0)
        do_recv(peer->sub, atol(rest), "broadcast");
    else if (strcmp(verb, "topics") == 0)
        do_topics(peer, strtoul(rest, NULL, 10));
    else if (strcmp(verb, "key") == 0)
        do_key("key", peer->key.public_key);
    else if (strcmp(verb, "secret") == 0)
        do_key("secret", peer->key.secret_key);
    else
        printf("what is %s?\n", verb);
}

int main(int argc, char **argv)
{
    static char line[3 << 20];
    struct peer peer = {0};
    struct error err = {0};

    if (argc != 5 || key_init(&err) < 0 ||
        key_from_hex(argv[3], peer.server_key, KEY_CURVE_PUBLIC, &err) < 0)
        return 64;
    peer.endpoints[0] = argv[1];
    peer.endpoints[1] = argv[2];
    peer.is_plain = strcmp(argv[4], "plain") == 0;
    if (strcmp(argv[4], "new") == 0)
        key_curve_make(&peer.key);
    else if (!peer.is_plain && key_curve_load(argv[4], &peer.key, &err) < 0)
        return 66;
    peer.context = zmq_ctx_new();
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        char *rest = line, *verb = strsep(&rest, " ");
        obey(&peer, verb, rest ? rest : line + strlen(line));
        if (fflush(stdout) != 0)
            break;
    }
    exit(0); /* the context dies with the process */
}
