/* publish.c - from documents, protected names and the search list to records.
 *
 * The writer itself finds that a record is as it stood, so "bring up to date" may be asked for as
 * often as one likes. What fails (a full tmpfs) leaves the old record in force; is_behind makes the
 * agent say so and try again.
 */
#include "publish.h"

#include <stdlib.h>
#include <string.h>

#include "auto.h"

#define ALIAS_DEPTH 8 /* steps that freezing follows; the controller refuses cycles */

void publish_done(struct publish *publish)
{
    document_list_done(&publish->unsupported);
    key_set_done(&publish->protected_keys);
    compile_record_done(&publish->search);
    compile_record_done(&publish->record);
}

bool publish_domain(const void *key, size_t length, char ret_domain[static SNAPSHOT_KEY_MAX + 2])
{
    const char *text = key;
    bool is_wildcard = length > 0 && text[0] == '.';

    if (length == 0 || length > SNAPSHOT_KEY_MAX || text[0] == '@' || text[0] == ':')
        return false;
    ret_domain[0] = '*';
    memcpy(ret_domain + is_wildcard, text, length);
    ret_domain[length + is_wildcard] = '\0';
    return true;
}

static bool is_frozen(const struct publish *publish, const char *key, size_t length, unsigned depth)
{
    char domain[SNAPSHOT_KEY_MAX + 2];
    const struct policy *const *policies = NULL;

    if (publish->unsupported.count == 0)
        return false;
    if (key_set_has(&publish->unsupported.all, key, length))
        return true;
    if (depth == 0 || !publish_domain(key, length, domain))
        return false;
    size_t count = policy_set_domain(publish->set, domain, &policies);
    for (size_t i = 0; i < count; i++)
        if (policies[i]->action == POLICY_ALIAS &&
            is_frozen(publish, policies[i]->alias, strlen(policies[i]->alias), depth - 1))
            return true;
    return false;
}

bool publish_is_frozen(const struct publish *publish, const char *key, size_t length)
{
    return is_frozen(publish, key, length, ALIAS_DEPTH);
}

static void put(struct publish *publish, const struct compile_record *record)
{
    struct error err = {0};

    if (snapshot_writer_put(publish->writer, record->words, record->count, &err) >= 0)
        return;
    if (!publish->is_behind)
        publish->why = err;
    publish->is_behind = true;
}

void publish_key(struct publish *publish, const char *key, size_t length)
{
    struct error err = {0};
    int r = 0;

    snapshot_writer_fetch(publish->writer, key, length);
    switch (protect_judge(&publish->protected_keys, key, length)) {
    case PROTECT_PASS:
        r = compile_pass(key, length, &publish->record);
        break;
    case PROTECT_ABSENT:
        break;
    case PROTECT_NO:
        if (publish_is_frozen(publish, key, length))
            return;
        r = compile_key(publish->set, &publish->node, key, length, &publish->record, &err);
        if (r == 0 && key[0] == '@' && publish->unsupported.has_reverse)
            return; /* perhaps the record of a document that is not understood */
        break;
    }
    if (r > 0) {
        put(publish, &publish->record);
    } else if (r == 0) {
        (void)snapshot_writer_delete(publish->writer, key, length);
    } else {
        if (!publish->is_behind)
            publish->why = err;
        publish->is_behind = true;
    }
}

static int publish_one(void *context, const char *key, size_t length)
{
    publish_key(context, key, length);
    return 0;
}

/* Keys of the snapshot that nothing stands behind. */
struct strays {
    const struct publish *publish;
    struct key_set keys;
};

static int find_stray(void *context, const uint8_t *key, size_t length)
{
    static const char search[] = SNAPSHOT_KEY_SEARCH;
    struct strays *strays = context;
    const struct publish *publish = strays->publish;
    char domain[SNAPSHOT_KEY_MAX + 2];
    const struct policy *const *policies;
    bool is_wanted;

    if (key[0] == '@')
        is_wanted = policy_set_reverse(publish->set, key + 1, length - 1) != NULL;
    else if (key[0] == ':')
        is_wanted = length == sizeof search - 1 && memcmp(key, search, length) == 0;
    else
        is_wanted = publish_domain(key, length, domain) &&
                    policy_set_domain(publish->set, domain, &policies) > 0;
    if (!is_wanted && !key_set_has(&publish->protected_keys, key, length))
        key_set_add(&strays->keys, key, length);
    return 0;
}

/* A record that passes may be an old protected name: it goes even if no state was ever received. */
static bool passes(const struct publish *publish, const void *key, size_t length)
{
    const uint64_t *words = NULL;
    size_t count = snapshot_writer_get(publish->writer, key, length, &words);
    size_t rule = 1 + (length + 7) / 8;

    return count == rule + 1 && SNAPSHOT_RULE_VERB(words[rule]) == SNAPSHOT_PASS;
}

void publish_all(struct publish *publish)
{
    struct strays strays = {.publish = publish};

    publish->is_behind = false;
    publish->is_ready = true;
    snapshot_writer_expect(publish->writer,
                           policy_set_count(publish->set) + publish->protected_keys.count);
    /* Protected names first: they are what must never be wrong. */
    for (size_t i = 0; i < publish->protected_keys.count; i++)
        publish_key(publish, (const char *)key_set_view(&publish->protected_keys, i),
                    publish->protected_keys.items[i].length);
    if (publish->search.count > 0)
        put(publish, &publish->search);
    (void)policy_set_keys(publish->set, publish_one, publish);
    (void)snapshot_writer_each(publish->writer, find_stray, &strays);
    for (size_t i = 0; i < strays.keys.count; i++) {
        const char *key = (const char *)key_set_view(&strays.keys, i);
        size_t length = strays.keys.items[i].length;

        if (publish->has_state || passes(publish, key, length))
            publish_key(publish, key, length); /* which minds what is frozen */
    }
    key_set_done(&strays.keys);
}

static int protect_one(void *context, const void *key, size_t length, bool is_new)
{
    struct publish *publish = context;
    const uint8_t *bytes = key;

    (void)is_new;
    publish_key(publish, key, length);
    return bytes[0] == '.'; /* a wildcard hides or shows other keys: those are not in the sets */
}

void publish_protect(struct publish *publish, struct key_set *keys)
{
    struct key_set before = publish->protected_keys;

    publish->protected_keys = *keys;
    *keys = before;
    if (publish->is_ready &&
        key_set_diff(keys, &publish->protected_keys, protect_one, publish) != 0)
        publish_all(publish);
}

void publish_search(struct publish *publish, const struct search_list *list)
{
    const char *domains[SNAPSHOT_SEARCH_MAX];

    for (size_t i = 0; i < list->count; i++)
        domains[i] = list->domains[i];
    if (compile_search(domains, list->count, list->ndots, &publish->search) < 0) {
        publish->is_behind = true;
        error_set(&publish->why, ERROR_INTERNAL, "out of memory for the search list");
    } else if (publish->is_ready) {
        put(publish, &publish->search);
    }
}
