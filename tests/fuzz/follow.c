/* follow.c - see follow.h. */
#include "follow.h"

#include <string.h>

#include "compile.h"
#include "json.h"
#include "policy_set.h"
#include "record_check.h"
#include "snapshot_format.h"

struct journey {
    const struct policy_set *set;
    struct fuzz_goal *goals;
    struct compile_record record;
};

static int uid_of(void *context, const char *user, uint32_t *ret_uid)
{
    (void)context;
    *ret_uid = (uint32_t)strlen(user);
    return user[0] != 'x';
}

static const struct compile_node node = {.name = "node-1", .zone = "z", .uid_of = uid_of};

void follow_error(const struct error *err)
{
    fuzz_claim(err->code < 0 && err->text[0] != '\0', "a refusal has words");
    for (const char *at = err->text; *at; at++)
        fuzz_claim((unsigned char)*at >= ' ' && *at != 0x7f,
                   "words are without control characters");
}

static void describe(const struct compile_record *record)
{
    AUTO_VALUE struct value description = {.type = VALUE_NULL};
    AUTO_BUFFER struct buffer json = {0};
    struct error err = {0};

    fuzz_claim(compile_describe(record->words, record->count, &description, &err) == 1,
               "a compiled record can be described");
    json_write(&description, 0, &json);
    fuzz_claim(buffer_is_good(&json) && json.size > 2, "a description is JSON");
}

static void explain(const struct journey *journey, const char *key, size_t length)
{
    AUTO_VALUE struct value explanation = {.type = VALUE_NULL};
    struct error err = {0};
    char domain[SNAPSHOT_KEY_MAX + 2];

    if (key[0] == '@')
        return;
    memcpy(domain + 1, key, length);
    domain[0] = '*';
    domain[length + 1] = '\0';
    fuzz_claim(compile_explain(journey->set, &node, key[0] == '.' ? domain : domain + 1,
                               &explanation, &err) == 1,
               "what is compiled is explained");
}

static int visit(void *context, const char *key, size_t length)
{
    struct journey *journey = context;
    struct error err = {0};

    fuzz_claim(length >= 1 && length <= SNAPSHOT_KEY_MAX, "a key has a length of the format");
    int r = compile_key(journey->set, &node, key, length, &journey->record, &err);
    fuzz_claim(r >= 0, "policies that agree compile");
    explain(journey, key, length);
    if (r == 0)
        return 0;
    journey->goals[FOLLOW_COMPILED].count++;
    r = record_check(journey->record.words, journey->record.count, &err);
    fuzz_claim(r >= 0 && (size_t)r == journey->record.count, "a compiled record is a good one");
    describe(&journey->record);
    return 0;
}

static void warn(void *context, const char *key, const char *sentence)
{
    (void)context;
    fuzz_claim(key && sentence && sentence[0], "a warning has words");
}

void follow_documents(const struct value *documents, struct fuzz_goal goals[static FOLLOW_GOALS])
{
    struct journey journey = {.goals = goals};
    struct policy_set *set = policy_set_new();
    struct error err = {0};

    if (!set)
        abort();
    journey.set = set;
    for (size_t i = 0; documents->type == VALUE_LIST && i < documents->list.count; i++) {
        struct policy *policy;
        err = (struct error){0};
        if (policy_parse(&documents->list.items[i], "fuzz", &policy, &err) < 0) {
            follow_error(&err);
            goals[FOLLOW_REFUSED].count++;
            continue;
        }
        goals[FOLLOW_PARSED].count++;
        policy_warn(policy, warn, NULL);
        fuzz_claim(policy_set_put(set, policy, &err) == 0, "a policy goes into a set");
    }
    err = (struct error){0};
    if (policy_set_check(set, NULL, &err) == 0) {
        goals[FOLLOW_CONSISTENT].count += policy_set_count(set) > 0;
        (void)policy_set_touched(set, visit, &journey);
        policy_set_commit(set);
        (void)policy_set_keys(set, visit, &journey);
    } else {
        follow_error(&err);
        policy_set_rollback(set);
        fuzz_claim(policy_set_count(set) == 0, "what is rolled back is gone");
    }
    compile_record_done(&journey.record);
    policy_set_free(set);
}
