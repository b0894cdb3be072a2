/* test_documents.c - changes come whole or not at all, in memory and in the store. */
#include <sqlite3.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "made_store.h"
#include "pack.h"
#include "store_db.h"
#include "store_documents.h"

#define POLICY(name, domain, rest)                                                                 \
    "{\"policy\": \"" name "\", \"domains\": [\"" domain "\"], " rest "}"
#define TO(address) "\"destinations\": [{\"address\": \"" address "\"}]"

/* What must be as it was when a change is refused. */
struct before {
    uint64_t revision;
    uint8_t digest[SEAL_DIGEST], floor[KEY_SIGNATURE];
    size_t count;
};

static struct before look(const struct made_store *made)
{
    struct before before = {.revision = made->documents.revision,
                            .count = policy_set_count(made->documents.set)};

    memcpy(before.digest, made->documents.digest, sizeof(before.digest));
    memcpy(before.floor, made->documents.floor, sizeof(before.floor));
    return before;
}

static void expect_untouched(const struct made_store *made, const struct before *before)
{
    struct before now = look(made);

    cr_expect_eq(memcmp(&now, before, sizeof(now)), 0);
}

static const struct {
    const char *text;
    int result;
    size_t index;
    const char *where, *says;
} refused[] = {
    {"{\"upserts\": [" POLICY("a", "a.mesh", TO("10.0.0.1")) "," POLICY("b", "b.mesh",
                                                                        TO("10.0.0.300")) "]}",
     ERROR_INVALID, 1, "b", "10.0.0.300"},
    {"{\"upserts\": [" POLICY("a", "a.mesh", TO("10.0.0.1")) "," POLICY("a", "c.mesh",
                                                                        TO("10.0.0.1")) "]}",
     ERROR_INVALID, 1, "a", "twice"},
    {"{\"upserts\": [" POLICY("a", "a.mesh", TO("10.0.0.1")) "], \"deletes\": [\"a\"]}",
     ERROR_INVALID, 0, "a", "twice"},
    {"{\"deletes\": [\"stands\", \"stands\"]}", ERROR_INVALID, SIZE_MAX, "stands", "twice"},
    {"{\"deletes\": [5]}", ERROR_INVALID, SIZE_MAX, "", "must be text"},
    {"{\"upserts\": [" POLICY("rival", "stands.mesh", TO("10.0.0.1")) "]}", ERROR_CONFLICT, 0,
     "rival", "stands"},
    {"{\"upserts\": [" POLICY("other", "o.mesh", "\"alias\": \"nowhere.mesh\"") "]}",
     ERROR_CONFLICT, 0, "other", "nowhere.mesh"},
    {"{\"upserts\": [" POLICY("new", "n.mesh", "\"colour\": 1") "]}", ERROR_UNSUPPORTED, 0, "new",
     "colour"},
    {"{\"upserts\": [5]}", ERROR_INVALID, 0, "", "map"},
};

Test(documents, a_wrong_change_is_refused_by_name_and_nothing_moves)
{
    struct made_store made;

    made_store_init(&made);
    made_store_put(&made, "stands", 3);
    struct before before = look(&made);

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct documents_change change;
        struct error err = {0};
        size_t index = 77;
        int r = made_store_apply(&made, refused[i].text, &change, &index, &err);

        cr_expect(r == refused[i].result ||
                      (refused[i].result == ERROR_CONFLICT && r == ERROR_INVALID),
                  "row %zu: %d %s", i, r, error_line(&err));
        cr_expect_eq(index, refused[i].index, "row %zu", i);
        cr_expect_str_eq(err.where, refused[i].where, "row %zu", i);
        cr_expect_not_null(strstr(error_line(&err), refused[i].says), "row %zu: %s", i,
                           error_line(&err));
        expect_untouched(&made, &before);
    }
    made_store_unload(&made);
    made_store_load(&made);
    expect_untouched(&made, &before);
    made_store_done(&made);
}

/* Commits documents as a meshdns would that has no checks at all. */
static void store_unchecked(struct made_store *made, const char *const *texts, size_t count)
{
    uint64_t revision;
    struct error err = {0};
    uint8_t digest[SEAL_DIGEST];

    memcpy(digest, made->documents.digest, sizeof(digest));
    cr_assert_eq(store_begin(made->store, &err), 0);
    cr_assert_eq(store_next_revision(made->store, &revision, &err), 0);
    for (size_t i = 0; i < count; i++) {
        AUTO_VALUE struct value document = {0};
        AUTO_BUFFER struct buffer packed = {0};

        cr_assert_eq(json_read(texts[i], strlen(texts[i]), &document, &err), 0, "%s",
                     error_line(&err));
        pack_write(&document, &packed);
        seal_digest_add(digest, packed.bytes, packed.size);
        cr_assert_eq(store_documents_put(made->store, value_get_text(&document, "policy"), revision,
                                         packed.bytes, packed.size, &err),
                     0);
    }
    cr_assert_eq(store_documents_log(made->store, revision, digest, &err), 0);
    cr_assert_eq(store_commit(made->store, &err), 0);
}

static const char *const unchecked[] = {
    POLICY("odd", "odd.mesh", "\"colour\": 1, " TO("10.0.0.1")),
    POLICY("usurper", "stands.mesh", TO("10.0.0.2")),
    POLICY("led", "led.mesh", "\"alias\": \"odd.mesh\""),
    POLICY("good", "good.mesh", TO("10.0.0.3")),
};

