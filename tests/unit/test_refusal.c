/* test_refusal.c - what must be refused: each kind by itself, and ten thousand mutants. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "file.h"
#include "pupil.h"

#define REPORT_MS PUPIL_REPORT_MS

TestSuite(refusal, .init = pupil_begin, .fini = pupil_end);

/* What must not change while messages are refused. */
struct standing {
    struct state_head head;
    uint64_t documents;
    char *bytes;
    size_t size;
};

static struct standing stand(void)
{
    struct standing standing = {.head = *mesh_head(pupil.mesh),
                                .documents = mesh_count(pupil.mesh)};

    cr_assert_eq(file_read(pupil.snapshot_path, 1 << 28, &standing.bytes, &standing.size, NULL), 0);
    return standing;
}

static void stands(const struct standing *before)
{
    struct standing now = stand();

    cr_assert_eq(memcmp(&now.head, &before->head, sizeof now.head), 0, "the floor moved");
    cr_assert_eq(now.documents, before->documents);
    cr_assert(now.size == before->size && memcmp(now.bytes, before->bytes, now.size) == 0,
              "the snapshot changed");
    free(now.bytes);
}

static void refused_as(const char *reason, enum session_channel channel,
                       const struct standing *before)
{
    int64_t count = pupil_refused(reason);

    pupil_receive(channel);
    cr_expect_eq(pupil_refused(reason), count + 1, "not counted as %s", reason);
    stands(before);
}

/* A recorded message comes again. */
static void take(const struct buffer *recorded)
{
    buffer_reset(&pupil.message);
    buffer_append(&pupil.message, recorded->bytes, recorded->size);
}

/* After all that the true controller is still heard. */
static void goes_on(void)
{
    uint64_t before = pupil.teller.revision;

    pupil_set("cart", "10.0.0.9");
    teller_delta(&pupil.teller, before, &pupil.message);
    pupil_receive(SESSION_BROADCAST);
    cr_expect(pupil_is_synced());
    cr_expect(sync_is_fresh(pupil.sync, pupil.now_ms));
    cr_expect_str_eq(pupil_published("cart.shop.mesh"), "10.0.0.9");
}

Test(refusal, what_is_forged_of_another_mesh_or_goes_back_is_counted_and_touches_nothing)
{
    struct teller other;

    pupil_begin_with_two();
    struct standing before = stand();

    teller_init(&other); /* another key, the same mesh id */
    other.sequence = pupil.teller.sequence;
    teller_set(&other, "checkout", "{\"policy\":\"checkout\",\"domains\":[\"a.mesh\"]}");
    other.revision = 9;
    teller_delta(&other, 2, &pupil.message);
    refused_as("bad-signature", SESSION_BROADCAST, &before);

    other.sign = pupil.teller.sign; /* the right key for another mesh */
    other.mesh_id[0] ^= 1;
    teller_delta(&other, 2, &pupil.message);
    refused_as("wrong-mesh", SESSION_BROADCAST, &before);

    other.mesh_id[0] ^= 1;
    other.revision = 1; /* an older revision, newly said */
    other.sequence = pupil.teller.sequence + 10;
    teller_delta(&other, 0, &pupil.message);
    refused_as("old-revision", SESSION_BROADCAST, &before);
    teller_heartbeat(&other, &pupil.message);
    pupil_receive(SESSION_NODE); /* may trail for a moment */
    pupil.now_ms += 3000;
    teller_heartbeat(&other, &pupil.message);
    refused_as("old-revision", SESSION_NODE, &before);
    other.revision = 2; /* my revision, other documents */
    teller_heartbeat(&other, &pupil.message);
    refused_as("other-digest", SESSION_NODE, &before);
    pupil.teller.sequence = other.sequence;
    goes_on();
    free(before.bytes);
    teller_done(&other);
}

Test(refusal, what_is_replayed_is_counted_and_touches_nothing)
{
    struct buffer recorded = {0};

    pupil_begin_with_two();
    pupil_set("cart", "10.0.0.7");
    teller_delta(&pupil.teller, 2, &pupil.message);
    buffer_append(&recorded, pupil.message.bytes, pupil.message.size);
    pupil_receive(SESSION_BROADCAST);
    cr_expect(pupil_is_synced());
    struct standing before = stand();
    refused_as("replayed", SESSION_BROADCAST, &before);
    pupil_set("cart", "10.0.0.8");
    teller_delta(&pupil.teller, 3, &pupil.message);
    pupil_receive(SESSION_BROADCAST);
    free(before.bytes);
    before = stand();
    take(&recorded);
    refused_as("replayed", SESSION_BROADCAST, &before); /* the state of yesterday */
    goes_on();
    free(before.bytes);
    buffer_done(&recorded);
}

