/* test_message.c - every kind there and back, and a flood of damaged ones. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "message.h"
#include "pack.h"

#define MUTANTS 12000
#define LONGEST "the-longest-name-there-may-be-0123456789012345678901234567890ab"

static const uint8_t document[] = {0x81, 0xa6, 'p', 'o', 'l', 'i', 'c', 'y', 0xa1, 'a'};
static struct message_upsert upserts[] = {
    {.revision = 8, .document = {document, sizeof(document)}},
    {.revision = 1ull << 40, .document = {document, 3}},
};
static char deletes[][MESSAGE_NAME_MAX + 1] = {"gone", "a", LONGEST};

static struct message make(unsigned kind)
{
    return (struct message){
        .kind = kind,
        .software = "meshdns 0.1.0",
        .nonce = {1, 2, 3},
        .epoch = 5,
        .revision = 1ull << 33,
        .previous = 7,
        .after = 6,
        .heartbeat_ms = 5000,
        .unsupported = 2,
        .is_stale = true,
        .has_floor = true,
        .digest = {0xd1},
        .floor = {0xf1},
        .key = {0x6b},
        .cursor = "checkout",
        .next = "zebra",
        .upserts = upserts,
        .upsert_count = ARRAY_SIZE(upserts),
        .deletes = deletes,
        .delete_count = ARRAY_SIZE(deletes),
    };
}

static const unsigned node_kinds[] = {MESSAGE_HELLO, MESSAGE_ACK, MESSAGE_FETCH, MESSAGE_PULL};
static const unsigned body_kinds[] = {MESSAGE_WELCOME, MESSAGE_EPOCH,       MESSAGE_HEARTBEAT,
                                      MESSAGE_DELTA,   MESSAGE_PULL_NEEDED, MESSAGE_CHUNK_STATE};

static void expect_lists(const struct message *back)
{
    cr_assert_eq(back->upsert_count, ARRAY_SIZE(upserts));
    for (size_t i = 0; i < ARRAY_SIZE(upserts); i++) {
        cr_expect_eq(back->upserts[i].revision, upserts[i].revision);
        cr_assert_eq(back->upserts[i].document.size, upserts[i].document.size);
        cr_expect_eq(memcmp(back->upserts[i].document.bytes, document, upserts[i].document.size),
                     0);
    }
    if (back->kind != MESSAGE_DELTA)
        return;
    cr_assert_eq(back->delete_count, ARRAY_SIZE(deletes));
    for (size_t i = 0; i < ARRAY_SIZE(deletes); i++)
        cr_expect_str_eq(back->deletes[i], deletes[i]);
}

Test(message, a_nodes_message_comes_back_as_it_was_sent)
{
    for (size_t i = 0; i < ARRAY_SIZE(node_kinds); i++) {
        struct message sent = make(node_kinds[i]), back;
        struct error err = {0};
        AUTO_BUFFER struct buffer buffer = {0};

        message_write_node(&sent, &buffer);
        cr_assert_eq(message_read_node(buffer.bytes, buffer.size, &back, &err), 0, "%s",
                     error_line(&err));
        cr_expect_eq(back.kind, sent.kind);
        if (back.kind == MESSAGE_HELLO) {
            cr_expect_str_eq(back.software, sent.software);
            cr_expect_eq(memcmp(back.nonce, sent.nonce, sizeof(sent.nonce)), 0);
            cr_expect_eq(back.epoch, sent.epoch);
            cr_expect(back.has_floor);
            cr_expect_eq(memcmp(back.floor, sent.floor, sizeof(sent.floor)), 0);
        }
        if (back.kind == MESSAGE_ACK) {
            cr_expect_eq(back.unsupported, 2);
            cr_expect(back.is_stale);
        }
        if (back.kind == MESSAGE_HELLO || back.kind == MESSAGE_ACK) {
            cr_expect_eq(back.revision, sent.revision);
            cr_expect_eq(memcmp(back.digest, sent.digest, sizeof(sent.digest)), 0);
        }
        if (back.kind == MESSAGE_FETCH)
            cr_expect_eq(back.after, 6);
        if (back.kind == MESSAGE_PULL)
            cr_expect_str_eq(back.cursor, "checkout");
        message_done(&back);
    }
}

Test(message, a_hello_without_state_has_no_floor)
{
    struct message sent = make(MESSAGE_HELLO), back;
    AUTO_BUFFER struct buffer buffer = {0};

    sent.has_floor = false;
    message_write_node(&sent, &buffer);
    cr_assert_eq(message_read_node(buffer.bytes, buffer.size, &back, NULL), 0);
    cr_expect_not(back.has_floor);
    message_done(&back);
}

Test(message, a_controllers_body_comes_back_as_it_was_sent)
{
    for (size_t i = 0; i < ARRAY_SIZE(body_kinds); i++) {
        struct message sent = make(body_kinds[i]), back;
        struct error err = {0};
        AUTO_BUFFER struct buffer buffer = {0};

        message_write_body(&sent, &buffer);
        cr_assert_eq(message_read_body(sent.kind, buffer.bytes, buffer.size, &back, &err), 0, "%s",
                     error_line(&err));
        cr_expect_eq(back.kind, sent.kind);
        if (sent.kind != MESSAGE_EPOCH)
            cr_expect_eq(back.revision, sent.revision);
        if (sent.kind == MESSAGE_WELCOME || sent.kind == MESSAGE_EPOCH) {
            cr_expect_eq(back.epoch, 5);
            cr_expect_eq(memcmp(back.key, sent.key, sizeof(sent.key)), 0);
        }
        if (sent.kind == MESSAGE_WELCOME)
            cr_expect_eq(back.heartbeat_ms, 5000);
        if (sent.kind == MESSAGE_DELTA)
            cr_expect_eq(back.previous, 7);
        if (sent.kind == MESSAGE_CHUNK_STATE)
            cr_expect_str_eq(back.next, "zebra");
        if (sent.kind == MESSAGE_DELTA || sent.kind == MESSAGE_CHUNK_STATE) {
            cr_expect(back.has_floor);
            expect_lists(&back);
        }
        message_done(&back);
    }
}

Test(message, the_bytes_of_a_fetch_are_golden)
{
    static const uint8_t golden[] = {0x93, 1, 3, 0x81, 0xa5, 'a', 'f', 't', 'e', 'r', 6};
    struct message sent = make(MESSAGE_FETCH);
    AUTO_BUFFER struct buffer buffer = {0};

    message_write_node(&sent, &buffer);
    cr_assert_eq(buffer.size, sizeof(golden));
    cr_expect_eq(memcmp(buffer.bytes, golden, sizeof(golden)), 0);
}

/* text: bytes of a node's message, where ~ stands for the map {after: 6} */
static const struct {
    const char *bytes;
    size_t size;
    int result;
    unsigned kind;
} odd[] = {
#define ROW(text, result, kind)                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1, result, kind                                                       \
    }
    ROW("\x93\1\3\x82\xa3new\xa1x\xa5"
        "after\6",
        0, MESSAGE_FETCH),
    ROW("\x93\1\x2a\x80", ERROR_UNSUPPORTED, 42),
    ROW("\x93\2\3\x81\xa5"
        "after\6",
        ERROR_INVALID, 0),
    ROW("\x93\1\3\x80", ERROR_INVALID, 0),
    ROW("\x93\1\3\x82\xa5"
        "after\6\xa5"
        "after\6",
        ERROR_INVALID, 0),
    ROW("\x93\1\3\x81\xa5"
        "after\xff",
        ERROR_INVALID, 0),
    ROW("\x93\1\3\x90", ERROR_INVALID, 0),
    ROW("\x94\1\3\x80\1", ERROR_INVALID, 0),
    ROW("\x93\1\x44\x80", ERROR_INVALID, 0),
    ROW("\x93\1\4\x81\xa6"
        "cursor\xa1\0",
        ERROR_INVALID, 0),
    ROW("\x93\1\4\x81\xa6"
        "cursor\xa2\xc3\xa4",
        ERROR_INVALID, 0),
    ROW("\xdd\x10\0\0\0\1", ERROR_INVALID, 0),
