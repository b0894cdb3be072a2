/* documents.c - from one revision to the next.
 *
 * A change is first parsed and tried on the policy set's open transaction, then written to the
 * store in one transaction that also takes the revision; only after its commit is the set's
 * transaction committed, which cannot fail. So memory and store never differ, and a full disk or a
 * wrong policy leaves both as they were.
 */
#include "documents.h"

#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "buffer.h"
#include "documents_load.h"
#include "pack.h"
#include "policy.h"
#include "store_documents.h"
#include "yaml.h"

/* One document of a change. */
struct item {
    const char *name;      /* lies in the change's own tree */
    struct policy *policy; /* NULL once the set owns it, or for a delete */
    struct buffer packed;  /* empty for a delete */
    struct buffer before;  /* what the store holds; empty = nothing */
    size_t index;          /* among the upserts; SIZE_MAX for a delete */
};

struct change {
    struct item *items;
    size_t count;
    uint8_t digest[SEAL_DIGEST];
};

static bool is_changed(const struct item *item)
{
    return item->packed.size != item->before.size ||
           (item->packed.size > 0 &&
            memcmp(item->packed.bytes, item->before.bytes, item->packed.size) != 0);
}

/* Whether the set has to learn of it: an unfit document is not in there, and may be fit by now. */
static bool is_tried(const struct documents *documents, const struct item *item)
{
    return is_changed(item) || unfit_has(&documents->unfit, item->name);
}

static void change_release(struct change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        policy_free(change->items[i].policy);
        buffer_done(&change->items[i].packed);
        buffer_done(&change->items[i].before);
    }
    free(change->items);
}

static void sign(struct documents *documents)
{
    seal_floor(documents->authority->mesh_id, documents->revision, documents->digest,
               documents->authority->sign.secret_key, documents->floor);
}

int documents_init(struct documents *documents, const struct authority *authority,
                   struct store *store, uint64_t revision, struct error *err)
{
    *documents = (struct documents){
        .authority = authority, .store = store, .set = policy_set_new(), .revision = revision};
    if (!documents->set)
        return error_set(err, ERROR_INTERNAL, "no memory for the policies");
    int r = documents_load(documents, err);
    if (r < 0) {
        documents_done(documents);
        return r;
    }
    policy_set_commit(documents->set);
    sign(documents);
    return 0;
}

void documents_done(struct documents *documents)
{
    policy_set_free(documents->set);
    documents->set = NULL;
    unfit_done(&documents->unfit);
}

size_t documents_count(const struct documents *documents)
{
    return policy_set_count(documents->set) + unfit_count(&documents->unfit);
}

/* Changing. */

static int keep_before(void *context, const char *name, uint64_t revision, const void *bytes,
                       size_t size)
{
    struct item *item = context;

    (void)name;
    (void)revision;
    buffer_append(&item->before, bytes, size);
    return buffer_is_good(&item->before) ? 0 : ERROR_INTERNAL;
}

static int prepare_upsert(struct documents *documents, const struct value *document,
                          struct item *item, struct error *err)
{
    int r = policy_parse(document, NULL, &item->policy, err);

    if (r == 0) {
        item->name = item->policy->name;
        pack_write(document, &item->packed);
        if (!buffer_is_good(&item->packed))
            r = error_set(err, ERROR_INTERNAL, "no memory for the document");
        else if (item->packed.size > YAML_DOCUMENT_MAX)
            r = error_set(err, ERROR_TOO_LARGE, "is %zu bytes packed; allowed are %d",
                          item->packed.size, YAML_DOCUMENT_MAX);
    }
    if (r == 0) {
        r = store_documents_get(documents->store, item->name, keep_before, item, err);
        r = r > 0 ? 0 : r;
    }
    if (r < 0) {
        const char *name = value_get_text(document, "policy");
        error_where(err, item->name ? item->name : name);
    }
    return r;
}

static int prepare_delete(struct documents *documents, const struct value *name, struct item *item,
                          struct error *err)
{
    if (name->type != VALUE_STRING) {
        error_set(err, ERROR_INVALID, "a name to delete must be text, not %s",
                  value_type_name(name->type));
        return ERROR_INVALID;
    }
    item->name = name->string.text;
    item->index = SIZE_MAX;
    int r = store_documents_get(documents->store, item->name, keep_before, item, err);
    return r > 0 ? 0 : r;
}