/* Changes, one after the other, and what is unfit behind each. */
static const struct {
    const char *text;
    int result;
    size_t changed;
    const char *unfit;
} cures[] = {
    {"{\"upserts\": [" POLICY("new", "n.mesh", TO("10.0.0.1")) "]}", 0, 1, "odd led usurper "},
    {"{\"upserts\": [" POLICY("odd", "odd.mesh", "\"colour\": 1, " TO("10.0.0.1")) "]}",
     ERROR_UNSUPPORTED, 0, "odd led usurper "},
    {"{\"upserts\": [" POLICY("usurper", "stands.mesh", TO("10.0.0.2")) "]}", ERROR_CONFLICT, 0,
     "odd led usurper "},
    {"{\"upserts\": [" POLICY("odd", "odd.mesh", TO("10.0.0.1")) "]}", 0, 1, "led usurper "},
    {"{\"upserts\": [" POLICY("led", "led.mesh", "\"alias\": \"odd.mesh\"") "]}", 0, 0, "usurper "},
    {"{\"deletes\": [\"odd\"]}", ERROR_CONFLICT, 0, "usurper "}, /* led leads to it again */
    {"{\"deletes\": [\"usurper\"]}", 0, 1, ""},
};

static void expect_unfit(const struct made_store *made, const char *names)
{
    const struct unfit *unfit = &made->documents.unfit;
    char all[64] = "";

    for (size_t i = 0; i < unfit_count(unfit); i++) {
        strcat(all, value_get_text(&unfit->list.list.items[i], "policy"));
        strcat(all, " ");
    }
    cr_expect_str_eq(all, names);
}

Test(documents, what_was_stored_and_is_refused_today_is_named_and_can_be_changed)
{
    struct made_store made;
    struct error err = {0};

    made_store_init(&made);
    made_store_put(&made, "stands", 3);
    store_unchecked(&made, unchecked, 4);
    made_store_unload(&made);
    made_store_load(&made);
    cr_expect_eq(documents_count(&made.documents), 5);
    for (size_t i = 0; i < sizeof(cures) / sizeof(cures[0]); i++) {
        struct documents_change change = {0};
        uint64_t revision = made.documents.revision;
        size_t index;
        int r = made_store_apply(&made, cures[i].text, &change, &index, &err);

        cr_expect(r == cures[i].result, "row %zu: %d %s", i, r, error_line(&err));
        cr_expect_eq(change.changed, cures[i].changed, "row %zu", i);
        cr_expect_eq(made.documents.revision, revision + cures[i].changed, "row %zu", i);
        expect_unfit(&made, cures[i].unfit);
    }
    struct before before = look(&made);
    made_store_unload(&made);
    made_store_load(&made);
    expect_untouched(&made, &before);
    made_store_done(&made);
}

Test(documents, after_many_changes_the_store_gives_back_the_same_digest_and_a_gapless_log)
{
    struct made_store made;
    struct error err = {0};
    uint64_t state = 20261123;

    made_store_init(&made);
    for (unsigned i = 0; i < 300; i++) {
        struct documents_change change;
        char name[16], text[64];
        size_t index;

        state = state * 6364136223846793005u + 1442695040888963407u;
        (void)snprintf(name, sizeof(name), "p-%u", (unsigned)(state >> 33) % 20);
        if (state >> 60) {
            made_store_put(&made, name, (unsigned)(state >> 40) % 50);
        } else {
            (void)snprintf(text, sizeof(text), "{\"deletes\": [\"%s\"]}", name);
            cr_assert_eq(made_store_apply(&made, text, &change, &index, &err), 0);
        }
    }
    struct before before = look(&made);
    cr_expect_gt(before.revision, 200);
    made_store_unload(&made);
    made_store_load(&made);
    expect_untouched(&made, &before);
    for (uint64_t revision = 0; revision <= before.revision; revision++) {
        uint8_t digest[SEAL_DIGEST];
        cr_expect_eq(store_documents_digest(made.store, revision, digest, &err), 1);
    }
    cr_expect_eq(seal_floor_check(made.authority.mesh_id, before.revision, before.digest,
                                  made.authority.sign.public_key, before.floor),
                 0);
    made_store_done(&made);
}

Test(documents, a_store_that_is_full_refuses_the_change_and_serves_on)
{
    struct made_store made;
    struct documents_change change;
    struct error err = {0};
    size_t index, size = 90000;
    char *text = malloc(size + 600);

    made_store_init(&made);
    made_store_put(&made, "stands", 3);
    struct before before = look(&made);
    cr_assert_eq(sqlite3_exec(made.store->db, "PRAGMA max_page_count = 1", NULL, NULL, NULL), 0);
    int at = sprintf(text, "{\"upserts\": [{\"policy\": \"large\", \"domains\": [\"l.mesh\"], "
                           "\"destinations\": [{\"address\": \"10.0.0.1\"}");
    for (int i = 0; (size_t)at < size; i++)
        at += sprintf(text + at, ",{\"address\": \"10.%d.%d.1\"}", 1 + i / 250, i % 250);
    (void)sprintf(text + at, "]}]}");
    int r = made_store_apply(&made, text, &change, &index, &err);
    cr_expect_eq(r, ERROR_FULL, "%d %s", r, error_line(&err));
    expect_untouched(&made, &before);

    cr_assert_eq(sqlite3_exec(made.store->db, "PRAGMA max_page_count = 100000", NULL, NULL, NULL),
                 0);
    cr_expect_eq(made_store_apply(&made, text, &change, &index, &err), 0, "%s", error_line(&err));
    cr_expect_eq(change.revision, before.revision + 1);
    free(text);
    made_store_done(&made);
}
