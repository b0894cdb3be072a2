/* test_sync.c - a whole conversation, with gaps, restarts and what comes from the future. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "pupil.h"

#define REPORT_MS PUPIL_REPORT_MS

TestSuite(sync, .init = pupil_begin, .fini = pupil_end);

Test(sync, a_conversation_brings_documents_into_the_snapshot_and_heals_a_gap)
{
    pupil_set("checkout", "10.0.0.1");
    pupil_connect();
    cr_expect(sync_is_connected(pupil.sync));
    cr_expect_not(sync_is_fresh(pupil.sync, pupil.now_ms), "the documents are not here yet");
    sync_tick(pupil.sync, ++pupil.now_ms);
    cr_expect_eq(pupil_said(MESSAGE_FETCH).after, 0);
    teller_delta(&pupil.teller, 0, &pupil.message);
    pupil_receive(SESSION_NODE);
    cr_expect(pupil_is_synced());
    cr_expect(sync_is_fresh(pupil.sync, pupil.now_ms));
    cr_expect_str_eq(pupil_published("Checkout.shop.mesh."), "10.0.0.1");

    pupil.now_ms += REPORT_MS;
    sync_tick(pupil.sync, pupil.now_ms);
    struct message ack = pupil_said(MESSAGE_ACK);
    cr_expect_eq(ack.revision, 1);
    cr_expect_not(ack.is_stale);

    /* A broadcast delta; the same one again by the other channel is nothing bad. */
    pupil_set("checkout", "10.0.0.2");
    teller_delta(&pupil.teller, 1, &pupil.message);
    pupil_receive(SESSION_BROADCAST);
    cr_expect_str_eq(pupil_published("checkout.shop.mesh"), "10.0.0.2");
    teller_delta(&pupil.teller, 1, &pupil.message);
    pupil_receive(SESSION_NODE);
    cr_expect_eq(pupil_refused("old-revision"), 0);

    /* A gap: one delta is lost. */
    pupil_set("cart", "10.0.0.3");
    pupil_set("cart", "10.0.0.4");
    teller_delta(&pupil.teller, 3, &pupil.message);
    pupil_receive(SESSION_BROADCAST);
    cr_expect_not(pupil_is_synced());
    sync_tick(pupil.sync, ++pupil.now_ms);
    cr_expect_eq(pupil_said(MESSAGE_FETCH).after, 2);
    teller_delta(&pupil.teller, 2, &pupil.message);
    pupil_receive(SESSION_NODE);
    cr_expect(pupil_is_synced());
}

Test(sync, what_was_applied_is_there_after_a_restart_and_a_silent_controller_makes_it_stale)
{
    pupil_begin_with_two();
    pupil_close();
    pupil_open();
    cr_expect(pupil_is_synced());
    cr_expect_str_eq(pupil_published("cart.shop.mesh"), "10.0.0.2");

    teller_set(&pupil.teller, "cart", NULL);
    pupil_connect();
    sync_tick(pupil.sync, ++pupil.now_ms);
    teller_delta(&pupil.teller, pupil_said(MESSAGE_FETCH).after, &pupil.message);
    pupil_receive(SESSION_NODE);
    cr_expect(pupil_is_synced());
    cr_expect_str_eq(pupil_published("cart.shop.mesh"), "");

    /* Without a proof for three periods the node is stale, and serves on. */
    pupil.now_ms += 3 * REPORT_MS + 1;
    cr_expect_not(sync_is_fresh(pupil.sync, pupil.now_ms));
    sync_tick(pupil.sync, pupil.now_ms);
    cr_expect(pupil_said(MESSAGE_ACK).is_stale);
    cr_expect_str_eq(pupil_published("checkout.shop.mesh"), "10.0.0.1");
    teller_heartbeat(&pupil.teller, &pupil.message);
    pupil_receive(SESSION_NODE);
    cr_expect(sync_is_fresh(pupil.sync, pupil.now_ms));
}

