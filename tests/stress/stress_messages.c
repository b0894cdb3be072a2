/* stress_messages.c - any bytes on the wire are read, refused or skipped.
 *
 * 100,000 random mutants (MESHDNS_LONG=1: 1,000,000) of real messages of every kind, in turn: a
 * node's message; a controller's body; a sealed message, which must stay shut; a body that is
 * sealed with the true key after it was damaged, as a controller gone wrong would. Each is read
 * from memory of exactly its size, so that AddressSanitizer, which this program always has, sees
 * each read outside, and must end in good time.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auto.h"
#include "message.h"
#include "pack.h"
#include "rng.h"
#include "whole.h"

#define SLOW_NS 50000000 /* of processor time; a good message takes some microseconds */
#define LONGEST 4096     /* bytes that a mutant may grow to */
#define KINDS   10

static uint64_t state = 20261124;
static struct key_sign sign;
static struct seal_expected expected = {.mesh_id = "sixteen bytes..", .epoch = 3};

static uint64_t seeded(void)
{
    return rng_mix(state += UINT64_C(0x9e3779b97f4a7c15));
}

struct outcome {
    size_t read, refused, unknown, opened, shut, forged, slow, documents;
};

/* A message with something in every field. */
static struct message make(unsigned kind)
{
    static const uint8_t document[] = {0x82, 0xa6, 'p', 'o',  'l', 'i',  'c', 'y',  0xa4, 's',
                                       'h',  'o',  'p', 0xa1, 'x', 0x93, 1,   0xc0, 0xc3};
    static struct message_upsert upserts[] = {
        {.revision = 8, .document = {document, sizeof(document)}},
        {.revision = 1ull << 40, .document = {document, 8}},
        {.revision = 300, .document = {document, sizeof(document)}},
    };
    static char deletes[][MESSAGE_NAME_MAX + 1] = {"gone", "a", "another-one"};

    return (struct message){
        .kind = kind,
        .software = "meshdns 0.1.0",
        .nonce = {1, 2, 3},
        .epoch = 5,
        .revision = 1ull << 33,
        .previous = 7,
        .after = 600,
        .heartbeat_ms = 5000,
        .unsupported = 2,
        .is_stale = true,
        .has_floor = true,
        .cursor = "checkout",
        .next = "zebra",
        .upserts = upserts,
        .upsert_count = ARRAY_SIZE(upserts),
        .deletes = deletes,
        .delete_count = ARRAY_SIZE(deletes),
    };
}

static struct buffer real[KINDS]; /* a node's message, or a controller's body */
static const unsigned kinds[KINDS] = {
    MESSAGE_HELLO, MESSAGE_ACK,       MESSAGE_FETCH, MESSAGE_PULL,        MESSAGE_WELCOME,
    MESSAGE_EPOCH, MESSAGE_HEARTBEAT, MESSAGE_DELTA, MESSAGE_PULL_NEEDED, MESSAGE_CHUNK_STATE};

static bool is_from_node(size_t which)
{
    return kinds[which] < MESSAGE_WELCOME;
}

static void make_real(void)
{
    if (key_init(NULL) < 0)
        abort();
    key_sign_make(&sign);
    memcpy(expected.public_key, sign.public_key, sizeof(expected.public_key));
    for (size_t i = 0; i < KINDS; i++) {
        struct message message = make(kinds[i]);
        if (is_from_node(i))
            message_write_node(&message, &real[i]);
        else
            message_write_body(&message, &real[i]);
    }
}

static void seal(size_t which, const struct buffer *body, struct buffer *ret)
{
    struct seal_header header = {
        .kind = (uint16_t)kinds[which], .epoch = seeded() % 2 ? 3 : 0, .sequence = seeded()};

    memcpy(header.mesh_id, expected.mesh_id, sizeof(header.mesh_id));
    if (seal_close(&header, expected.group_key, sign.secret_key, body->bytes, body->size, ret,
                   NULL) < 0)
        abort();
}

static void copy_piece(struct buffer *bytes)
{
    const struct buffer *other = &real[seeded() % KINDS];
    size_t from = seeded() % other->size, at = seeded() % bytes->size;
    size_t most = other->size - from < bytes->size - at ? other->size - from : bytes->size - at;

    memcpy(bytes->bytes + at, other->bytes + from, seeded() % (most + 1));
}

