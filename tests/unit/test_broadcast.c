/* test_broadcast.c - when changes go out: at once after quiet, gathered when there are many. */
#include <zmq.h>

#include <criterion/criterion.h>

#include "broadcast.h"
#include "cursor.h"
#include "log.h"
#include "made_store.h"

struct scene {
    struct made_store made;
    struct config config;
    struct log log;
    struct control control;
    void *context, *sub;
};

static void set_up(struct scene *scene)
{
    struct store_mesh mesh;

    made_store_init(&scene->made);
    scene->config = (struct config){.heartbeat_ms = 1000000};
    log_init(&scene->log);
    cr_assert_eq(store_mesh_read(scene->made.store, &mesh, NULL), 0);
    scene->control = (struct control){.config = &scene->config,
                                      .authority = &scene->made.authority,
                                      .log = &scene->log,
                                      .store = scene->made.store};
    cr_assert_eq(
        sealer_init(&scene->control.sealer, &scene->made.authority, scene->made.store, &mesh, NULL),
        0);
    scene->context = zmq_ctx_new();
    scene->control.xpub = zmq_socket(scene->context, ZMQ_PAIR);
    scene->sub = zmq_socket(scene->context, ZMQ_PAIR);
    cr_assert_eq(zmq_bind(scene->control.xpub, "inproc://all"), 0);
    cr_assert_eq(zmq_connect(scene->sub, "inproc://all"), 0);
    /* The first heartbeat is due at once; then there is none for a long time. */
    scene->control.broadcast.heartbeat_due_ms = 1000000;
}

static void tear_down(struct scene *scene)
{
    (void)zmq_close(scene->sub);
    (void)zmq_close(scene->control.xpub);
    (void)zmq_ctx_term(scene->context);
    buffer_done(&scene->control.sealed);
    made_store_done(&scene->made);
}

/* Commits one change; the control works on the documents as they are then. */
static void change(struct scene *scene, unsigned weight, uint64_t now_ms)
{
    made_store_put(&scene->made, "p", weight);
    scene->control.documents = scene->made.documents;
    broadcast_changed(&scene->control, now_ms);
}

/* The kind of the next message, 0 when there is none. */
static unsigned heard(struct scene *scene)
{
    uint8_t message[4096];
    int size = zmq_recv(scene->sub, message, sizeof(message), ZMQ_DONTWAIT);

    if (size < 8)
        return 0;
    struct cursor cursor = cursor_view(message + 6, 2);
    return (unsigned)cursor_number(&cursor, 2);
}

Test(broadcast, the_first_change_after_quiet_goes_out_at_once_and_a_burst_in_growing_steps)
{
    static const uint64_t pauses[] = {10, 20, 40, 80, 160, 320, 640, 1000, 1000};
    struct scene scene = {0};
    uint64_t now_ms = 50000, sent_ms = now_ms;
    unsigned weight = 1;

    set_up(&scene);
    change(&scene, weight++, now_ms);
    (void)broadcast_tick(&scene.control, now_ms);
    cr_assert_eq(heard(&scene), MESSAGE_DELTA, "at once");
    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
        change(&scene, weight++, now_ms + 1);
        change(&scene, weight++, now_ms + 2);
        for (now_ms = sent_ms + 1; now_ms < sent_ms + pauses[i]; now_ms++)
            (void)broadcast_tick(&scene.control, now_ms);
        cr_assert_eq(heard(&scene), 0, "not before %d ms", (int)pauses[i]);
        (void)broadcast_tick(&scene.control, now_ms);
        cr_assert_eq(heard(&scene), MESSAGE_DELTA, "after %d ms", (int)pauses[i]);
        cr_assert_eq(heard(&scene), 0, "both changes in one");
        cr_assert_eq(scene.control.broadcast.revision, scene.control.documents.revision);
        sent_ms = now_ms;
    }
    now_ms += 5000;
    change(&scene, weight, now_ms);
    (void)broadcast_tick(&scene.control, now_ms);
    cr_expect_eq(heard(&scene), MESSAGE_DELTA, "at once again");
    tear_down(&scene);
}

/* How long a change waits until it is published, in steps of 1 ms. */
static uint64_t wait_of_change(struct scene *scene, unsigned weight, uint64_t now_ms)
{
    uint64_t changed_ms = now_ms;

    change(scene, weight, now_ms);
    for (;; now_ms++) {
        (void)broadcast_tick(&scene->control, now_ms);
        if (heard(scene) == MESSAGE_DELTA)
            return now_ms - changed_ms;
        cr_assert_lt(now_ms, changed_ms + 2000);
    }
}

Test(broadcast, after_a_burst_single_changes_soon_go_out_at_once_again)
{
    struct scene scene = {0};
    uint64_t now_ms = 50000;
    unsigned weight = 1;

    set_up(&scene);
    for (uint64_t i = 0; i < 5000; i++, now_ms++) { /* the pauses grow to their most */
        change(&scene, weight++ % 60000, now_ms);
        (void)broadcast_tick(&scene.control, now_ms);
    }
    now_ms += 1000;
    (void)broadcast_tick(&scene.control, now_ms);
    while (heard(&scene))
        ;
    for (size_t i = 0; i < 3; i++)
        now_ms += wait_of_change(&scene, weight++ % 60000, now_ms) + 700;
    cr_expect_eq(wait_of_change(&scene, weight, now_ms), 0);
    tear_down(&scene);
}

Test(broadcast, heartbeats_come_on_time_and_tell_what_was_published)
{
    struct scene scene = {0};
    struct message heartbeat;

    set_up(&scene);
    scene.config.heartbeat_ms = 1000;
    scene.control.broadcast.heartbeat_due_ms = 0;
    cr_expect_eq(broadcast_tick(&scene.control, 70000), 1000);
    cr_expect_eq(heard(&scene), MESSAGE_HEARTBEAT);
    cr_expect_eq(broadcast_tick(&scene.control, 70999), 1);
    cr_expect_eq(heard(&scene), 0);
    change(&scene, 1, 70999);
    broadcast_heartbeat(&scene.control, &heartbeat);
    cr_expect_eq(heartbeat.revision, 0, "not published yet");
    (void)broadcast_tick(&scene.control, 71000);
    broadcast_heartbeat(&scene.control, &heartbeat);
    cr_expect_eq(heartbeat.revision, 1);
    cr_expect_eq(heard(&scene), MESSAGE_DELTA);
    cr_expect_eq(heard(&scene), MESSAGE_HEARTBEAT);
    tear_down(&scene);
}