Test(sync, the_full_state_is_pulled_in_chunks_while_it_changes_and_applied_at_once)
{
    struct message needed = {.kind = MESSAGE_PULL_NEEDED};
    char name[32];

    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "p%02u", i);
        pupil_set(name, "10.0.0.1");
    }
    pupil_connect();
    sync_tick(pupil.sync, ++pupil.now_ms);
    cr_expect_eq(pupil_said(MESSAGE_FETCH).after, 0);
    needed.revision = pupil.teller.revision;
    teller_seal(&pupil.teller, &needed, &pupil.message);
    pupil_receive(SESSION_NODE);
    for (unsigned i = 0; i < 4; i++) {
        sync_tick(pupil.sync, ++pupil.now_ms);
        pupil_answer_pull(5);
        if (i == 2) { /* an answer to a question that was asked twice */
            teller_chunk(&pupil.teller, "p04", 5, &pupil.message);
            pupil_receive(SESSION_NODE);
        }
        if (i == 1) { /* before and behind the cursor */
            pupil_set("p01", "10.0.0.2");
            pupil_set("p19", "10.0.0.2");
            teller_set(&pupil.teller, "p02", NULL);
        }
        cr_expect_eq(mesh_head(pupil.mesh)->revision, 0, "nothing is applied by halves");
    }
    sync_tick(pupil.sync, ++pupil.now_ms);
    cr_expect_eq(pupil_said(MESSAGE_FETCH).after, 20, "what changed since the first chunk");
    pupil_set("p03", "10.0.0.9");
    teller_delta(&pupil.teller, 20, &pupil.message);
    pupil_receive(SESSION_NODE);
    cr_expect(pupil_is_synced());
    cr_expect_str_eq(pupil_published("p01.shop.mesh"), "10.0.0.2");
    cr_expect_str_eq(pupil_published("p02.shop.mesh"), "");
    cr_expect_str_eq(pupil_published("p03.shop.mesh"), "10.0.0.9");
    cr_expect_str_eq(pupil_published("p00.shop.mesh"), "10.0.0.1");

    /* A delta whose digest does not come out: the old state stands, the full one is asked for. */
    seal_digest_add(pupil.teller.digest, "x",
                    1); /* the controller has something that it did not send */
    pupil_set("p04", "10.0.0.4");
    teller_delta(&pupil.teller, 24, &pupil.message);
    pupil_receive(SESSION_BROADCAST);
    cr_expect_eq(mesh_head(pupil.mesh)->revision, 24);
    cr_expect_str_eq(pupil_published("p04.shop.mesh"), "10.0.0.1");
    cr_expect_eq(pupil_refused("bad-digest"), 1);
    seal_digest_remove(pupil.teller.digest, "x", 1);
    sync_tick(pupil.sync, ++pupil.now_ms);
    pupil_answer_pull(100);
    cr_expect(pupil_is_synced());
    cr_expect_str_eq(pupil_published("p04.shop.mesh"), "10.0.0.4");
}

Test(sync, documents_and_messages_of_a_later_meshdns_are_kept_reported_and_harm_nothing)
{
    pupil_begin_with_two();
    /* A key that nobody knows yet: the document is kept, its domain keeps its last record. */
    teller_set(&pupil.teller, "checkout",
               "{\"policy\":\"checkout\",\"domains\":[\"checkout.shop.mesh\"],\"destinations\":"
               "[{\"address\":\"10.9.9.9\"}],\"teleport\":true}");
    /* A kind of document that nobody knows yet. */
    teller_set(&pupil.teller, "~wormhole", "{\"wormhole\":\"w\",\"ends\":[\"a\",\"b\"]}");
    teller_delta(&pupil.teller, 2, &pupil.message);
    pupil_receive(SESSION_BROADCAST);
    cr_expect(pupil_is_synced(), "digests agree all the same");
    cr_expect_str_eq(pupil_published("checkout.shop.mesh"), "10.0.0.1");
    cr_expect_str_eq(pupil_published("cart.shop.mesh"), "10.0.0.2");
    const char *name = NULL;
    cr_expect_eq(mesh_unsupported(pupil.mesh, 0, &name), 2);
    pupil.now_ms += REPORT_MS;
    sync_tick(pupil.sync, pupil.now_ms);
    cr_expect_eq(pupil_said(MESSAGE_ACK).unsupported, 2);

    /* So it is after a restart, though the old document is nowhere any more. */
    pupil_close();
    pupil_open();
    cr_expect(pupil_is_synced());
    cr_expect_str_eq(pupil_published("checkout.shop.mesh"), "10.0.0.1");
    cr_expect_eq(mesh_unsupported(pupil.mesh, 0, &name), 2);
    pupil_connect();

    /* Understood again: in force at once. */
    pupil_set("checkout", "10.0.0.5");
    teller_delta(&pupil.teller, 4, &pupil.message);
    pupil_receive(SESSION_BROADCAST);
    cr_expect_str_eq(pupil_published("checkout.shop.mesh"), "10.0.0.5");
    cr_expect_eq(mesh_unsupported(pupil.mesh, 0, &name), 1);

    /* The document without a name changes: a delta cannot say that, the full state can. */
    teller_set(&pupil.teller, "~wormhole", "{\"wormhole\":\"w\",\"ends\":[\"a\",\"c\"]}");
    teller_delta(&pupil.teller, 5, &pupil.message);
    pupil_receive(SESSION_BROADCAST);
    cr_expect_not(pupil_is_synced());
    sync_tick(pupil.sync, pupil.now_ms += 2000);
    pupil_answer_pull(100);
    cr_expect(pupil_is_synced());
    cr_expect_eq(mesh_unsupported(pupil.mesh, 0, &name), 1);
}