/* One change. The buffer stays within LONGEST, and keeps a byte. */
static void mutate(struct buffer *bytes)
{
    static const uint8_t heads[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1,
                                    0xc4, 0xc6, 0xc9, 0xcb, 0xcf, 0xd3, 0xd8, 0xdb, 0xdd, 0xdf};
    uint8_t huge[5] = {heads[14 + seeded() % 6], 0xff, 0xff, 0xff, (uint8_t)seeded()};
    size_t at = seeded() % bytes->size;

    switch (seeded() % 7) {
    case 0:
        bytes->bytes[at] ^= (uint8_t)(1u << seeded() % 8);
        break;
    case 1:
        bytes->bytes[at] = (uint8_t)seeded();
        break;
    case 2:
        bytes->bytes[at] = heads[seeded() % ARRAY_SIZE(heads)];
        break;
    case 3:
        if (at > 0)
            bytes->size = at;
        break;
    case 4:
        for (size_t i = 0; i < sizeof(huge) && at + i < bytes->size; i++)
            bytes->bytes[at + i] = huge[i];
        break;
    case 5:
        if (bytes->size < LONGEST / 2)
            buffer_append(bytes, real[seeded() % KINDS].bytes, 1 + seeded() % 8);
        break;
    default:
        copy_piece(bytes);
    }
}

static void damage(struct buffer *bytes)
{
    for (size_t i = 1 + seeded() % 4; i > 0; i--)
        mutate(bytes);
    if (!buffer_is_good(bytes))
        abort();
}

static void read_one(size_t which, const void *bytes, size_t size, struct outcome *outcome)
{
    struct message message = {0};
    int r = is_from_node(which) ? message_read_node(bytes, size, &message, NULL)
                                : message_read_body(kinds[which], bytes, size, &message, NULL);

    outcome->read += r == 0;
    outcome->unknown += r == ERROR_UNSUPPORTED;
    outcome->refused += r == ERROR_INVALID;
    if (r < 0)
        return;
    for (size_t i = 0; i < message.upsert_count; i++) {
        AUTO_VALUE struct value document = {.type = VALUE_NULL};
        outcome->documents += pack_read(message.upserts[i].document.bytes,
                                        message.upserts[i].document.size, &document, NULL) == 0;
    }
    message_done(&message);
}

/* Opens sealed bytes. Returns whether they opened, and reads the body then. */
static bool open_one(size_t which, const struct buffer *sealed, struct outcome *outcome)
{
    AUTO_FREE uint8_t *exact = malloc(sealed->size);
    AUTO_BUFFER struct buffer body = {0};
    struct seal_header header;

    if (!exact)
        abort();
    memcpy(exact, sealed->bytes, sealed->size);
    bool is_open = seal_open(exact, sealed->size, &expected, &header, &body) == SEAL_OK;
    outcome->opened += is_open;
    outcome->shut += !is_open;
    if (is_open)
        read_one(which, body.bytes, body.size, outcome);
    return is_open;
}

static void try_one(size_t number, struct outcome *outcome)
{
    size_t way = number % 4, which = way == 0 ? seeded() % 4 : 4 + seeded() % (KINDS - 4);
    AUTO_BUFFER struct buffer bytes = {0}, sealed = {0};

    buffer_append(&bytes, real[which].bytes, real[which].size);
    if (way == 2) {
        AUTO_BUFFER struct buffer before = {0};
        seal(which, &bytes, &sealed);
        buffer_append(&before, sealed.bytes, sealed.size);
        damage(&sealed);
        bool is_same =
            sealed.size == before.size && memcmp(sealed.bytes, before.bytes, before.size) == 0;
        outcome->forged += open_one(which, &sealed, outcome) && !is_same;
        return;
    }
    damage(&bytes);
    if (way == 3) {
        seal(which, &bytes, &sealed);
        outcome->forged += !open_one(which, &sealed, outcome); /* nobody damaged it since */
        return;
    }
    AUTO_FREE uint8_t *exact = malloc(bytes.size);
    if (!exact)
        abort();
    memcpy(exact, bytes.bytes, bytes.size);
    read_one(which, exact, bytes.size, outcome);
}

static int64_t processor_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(void)
{
    struct outcome outcome = {0};
    size_t mutants = whole_is_long() ? 1000000 : 100000;

    make_real();
    for (size_t i = 0; i < mutants; i++) {
        int64_t start = processor_ns();
        try_one(i, &outcome);
        outcome.slow += processor_ns() - start > SLOW_NS;
    }
    whole_tap(outcome.forged == 0,
              "%zu of %zu sealed messages opened that should not, or the reverse", outcome.forged,
              outcome.opened + outcome.shut);
    whole_tap(outcome.slow == 0, "%zu messages took more than 50 ms", outcome.slow);
    whole_tap(
        outcome.read > mutants / 20 && outcome.refused > mutants / 4 &&
            outcome.unknown > mutants / 2000 && outcome.shut > mutants / 5 &&
            outcome.documents > mutants / 50,
        "of %zu mutants %zu were read, %zu refused, %zu of unknown kinds, %zu stayed shut; %zu "
        "documents in them were whole",
        mutants, outcome.read, outcome.refused, outcome.unknown, outcome.shut, outcome.documents);
    for (size_t i = 0; i < KINDS; i++)
        buffer_done(&real[i]);
    return whole_end();
}
