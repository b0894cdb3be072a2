/* recover.c - brings a mesh back whose store was restored from an older copy.
 *
 * The restored documents are in force again under a revision that no node has seen; each node
 * finds that its digest differs and pulls the full state. What was committed after the copy was
 * made is lost, which the administrator is told.
 */
#include "recover.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "authority.h"
#include "auto.h"
#include "documents.h"
#include "json.h"
#include "sealer.h"
#include "store.h"
#include "store_documents.h"
#include "value.h"

struct recovery {
    struct store_mesh before;
    uint64_t revision, epoch;
};

static uint64_t above(uint64_t one, uint64_t other)
{
    return (one > other ? one : other) + 1;
}

static int move(struct store *store, const struct documents *documents, struct recovery *recovery,
                struct error *err)
{
    uint8_t key[KEY_GROUP];

    recovery->revision = above(recovery->before.revision, recovery->before.floor_revision);
    key_random(key, sizeof(key));
    int r = store_begin(store, err);
    if (r == 0)
        r = store_recover(store, recovery->revision, err);
    if (r == 0)
        r = store_documents_log(store, recovery->revision, documents->digest, err);
    if (r == 0)
        r = store_next_epoch(store, above(recovery->before.epoch, recovery->before.floor_epoch),
                             key, &recovery->epoch, err);
    if (r == 0)
        r = store_commit(store, err);
    if (r < 0)
        store_rollback(store);
    key_wipe(key, sizeof(key));
    return r;
}

static int work(const struct config *config, struct authority *authority, struct recovery *recovery,
                struct error *err)
{
    AUTO(store_release) struct store *store = NULL;
    struct documents documents = {0};
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/store.db", config->state);
    int r = store_open(path, &store, err);
    if (r == 0)
        r = store_mesh_read(store, &recovery->before, err);
    if (r < 0)
        return r;
    if (recovery->before.read_only[0] == '\0') {
        error_set(err, ERROR_REFUSED, "the mesh is not read-only, so there is nothing to recover");
        error_hint(err, "run the controller: it turns read-only when a node proves a newer state");
        return ERROR_REFUSED;
    }
    authority_name(authority, recovery->before.name, recovery->before.mesh_id);
    r = documents_init(&documents, authority, store, recovery->before.revision, err);
    if (r == 0)
        r = move(store, &documents, recovery, err);
    documents_done(&documents);
    return r;
}

static int print_json(const struct recovery *recovery)
{
    AUTO_VALUE struct value answer = {0};
    AUTO_BUFFER struct buffer text = {0};

    value_put_text(&answer, "reason", recovery->before.read_only);
    value_put_integer(&answer, "restored_revision", (int64_t)recovery->before.revision);
    value_put_integer(&answer, "revision", (int64_t)recovery->revision);
    value_put_integer(&answer, "epoch", (int64_t)recovery->epoch);
    json_write(&answer, 2, &text);
    return buffer_is_good(&text) ? puts((const char *)text.bytes) : -1;
}

static int print_text(const struct recovery *recovery)
{
    return printf("recovered: revision %" PRIu64 " holds the documents of revision %" PRIu64
                  ", epoch %" PRIu64 " begins\n"
                  "reason:    %s\n"
                  "Changes committed after the copy was made are not in it: apply them again.\n"
                  "Start the controller; every node pulls this state by itself.\n",
                  recovery->revision, recovery->before.revision, recovery->epoch,
                  recovery->before.read_only);
}

int recover_mesh(const struct config *config, struct error *err)
{
    struct authority authority = {0};
    struct recovery recovery = {0};
    AUTO_CLOSE int lock = -1;

    int r = authority_load(config->state, &authority, err);
    if (r == 0)
        r = authority_lock(config->state, &lock, err);
    if (r == 0)
        r = work(config, &authority, &recovery, err);
    if (r == 0) {
        int printed = config->json ? print_json(&recovery) : print_text(&recovery);
        if (printed < 0 || fflush(stdout) != 0)
            r = error_errno(err, "standard output", "cannot write");
    }
    authority_done(&authority);
    key_wipe(&recovery, sizeof(recovery));
    return r;
}