static int compare_names(const void *a, const void *b)
{
    const struct item *const *left = a, *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

static int check_unique(const struct change *change, size_t *ret_index, struct error *err)
{
    AUTO_FREE const struct item **sorted = calloc(change->count + 1, sizeof(struct item *));

    if (!sorted)
        return error_set(err, ERROR_INTERNAL, "no memory for the change");
    for (size_t i = 0; i < change->count; i++)
        sorted[i] = &change->items[i];
    qsort(sorted, change->count, sizeof(struct item *), compare_names);
    for (size_t i = 1; i < change->count; i++) {
        const struct item *one = sorted[i - 1], *other = sorted[i];

        if (strcmp(one->name, other->name) != 0)
            continue;
        *ret_index = one->index < other->index && other->index != SIZE_MAX ? other->index
                     : one->index != SIZE_MAX                              ? one->index
                                                                           : other->index;
        error_set(err, ERROR_INVALID, "the policy '%s' is in this change twice", one->name);
        return error_where(err, one->name), ERROR_INVALID;
    }
    return 0;
}

static int prepare(struct documents *documents, const struct value *upserts,
                   const struct value *deletes, struct change *change, size_t *ret_index,
                   struct error *err)
{
    size_t upsert_count = upserts ? upserts->list.count : 0;
    size_t delete_count = deletes ? deletes->list.count : 0;

    change->items = calloc(upsert_count + delete_count + 1, sizeof(*change->items));
    if (!change->items)
        return error_set(err, ERROR_INTERNAL, "no memory for the change");
    for (size_t i = 0; i < upsert_count; i++) {
        change->items[i].index = *ret_index = i;
        change->count++;
        int r = prepare_upsert(documents, &upserts->list.items[i], &change->items[i], err);
        if (r < 0)
            return r;
    }
    *ret_index = SIZE_MAX;
    for (size_t i = 0; i < delete_count; i++) {
        int r = prepare_delete(documents, &deletes->list.items[i], &change->items[change->count++],
                               err);
        if (r < 0)
            return r;
    }
    return check_unique(change, ret_index, err);
}

/* Puts the change into the set's open transaction and asks whether it holds. */
static int try_on_set(struct documents *documents, struct change *change, size_t *ret_index,
                      struct error *err)
{
    const struct policy *culprit = NULL;
    int r = 0;

    for (size_t i = 0; i < change->count && r == 0; i++) {
        struct item *item = &change->items[i];
        if (!is_tried(documents, item))
            continue;
        if (item->index == SIZE_MAX)
            (void)policy_set_delete(documents->set, item->name);
        else
            r = policy_set_put(documents->set, auto_take(item->policy), err);
    }
    if (r == 0)
        r = policy_set_check(documents->set, &culprit, err);
    if (r < 0 && culprit) {
        error_where(err, culprit->name);
        for (size_t i = 0; i < change->count; i++) {
            if (strcmp(change->items[i].name, culprit->name) == 0)
                *ret_index = change->items[i].index;
        }
    }
    return r;
}

/* Writes the change and its revision; the digest moves from the old bytes to the new. */
static int write_change(struct documents *documents, struct change *change, uint64_t *ret_revision,
                        struct error *err)
{
    int r = store_next_revision(documents->store, ret_revision, err);

    memcpy(change->digest, documents->digest, sizeof(change->digest));
    for (size_t i = 0; i < change->count && r == 0; i++) {
        const struct item *item = &change->items[i];
        if (!is_changed(item))
            continue;
        if (item->before.size > 0)
            seal_digest_remove(change->digest, item->before.bytes, item->before.size);
        if (item->packed.size > 0)
            seal_digest_add(change->digest, item->packed.bytes, item->packed.size);
        r = store_documents_put(documents->store, item->name, *ret_revision, item->packed.bytes,
                                item->packed.size, err);
    }
    if (r == 0)
        r = store_documents_log(documents->store, *ret_revision, change->digest, err);
    return r;
}

static int commit(struct documents *documents, struct change *change, struct error *err)
{
    uint64_t revision = 0;
    int r = store_begin(documents->store, err);

    if (r == 0)
        r = write_change(documents, change, &revision, err);
    if (r == 0)
        r = store_commit(documents->store, err);
    if (r < 0) {
        store_rollback(documents->store);
        return r;
    }
    documents->revision = revision;
    memcpy(documents->digest, change->digest, sizeof(documents->digest));
    sign(documents);
    return 0;
}

int documents_apply(struct documents *documents, const struct value *upserts,
                    const struct value *deletes, struct documents_change *ret_change,
                    size_t *ret_index, struct error *err)
{
    AUTO(change_release) struct change change = {0};
    size_t changed = 0, tried = 0;

    *ret_index = SIZE_MAX;
    int r = prepare(documents, upserts, deletes, &change, ret_index, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < change.count; i++) {
        changed += is_changed(&change.items[i]);
        tried += is_tried(documents, &change.items[i]);
    }
    if (tried > 0) {
        *ret_index = SIZE_MAX;
        r = try_on_set(documents, &change, ret_index, err);
        if (r == 0 && changed > 0)
            r = commit(documents, &change, err);
        if (r < 0) {
            policy_set_rollback(documents->set);
            return r;
        }
        policy_set_commit(documents->set);
        for (size_t i = 0; i < change.count; i++)
            unfit_forget(&documents->unfit, change.items[i].name);
    }
    *ret_change = (struct documents_change){
        .revision = documents->revision, .changed = changed, .unchanged = change.count - changed};
    return 0;
}