#undef ROW
};

Test(message, unknown_keys_are_skipped_unknown_kinds_named_and_the_rest_refused)
{
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        struct message back = {0};

        cr_expect_eq(message_read_node(odd[i].bytes, odd[i].size, &back, NULL), odd[i].result,
                     "row %zu", i);
        cr_expect_eq(back.kind, odd[i].kind, "row %zu", i);
    }
    for (unsigned kind = 0; kind < 100; kind++) {
        struct message back = {0};
        bool is_known = kind >= MESSAGE_WELCOME && kind <= MESSAGE_CHUNK_STATE;

        cr_expect_eq(message_read_body(kind, "\x80", 1, &back, NULL),
                     is_known ? ERROR_INVALID : ERROR_UNSUPPORTED, "kind %u", kind);
        cr_expect_eq(back.kind, is_known ? 0 : kind);
    }
}

/* A small generator of its own, so that a failure can be repeated. */
static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static size_t mutate(uint8_t *bytes, size_t size, uint64_t *state)
{
    static const uint8_t heads[] = {0xdd, 0xdf, 0xdb, 0xc6, 0xc9, 0xff, 0x9f, 0x8f, 0xc1, 0xcf};

    for (uint32_t n = 1 + next_random(state) % 4; n > 0; n--) {
        size_t at = next_random(state) % size;
        switch (next_random(state) % 4) {
        case 0:
            bytes[at] ^= (uint8_t)(1u << next_random(state) % 8);
            break;
        case 1:
            bytes[at] = heads[next_random(state) % sizeof(heads)];
            break;
        case 2:
            bytes[at] = (uint8_t)next_random(state);
            break;
        default:
            size = at + 1;
            break;
        }
    }
    return size;
}

