/* offline.c - policies into a snapshot without daemon, controller or root.
 *
 * Protected are localhost and all below it, this machine's names, and each name of /etc/hosts,
 * which libc reads for us (gethostent). The search list is libc's too (res_ninit; it keeps the
 * first six domains).
 */
#include "offline.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <resolv.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "compile.h"
#include "hash.h"
#include "label.h"
#include "snapshot_writer.h"

/* What is being made: the writer, and which keys it shall hold in the end. */
struct job {
    struct snapshot_writer *writer;
    const struct policy_set *set;
    struct compile_node node;
    struct compile_record record;
    void *wanted; /* tsearch tree of struct key */
    void *protected_keys;
    struct offline_result result;
    const char *search[MAXDNSRCH]; /* views into resolver */
    size_t search_count;
    struct __res_state resolver;
    struct error *err;
};

struct key {
    size_t length;
    uint8_t bytes[SNAPSHOT_KEY_MAX];
};

void offline_node_done(struct offline_node *node)
{
    label_free(node->labels, node->label_count);
    node->label_count = 0;
}

int offline_node_read(const struct command_call *call, struct offline_node *ret_node,
                      struct error *err)
{
    const char *name = command_get(call, "node-name");
    struct offline_node node = {.zone = command_get(call, "zone")};

    if (!name && gethostname(node.name, sizeof(node.name) - 1) < 0)
        return error_errno(err, NULL, "cannot tell this machine's name");
    if (name)
        (void)snprintf(node.name, sizeof(node.name), "%s", name);
    int r = label_read(call, node.labels, &node.label_count, err);
    if (r == 0)
        *ret_node = node;
    return r;
}

/* A user's number on this machine (compile.h). */
static int uid_of(void *context, const char *user, uint32_t *ret_uid)
{
    const struct passwd *entry = getpwnam(user);
    struct job *job = context;

    if (!entry) {
        (void)snprintf(job->result.unknown_user, sizeof(job->result.unknown_user), "%s", user);
        return 0;
    }
    *ret_uid = entry->pw_uid;
    return 1;
}

static int by_bytes(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    size_t least = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->bytes, y->bytes, least);

    return order ? order : x->length < y->length ? -1 : x->length > y->length;
}

static bool has_key(void *const *tree, const void *bytes, size_t length)
{
    struct key key = {.length = length};

    memcpy(key.bytes, bytes, length);
    return tfind(&key, tree, by_bytes) != NULL;
}

static int add_key(void **tree, const void *bytes, size_t length, struct error *err)
{
    struct key *key = calloc(1, sizeof(*key));

    if (key) {
        key->length = length;
        memcpy(key->bytes, bytes, length);
        void *const *node = tsearch(key, tree, by_bytes);
        if (node && *(struct key *const *)node != key)
            free(key); /* was there already */
        if (node)
            return 0;
        free(key);
    }
    return error_set(err, ERROR_INTERNAL, "no memory");
}

/* Whether a key is protected: itself, or as a name below a protected wildcard, whose record it
 * would hide. */
static bool is_protected(const struct job *job, const char *key, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((i == 0 || key[i] == '.') && has_key(&job->protected_keys, key + i, length - i))
            return true;
        if (key[0] == '@')
            return false;
    }
    return false;
}

/* Puts the record under construction. */
static int publish(struct job *job, const void *key, size_t length)
{
    int r = snapshot_writer_put(job->writer, job->record.words, job->record.count, job->err);

    if (r >= 0)
        r = add_key(&job->wanted, key, length, job->err);
    job->result.names += r == 0;
    return r;
}