Test(refusal, a_broadcast_that_the_welcome_overtook_is_dropped_and_is_no_replay)
{
    struct buffer late = {0}, heard = {0};

    pupil_begin_with_two();
    teller_heartbeat(&pupil.teller, &pupil.message);
    pupil_receive(SESSION_BROADCAST);
    buffer_append(&heard, pupil.message.bytes, pupil.message.size);
    pupil_set("cart", "10.0.0.7");
    teller_delta(&pupil.teller, 2, &late);
    pupil_connect();
    struct standing before = stand();
    take(&late);
    refused_as("overtaken", SESSION_BROADCAST, &before);
    refused_as("replayed", SESSION_BROADCAST, &before); /* once more */
    take(&heard);
    refused_as("replayed", SESSION_BROADCAST, &before); /* of before both */

    teller_heartbeat(&pupil.teller, &late); /* nothing is overtaken on the connection itself */
    pupil_connect();
    take(&late);
    refused_as("replayed", SESSION_NODE, &before);

    teller_heartbeat(&pupil.teller, &late); /* nor by a controller that has started anew, */
    pupil.teller.sequence = UINT64_C(8) << 32;
    pupil_connect();
    take(&late);
    refused_as("replayed", SESSION_BROADCAST, &before);
    pupil.teller.sequence = UINT64_C(6) << 32; /* which may count fewer starts than it did */
    teller_heartbeat(&pupil.teller, &late);
    pupil_connect();
    take(&late);
    refused_as("overtaken", SESSION_BROADCAST, &before);
    teller_delta(&pupil.teller, 2, &pupil.message);
    pupil_receive(SESSION_NODE); /* what it said is caught up */
    cr_expect_str_eq(pupil_published("cart.shop.mesh"), "10.0.0.7");
    goes_on();
    free(before.bytes);
    buffer_done(&late);
    buffer_done(&heard);
}

Test(refusal, what_comes_by_the_wrong_way_or_of_another_epoch_is_counted_and_touches_nothing)
{
    uint8_t nonce[MESSAGE_NONCE] = {1};

    pupil_begin_with_two();
    struct standing before = stand();
    pupil.teller.epoch = 0;
    teller_heartbeat(&pupil.teller, &pupil.message);
    refused_as("wrong-channel", SESSION_BROADCAST, &before); /* not encrypted to all */
    pupil.teller.epoch = 2;
    teller_heartbeat(&pupil.teller, &pupil.message);
    refused_as("unknown-epoch", SESSION_BROADCAST, &before);
    pupil.teller.epoch = 1;
    teller_welcome(&pupil.teller, nonce, &pupil.message);
    refused_as("wrong-nonce", SESSION_NODE, &before);
    refused_as("wrong-channel", SESSION_BROADCAST, &before);
    pupil.teller.group_key[0] ^= 1;
    teller_heartbeat(&pupil.teller, &pupil.message);
    refused_as("unreadable", SESSION_BROADCAST, &before);
    pupil.teller.group_key[0] ^= 1;

    struct message epoch = {.kind = MESSAGE_EPOCH, .epoch = 3};
    memcpy(epoch.key, pupil.teller.group_key, sizeof epoch.key);
    teller_seal(&pupil.teller, &epoch, &pupil.message);
    pupil_receive(SESSION_NODE);
    teller_heartbeat(&pupil.teller, &pupil.message); /* still of epoch 1 */
    refused_as("old-epoch", SESSION_BROADCAST, &before);
    pupil.teller.epoch = 3;
    epoch.epoch = 2;
    teller_seal(&pupil.teller, &epoch, &pupil.message);
    refused_as("old-epoch", SESSION_NODE, &before);
    goes_on();
    free(before.bytes);
}

Test(refusal, what_is_signed_but_wrong_or_from_the_future_is_counted_and_touches_nothing)
{
    struct message floor = {.kind = MESSAGE_DELTA, .previous = 2, .revision = 3, .has_floor = true};

    pupil_begin_with_two();
    struct standing before = stand();
    memcpy(floor.digest, pupil.teller.digest, sizeof floor.digest);
    teller_seal(&pupil.teller, &floor, &pupil.message);
    refused_as("bad-floor", SESSION_BROADCAST, &before);

    teller_seal_body(&pupil.teller, 99, "\x80", 1, &pupil.message);
    refused_as("unknown-kind", SESSION_BROADCAST, &before);
    teller_seal_body(&pupil.teller, MESSAGE_ADVICE, "\x80", 1, &pupil.message);
    refused_as("unknown-kind", SESSION_NODE, &before);
    teller_seal_body(&pupil.teller, MESSAGE_DELTA, "\xdd\xff\xff\xff\xff", 5, &pupil.message);
    refused_as("malformed", SESSION_NODE, &before);
    teller_heartbeat(&pupil.teller, &pupil.message);
    pupil.message.bytes[5] ^= 2;
    refused_as("other-version", SESSION_NODE, &before);

    goes_on();
    free(before.bytes);
}