/* The most address space this process ever had, in KiB: a reservation shows though never touched.
 */
static long peak_kib(void)
{
    char line[128];
    long peak = -1;
    FILE *status = fopen("/proc/self/status", "re");

    cr_assert_not_null(status);
    while (fgets(line, sizeof(line), status)) {
        if (sscanf(line, "VmPeak: %ld", &peak) == 1)
            break;
    }
    (void)fclose(status);
    return peak;
}

static void read_any(unsigned kind, const uint8_t *bytes, size_t size)
{
    struct message back = {0};
    int r = kind < MESSAGE_WELCOME ? message_read_node(bytes, size, &back, NULL)
                                   : message_read_body(kind, bytes, size, &back, NULL);

    cr_assert(r == 0 || r == ERROR_INVALID || r == ERROR_UNSUPPORTED);
    for (size_t i = 0; r == 0 && i < back.upsert_count; i++) {
        const uint8_t *inner = back.upserts[i].document.bytes;
        cr_assert(inner >= bytes && inner + back.upserts[i].document.size <= bytes + size);
    }
    message_done(&back);
}

Test(message, mutants_of_real_messages_are_read_or_refused_within_bounded_memory)
{
    uint64_t state = 20261123;
    long before = peak_kib();

    for (size_t round = 0; round < MUTANTS; round++) {
        size_t which = round % (ARRAY_SIZE(node_kinds) + ARRAY_SIZE(body_kinds));
        bool is_node = which < ARRAY_SIZE(node_kinds);
        unsigned kind = is_node ? node_kinds[which] : body_kinds[which - ARRAY_SIZE(node_kinds)];
        struct message sent = make(kind);
        AUTO_BUFFER struct buffer buffer = {0};

        is_node ? message_write_node(&sent, &buffer) : message_write_body(&sent, &buffer);
        size_t size = mutate(buffer.bytes, buffer.size, &state);
        AUTO_FREE uint8_t *exact = malloc(size); /* ASan sees a byte too far */
        memcpy(exact, buffer.bytes, size);
        read_any(kind, exact, size);
    }
    cr_expect_lt(peak_kib() - before, 16 * 1024);
}

Test(message, cut_at_every_length_each_kind_is_refused)
{
    for (size_t i = 0; i < ARRAY_SIZE(body_kinds); i++) {
        struct message sent = make(body_kinds[i]);
        AUTO_BUFFER struct buffer buffer = {0};

        message_write_body(&sent, &buffer);
        for (size_t size = 0; size < buffer.size; size++) {
            struct message back = {0};
            AUTO_FREE uint8_t *cut = malloc(size ? size : 1);

            memcpy(cut, buffer.bytes, size);
            cr_assert_eq(message_read_body(body_kinds[i], cut, size, &back, NULL), ERROR_INVALID);
            cr_assert_eq(back.kind, 0, "untouched");
        }
    }
}