static int protect(struct job *job, const char *name, size_t length)
{
    char folded[SNAPSHOT_KEY_MAX + 1];

    if (length > 1 && name[length - 1] == '.')
        length--;
    if (length == 0 || length > SNAPSHOT_NAME_MAX)
        return 0;
    for (size_t i = 0; i < length; i++)
        folded[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    if (has_key(&job->protected_keys, folded, length))
        return 0;
    int r = add_key(&job->protected_keys, folded, length, job->err);
    if (r == 0)
        r = compile_pass(folded, length, &job->record);
    return r < 0 ? r : publish(job, folded, length);
}

/* Protects what /etc/hosts names: the names by a record that passes, the addresses by having
 * none. */
static int protect_hosts(struct job *job)
{
    const struct hostent *host;
    int r = 0;

    sethostent(1);
    while (r == 0 && (host = gethostent())) {
        r = protect(job, host->h_name, strlen(host->h_name));
        for (char *const *alias = host->h_aliases; r == 0 && *alias; alias++)
            r = protect(job, *alias, strlen(*alias));
        if (r == 0 && (host->h_length == 4 || host->h_length == 16)) {
            uint8_t key[17] = "@";
            memcpy(key + 1, host->h_addr_list[0], (size_t)host->h_length);
            r = add_key(&job->protected_keys, key, (size_t)host->h_length + 1, job->err);
        }
    }
    endhostent();
    return r;
}

static int protect_machine(struct job *job)
{
    char name[256] = "", full[2 * 256];
    int r = protect(job, "localhost", strlen("localhost"));

    if (r == 0)
        r = protect(job, ".localhost", strlen(".localhost"));
    if (r == 0 && gethostname(name, sizeof(name) - 1) == 0)
        r = protect(job, name, strlen(name));
    if (r == 0 && job->search_count > 0 && !strchr(name, '.')) {
        int length = snprintf(full, sizeof(full), "%s.%s", name, job->search[0]);
        r = protect(job, full, (size_t)length);
    }
    return r < 0 ? r : protect_hosts(job);
}

/* Takes libc's search list; a machine without one tries names as typed. */
static void read_search(struct job *job)
{
    if (res_ninit(&job->resolver) < 0)
        return;
    for (size_t i = 0; i < MAXDNSRCH && job->resolver.dnsrch[i]; i++) {
        if (strcmp(job->resolver.dnsrch[i], ".") != 0 && job->resolver.dnsrch[i][0] != '\0')
            job->search[job->search_count++] = job->resolver.dnsrch[i];
    }
}

static int publish_search(struct job *job)
{
    int r = compile_search(job->search, job->search_count, job->resolver.ndots, &job->record);

    if (r < 0)
        return error_set(job->err, ERROR_INTERNAL, "no memory");
    return r > 0 ? publish(job, SNAPSHOT_KEY_SEARCH, strlen(SNAPSHOT_KEY_SEARCH)) : 0;
}

static int publish_key(void *context, const char *key, size_t length)
{
    struct job *job = context;

    if (is_protected(job, key, length))
        return 0;
    int r = compile_key(job->set, &job->node, key, length, &job->record, job->err);
    if (r == 0)
        job->result.elsewhere++;
    return r <= 0 ? r : publish(job, key, length);
}

/* Notes a key that the snapshot holds and shall not. */
struct leftovers {
    struct job *job;
    void *keys;
};

static int note_leftover(void *context, const uint8_t *key, size_t length)
{
    struct leftovers *left = context;

    return has_key(&left->job->wanted, key, length)
               ? 0
               : add_key(&left->keys, key, length, left->job->err);
}

static void delete_all(struct snapshot_writer *writer, void **tree)
{
    while (*tree) {
        struct key *key = *(struct key **)*tree;
        (void)snapshot_writer_delete(writer, key->bytes, key->length);
        tdelete(key, tree, by_bytes);
        free(key);
    }
}

static int fill(struct job *job)
{
    struct leftovers left = {.job = job};
    struct snapshot_writer_stats stats;

    read_search(job);
    int r = protect_machine(job);
    if (r == 0)
        r = publish_search(job);
    res_nclose(&job->resolver);
    if (r == 0)
        r = policy_set_keys(job->set, publish_key, job);
    if (r == 0)
        r = snapshot_writer_each(job->writer, note_leftover, &left);
    if (r < 0) {
        tdestroy(left.keys, free);
        return r;
    }
    delete_all(job->writer, &left.keys);
    snapshot_writer_stats(job->writer, &stats);
    snapshot_writer_commit(job->writer, stats.revision + 1);
    snapshot_writer_beat(job->writer);
    return 0;
}

static int count_key(void *context, const char *key, size_t length)
{
    (void)key, (void)length;
    ++*(size_t *)context;
    return 0;
}

int offline_compile(const struct policy_set *set, const struct offline_node *node, const char *path,
                    struct offline_result *ret_result, struct error *err)
{
    struct snapshot_writer_options options = {
        .host_key = hash_text(node->name, strlen(node->name)),
    };
    struct job job = {.set = set, .err = err};

    /* Not more than there are: an index that is twice as large costs look-ups cache misses. */
    (void)policy_set_keys(set, count_key, &options.names);
    job.node = (struct compile_node){.name = node->name,
                                     .zone = node->zone,
                                     .labels = node->labels,
                                     .label_count = node->label_count,
                                     .uid_of = uid_of,
                                     .context = &job};
    int r = snapshot_writer_open(path, &options, &job.writer, err);
    if (r == 0)
        r = fill(&job);
    snapshot_writer_close(job.writer);
    compile_record_done(&job.record);
    tdestroy(job.wanted, free);
    tdestroy(job.protected_keys, free);
    if (r == 0)
        *ret_result = job.result;
    return r;
}