/* A real message of each kind, in turn. */
static void make_real(unsigned which)
{
    uint8_t nonce[MESSAGE_NONCE] = {9};

    switch (which % 5) {
    case 0:
        teller_delta(&pupil.teller, 2, &pupil.message);
        break;
    case 1:
        teller_heartbeat(&pupil.teller, &pupil.message);
        break;
    case 2:
        teller_chunk(&pupil.teller, "", 5, &pupil.message);
        break;
    case 3:
        teller_welcome(&pupil.teller, nonce, &pupil.message);
        break;
    default: {
        struct message epoch = {.kind = MESSAGE_EPOCH, .epoch = 7};

        teller_seal(&pupil.teller, &epoch, &pupil.message);
    }
    }
}

static uint64_t state_of_random = 88172645463325252u;

static uint64_t random64(void)
{
    state_of_random ^= state_of_random << 13;
    state_of_random ^= state_of_random >> 7;
    state_of_random ^= state_of_random << 17;
    return state_of_random;
}

/* Flips bits, cuts, lengthens, or puts a huge length somewhere. */
static void mutate(struct buffer *bytes)
{
    static const uint8_t huge[] = {0xdd, 0xff, 0xff, 0xff, 0xff};
    size_t at = random64() % bytes->size;

    switch (random64() % 4) {
    case 0:
        bytes->size = at;
        break;
    case 1:
        buffer_append(bytes, huge, sizeof huge);
        break;
    case 2:
        for (size_t i = 0; i < sizeof huge && at + i < bytes->size; i++)
            bytes->bytes[at + i] = huge[i];
        break;
    default:
        bytes->bytes[at] ^= (uint8_t)(1u << random64() % 8);
    }
}

static uint64_t all_refusals(void)
{
    struct value map = {0};
    uint64_t sum = 0;

    sync_describe(pupil.sync, pupil.now_ms, &map);
    const struct value *counters = value_get(&map, "counters");
    for (size_t i = 0; i < counters->map.count; i++)
        sum += (uint64_t)counters->map.entries[i].value.integer;
    value_done(&map);
    return sum;
}

Test(refusal, twelve_thousand_mutants_of_real_messages_are_refused_and_counted, .timeout = 240)
{
    pupil_begin_with_two();
    pupil_set("cart", "10.0.0.3"); /* so that there is something to say */
    struct standing before = stand();
    size_t used = 0;
    struct buffer real = {0};

    for (unsigned i = 0; i < 12000; i++) {
        make_real(i);
        buffer_reset(&real);
        buffer_append(&real, pupil.message.bytes, pupil.message.size);
        mutate(&pupil.message);
        if (pupil.message.size == real.size &&
            memcmp(pupil.message.bytes, real.bytes, real.size) == 0)
            continue;
        uint64_t refused = all_refusals();
        pupil_receive(i & 1 ? SESSION_BROADCAST : SESSION_NODE);
        cr_assert_eq(all_refusals(), refused + 1, "mutant %u is not counted", i);
        cr_assert_eq(mesh_head(pupil.mesh)->revision, before.head.revision);
        if (i == 1000)
            used = mallinfo2().uordblks;
    }
    cr_expect_leq(mallinfo2().uordblks, used + 256 * 1024, "memory grows with what is refused");
    stands(&before);

    /* The key of the controller, and a body that is not what it should be. */
    used = mallinfo2().uordblks;
    for (unsigned i = 0; i < 4000; i++) {
        struct buffer body = {0};
        unsigned kind = i & 1 ? MESSAGE_DELTA : MESSAGE_CHUNK_STATE;
        struct message whole = {.kind = kind, .previous = 2, .revision = 3, .has_floor = true};
        struct message_upsert upsert = {3, {(const uint8_t *)"\x81\xa1x\x01", 4}};

        memcpy(whole.digest, pupil.teller.digest, sizeof whole.digest);
        whole.upserts = &upsert;
        whole.upsert_count = 1;
        seal_floor(pupil.teller.mesh_id, 3, pupil.teller.digest, pupil.teller.sign.secret_key,
                   whole.floor);
        message_write_body(&whole, &body);
        mutate(&body);
        teller_seal_body(&pupil.teller, kind, body.bytes, body.size, &pupil.message);
        buffer_done(&body);
        pupil_receive(SESSION_NODE);
        cr_assert_eq(mesh_head(pupil.mesh)->revision, before.head.revision, "mutant %u is in force",
                     i);
    }
    cr_expect_leq(mallinfo2().uordblks, used + 1024 * 1024);
    stands(&before);

    sync_tick(pupil.sync, pupil.now_ms += 10000);
    teller_delta(&pupil.teller, 2, &pupil.message);
    pupil_receive(SESSION_NODE);
    if (!pupil_is_synced()) { /* the mutants with a digest made it ask for the full state */
        sync_tick(pupil.sync, pupil.now_ms += 100000);
        pupil_answer_pull(100);
    }
    cr_expect(pupil_is_synced());
    free(before.bytes);
    buffer_done(&real);
}
