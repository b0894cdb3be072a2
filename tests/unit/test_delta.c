/* test_delta.c - what is gathered for a message fits it, and together it is everything. */
#include <criterion/criterion.h>

#include "delta.h"
#include "made_store.h"

static void delete_one(struct made_store *made, const char *name)
{
    struct documents_change change;
    struct error err = {0};
    char text[64];
    size_t index;

    (void)snprintf(text, sizeof(text), "{\"deletes\": [\"%s\"]}", name);
    cr_assert_eq(made_store_apply(made, text, &change, &index, &err), 0);
}

static void make_twenty(struct made_store *made)
{
    made_store_init(made);
    for (unsigned i = 0; i < 20; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "p-%02u", i);
        made_store_put(made, name, i);
    }
}

Test(delta, it_holds_what_changed_since_a_revision_and_nothing_else)
{
    struct made_store made;
    struct error err = {0};

    make_twenty(&made);
    made_store_put(&made, "p-03", 999); /* revision 21 */
    delete_one(&made, "p-04");          /* 22 */
    for (uint64_t after = 0; after <= 22; after++) {
        struct delta delta = {0};
        size_t upserts = after >= 21 ? 0 : 1, deletes = after < 22;

        cr_assert_eq(delta_after(made.store, after, 1 << 20, &delta, &err), 0);
        for (uint64_t i = after + 1; i <= 20; i++)
            upserts += i != 4 && i != 5; /* p-03 moved to 21, p-04 is gone */
        cr_expect_eq(delta.message.upsert_count, upserts, "after %d", (int)after);
        cr_expect_eq(delta.message.delete_count, deletes, "after %d", (int)after);
        if (deletes)
            cr_expect_str_eq(delta.message.deletes[0], "p-04");
        for (size_t i = 0; i < delta.message.upsert_count; i++)
            cr_expect_gt(delta.message.upserts[i].revision, after);
        delta_done(&delta);
    }
    made_store_done(&made);
}

Test(delta, what_does_not_fit_is_said_and_what_is_said_to_fit_does)
{
    struct made_store made;
    struct error err = {0};
    bool has_fitted = false;

    make_twenty(&made);
    for (size_t most = 0; most < 4000; most += 50) {
        struct delta delta = {0};
        int r = delta_after(made.store, 0, most, &delta, &err);

        cr_assert(r == 0 || r == 1);
        cr_expect(r == 1 || !has_fitted || most > 0);
        if (r == 1) {
            cr_expect_not(has_fitted, "%zu fits no more", most);
            continue;
        }
        struct buffer body = {0};
        message_write_body(&delta.message, &body);
        cr_expect_leq(body.size, most + 300, "with digest and floor around it");
        buffer_done(&body);
        delta_done(&delta);
        has_fitted = true;
    }
    cr_expect(has_fitted);
    made_store_done(&made);
}

Test(delta, chunks_of_every_size_together_hold_each_document_once)
{
    struct made_store made;
    struct error err = {0};

    make_twenty(&made);
    delete_one(&made, "p-07");
    for (size_t most = 0; most < 2500; most += 100) {
        uint8_t digest[SEAL_DIGEST] = {0};
        char cursor[MESSAGE_NAME_MAX + 1] = "";
        unsigned chunks = 0, documents = 0;

        do {
            struct delta delta = {0};

            cr_assert_eq(delta_chunk(made.store, cursor, most, &delta, &err), 0);
            cr_assert_gt(delta.message.upsert_count, 0, "a chunk holds at least one");
            for (size_t i = 0; i < delta.message.upsert_count; i++)
                seal_digest_add(digest, delta.message.upserts[i].document.bytes,
                                delta.message.upserts[i].document.size);
            documents += (unsigned)delta.message.upsert_count;
            memcpy(cursor, delta.message.next, sizeof(cursor));
            delta_done(&delta);
            cr_assert_leq(++chunks, 19);
        } while (cursor[0]);
        cr_expect_eq(documents, 19, "%zu: %u", most, documents);
        cr_expect_eq(memcmp(digest, made.documents.digest, sizeof(digest)), 0);
    }
    made_store_done(&made);
}

Test(delta, the_chunk_of_an_empty_store_is_empty_and_the_last)
{
    struct made_store made;
    struct delta delta = {0};

    made_store_init(&made);
    cr_assert_eq(delta_chunk(made.store, "", 1000, &delta, NULL), 0);
    cr_expect_eq(delta.message.upsert_count, 0);
    cr_expect_str_eq(delta.message.next, "");
    delta_done(&delta);
    made_store_done(&made);
}
