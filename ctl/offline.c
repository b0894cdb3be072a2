/* offline.c - policies into a snapshot without daemon, controller or root.
 *
 * The protected names first, then the search list, then what the policies say; at the end goes what
 * the file held before and none of them wants.
 */
#include "offline.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "compile.h"
#include "hash.h"
#include "key_set.h"
#include "label.h"
#include "protect.h"
#include "search_list.h"
#include "snapshot_writer.h"

/* What is being made: the writer, and which keys it shall hold in the end. */
struct job {
    struct snapshot_writer *writer;
    const struct policy_set *set;
    struct compile_node node;
    struct compile_record record;
    struct key_set wanted, protected_keys;
    struct offline_result result;
    struct error *err;
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

/* Puts the record under construction. */
static int publish(struct job *job, const void *key, size_t length)
{
    int r = snapshot_writer_put(job->writer, job->record.words, job->record.count, job->err);

    if (r < 0)
        return r;
    key_set_add(&job->wanted, key, length);
    job->result.names++;
    return 0;
}

/* The protected names pass; their addresses have no record. */
static int publish_protected(struct job *job)
{
    const struct key_set *keys = &job->protected_keys;
    int r = 0;

    for (size_t i = 0; r == 0 && i < keys->count; i++) {
        const char *key = (const char *)key_set_view(keys, i);
        size_t length = keys->items[i].length;

        if (protect_judge(keys, key, length) != PROTECT_PASS)
            continue;
        r = compile_pass(key, length, &job->record);
        r = r < 0 ? error_set(job->err, ERROR_INTERNAL, "no memory") : publish(job, key, length);
    }
    return r;
}

/* What this machine says about itself: its search list, and the names that nothing overrides. */
static int publish_machine(struct job *job)
{
    AUTO(search_list_done) struct search_list search = {0};
    const char *domains[SNAPSHOT_SEARCH_MAX];
    char name[256] = "";

    (void)gethostname(name, sizeof(name) - 1);
    int r = search_list_read("/etc/resolv.conf", name, &search, job->err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < search.count; i++)
        domains[i] = search.domains[i];
    const struct protect_source source = {
        .hosts = "/etc/hosts", .host_name = name, .domains = domains, .domain_count = search.count};
    r = protect_collect(&source, &job->protected_keys, job->err);
    if (r == 0)
        r = publish_protected(job);
    if (r < 0)
        return r;
    r = compile_search(domains, search.count, search.ndots, &job->record);
    if (r < 0)
        return error_set(job->err, ERROR_INTERNAL, "no memory");
    return r > 0 ? publish(job, SNAPSHOT_KEY_SEARCH, strlen(SNAPSHOT_KEY_SEARCH)) : 0;
}

static int publish_key(void *context, const char *key, size_t length)
{
    struct job *job = context;

    if (protect_judge(&job->protected_keys, key, length) != PROTECT_NO)
        return 0;
    snapshot_writer_fetch(job->writer, key, length);
    int r = compile_key(job->set, &job->node, key, length, &job->record, job->err);
    if (r == 0)
        job->result.elsewhere++;
    return r <= 0 ? r : publish(job, key, length);
}

/* Notes a key that the snapshot holds and shall not. */
struct leftovers {
    const struct key_set *wanted;
    struct key_set keys;
};

static int note_leftover(void *context, const uint8_t *key, size_t length)
{
    struct leftovers *left = context;

    if (!key_set_has(left->wanted, key, length))
        key_set_add(&left->keys, key, length);
    return 0;
}

static int delete_leftovers(struct job *job)
{
    struct leftovers left = {.wanted = &job->wanted};

    key_set_sort(&job->wanted);
    (void)snapshot_writer_each(job->writer, note_leftover, &left);
    /* Of a wanted set that is not whole, too much would be left over. */
    bool failed = job->wanted.failed || left.keys.failed;
    for (size_t i = 0; !failed && i < left.keys.count; i++)
        (void)snapshot_writer_delete(job->writer, key_set_view(&left.keys, i),
                                     left.keys.items[i].length);
    key_set_done(&left.keys);
    return failed ? error_set(job->err, ERROR_INTERNAL, "no memory") : 0;
}

static int fill(struct job *job)
{
    struct snapshot_writer_stats stats;

    int r = publish_machine(job);
    if (r == 0)
        r = policy_set_keys(job->set, publish_key, job);
    if (r == 0)
        r = delete_leftovers(job);
    if (r < 0)
        return r;
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
    key_set_done(&job.wanted);
    key_set_done(&job.protected_keys);
    if (r == 0)
        *ret_result = job.result;
    return r;
}
