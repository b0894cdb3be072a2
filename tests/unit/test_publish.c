/* test_publish.c - which record each key has: protected, frozen, compiled, or none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "pupil.h"
#include "snapshot_writer.h"

TestSuite(publish, .init = pupil_begin, .fini = pupil_end);

/* Brings what the teller has into force. */
static void sync_all(void)
{
    uint64_t mine = mesh_head(pupil.mesh)->revision;

    if (!sync_is_connected(pupil.sync))
        pupil_connect();
    teller_delta(&pupil.teller, mine, &pupil.message);
    pupil_receive(SESSION_BROADCAST);
    cr_assert(pupil_is_synced());
}

static void protect(const char *const *names)
{
    struct key_set keys = {0};

    for (; *names; names++)
        key_set_add_domain(&keys, *names);
    key_set_sort(&keys);
    mesh_protect(pupil.mesh, &keys);
    key_set_done(&keys);
}

static uint64_t names(void)
{
    struct snapshot_writer_stats stats;

    mesh_stats(pupil.mesh, &stats);
    return stats.names;
}

static void is_answered(const char *name, const char *wanted)
{
    cr_expect_str_eq(pupil_published(name), wanted, "%s: '%s' instead of '%s'", name,
                     pupil_published(name), wanted);
}

static void set(const char *name, const char *rest)
{
    char json[512];

    (void)snprintf(json, sizeof json, "{\"policy\":\"%s\",%s}", name, rest);
    teller_set(&pupil.teller, name, json);
}

Test(publish, a_protected_name_passes_whatever_policies_say_and_is_free_again_afterwards)
{
    set("wide", "\"domains\":[\"*.corp.mesh\",\"a.corp.mesh\",\"*.b.corp.mesh\",\"corp.mesh\"],"
                "\"destinations\":[{\"address\":\"10.0.0.1\"}]");
    sync_all();
    is_answered("a.corp.mesh", "10.0.0.1");
    is_answered("x.b.corp.mesh", "10.0.0.1");
    uint64_t before = names();

    protect((const char *const[]){"a.corp.mesh", NULL});
    is_answered("a.corp.mesh", "pass");
    is_answered("c.corp.mesh", "10.0.0.1");
    cr_expect_eq(names(), before);

    protect((const char *const[]){"*.corp.mesh", NULL});
    is_answered("a.corp.mesh", "pass");
    is_answered("x.b.corp.mesh", "pass");
    is_answered("corp.mesh", "10.0.0.1");
    cr_expect_eq(names(), 2, "what lies below the wildcard has no record of its own");

    set("late", "\"domains\":[\"late.corp.mesh\"],\"destinations\":[{\"address\":\"10.0.0.2\"}]");
    sync_all();
    is_answered("late.corp.mesh", "pass");

    protect((const char *const[]){"nobody.mesh", NULL});
    is_answered("a.corp.mesh", "10.0.0.1");
    is_answered("late.corp.mesh", "10.0.0.2");
    is_answered("x.b.corp.mesh", "10.0.0.1");
}

Test(publish, an_alias_of_what_is_not_understood_keeps_its_record_too)
{
    static const char target[] = "\"domains\":[\"t.mesh\"],\"destinations\":[{\"address\":"
                                 "\"10.0.0.1\"}]";

    set("target", target);
    set("one", "\"domains\":[\"one.mesh\"],\"alias\":\"t.mesh\"");
    set("two", "\"domains\":[\"two.mesh\"],\"alias\":\"one.mesh\"");
    sync_all();
    is_answered("two.mesh", "10.0.0.1");
    set("target", "\"domains\":[\"t.mesh\"],\"destinations\":[{\"address\":\"10.0.0.9\"}],\"x\":1");
    set("two", "\"domains\":[\"two.mesh\",\"three.mesh\"],\"alias\":\"one.mesh\"");
    sync_all();
    is_answered("t.mesh", "10.0.0.1");
    is_answered("one.mesh", "10.0.0.1");
    is_answered("two.mesh", "10.0.0.1");
    is_answered("three.mesh", "");

    pupil_close();
    pupil_open();
    is_answered("one.mesh", "10.0.0.1");
    is_answered("two.mesh", "10.0.0.1");
    set("target", "\"domains\":[\"t.mesh\"],\"destinations\":[{\"address\":\"10.0.0.7\"}]");
    sync_all();
    is_answered("two.mesh", "10.0.0.7");
    is_answered("three.mesh", "10.0.0.7");
}

Test(publish, a_start_mends_what_a_kill_left_between_the_store_and_the_snapshot)
{
    struct snapshot_writer *writer = NULL;
    struct snapshot_writer_options options = {.host_key = 1};
    struct compile_record record = {0};
    struct error err = {0};

    pupil_begin_with_two();
    pupil_close();
    cr_assert_eq(snapshot_writer_open(pupil.snapshot_path, &options, &writer, &err), 0);
    cr_expect_eq(snapshot_writer_delete(writer, "cart.shop.mesh", 14), 1);
    cr_assert_eq(compile_pass("checkout.shop.mesh", 18, &record), 1);
    cr_expect_eq(snapshot_writer_put(writer, record.words, record.count, &err), 1);
    cr_assert_eq(compile_pass("stray.mesh", 10, &record), 1);
    cr_expect_eq(snapshot_writer_put(writer, record.words, record.count, &err), 1);
    snapshot_writer_close(writer);
    compile_record_done(&record);

    pupil_open();
    is_answered("checkout.shop.mesh", "10.0.0.1");
    is_answered("cart.shop.mesh", "10.0.0.2");
    is_answered("stray.mesh", "");
    cr_expect_eq(names(), 2);
}

Test(publish, a_node_that_has_lost_its_state_serves_what_lies_there_until_it_has_the_new_one)
{
    char path[128];

    pupil_begin_with_two();
    pupil_close();
    static const char *const left[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
        (void)snprintf(path, sizeof path, "%s%s", pupil.state_path, left[i]);
        (void)remove(path);
    }
    pupil_open();
    cr_expect_eq(mesh_head(pupil.mesh)->revision, 0);
    is_answered("checkout.shop.mesh", "10.0.0.1");
    teller_set(&pupil.teller, "cart", NULL);
    sync_all();
    is_answered("checkout.shop.mesh", "10.0.0.1");
    is_answered("cart.shop.mesh", "");
}
