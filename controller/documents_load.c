/* documents_load.c - what the store holds was checked when it was committed, perhaps by an older
 * meshdns that allowed more. To refuse to start for that would take the mesh's controller away for
 * one policy; so such a document is put aside by name, and everything else goes on. Damage is told
 * from it by the digest, which is over the bytes as they are.
 */
#include "documents_load.h"

#include <stdio.h>

#include "pack.h"
#include "policy.h"
#include "store_documents.h"

struct load {
    struct documents *documents;
    struct error *err;
};

static int load_one(void *context, const char *name, uint64_t revision, const void *bytes,
                    size_t size)
{
    struct load *load = context;
    AUTO_VALUE struct value document = {0};
    struct policy *policy = NULL;
    struct error why = {0};

    (void)revision;
    seal_digest_add(load->documents->digest, bytes, size);
    int r = pack_read(bytes, size, &document, &why);
    if (r == 0)
        r = policy_parse(&document, name, &policy, &why);
    if (r == 0)
        r = policy_set_put(load->documents->set, policy, &why);
    if (r < 0 && r != ERROR_INTERNAL)
        return unfit_note(&load->documents->unfit, name, &why, load->err);
    if (r < 0 && load->err)
        *load->err = why;
    return r;
}

/* Takes out whatever does not go together, one by one; what leads to it by alias follows. */
static int check_set(struct documents *documents, struct error *err)
{
    const struct policy *culprit = NULL;
    struct error why = {0};
    int r = 0;

    while (r == 0 && policy_set_check(documents->set, &culprit, &why) < 0) {
        if (!culprit) {
            if (err)
                *err = why;
            return (int)why.code;
        }
        r = unfit_note(&documents->unfit, culprit->name, &why, err);
        if (r == 0 && policy_set_delete(documents->set, culprit->name) < 0)
            r = error_set(err, ERROR_INTERNAL, "no memory for the policies");
        culprit = NULL;
    }
    return r;
}

static int check_digest(struct documents *documents, struct error *err)
{
    uint8_t logged[SEAL_DIGEST];
    int r = store_documents_digest(documents->store, documents->revision, logged, err);

    if (r == 1 && key_is_equal(logged, documents->digest, sizeof(logged)))
        return 0;
    if (r < 0)
        return r;
    error_set(err, ERROR_IO, "the documents in the store are not those of revision %llu",
              (unsigned long long)documents->revision);
    error_hint(err,
               "the store is damaged: restore it from a backup, then meshdns-controller recover");
    return ERROR_IO;
}

int documents_load(struct documents *documents, struct error *err)
{
    struct load load = {documents, err};
    int r = store_documents_from(documents->store, "", load_one, &load, err);

    if (r == 0)
        r = check_digest(documents, err);
    return r == 0 ? check_set(documents, err) : r;
}
