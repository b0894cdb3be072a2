/* test_compile.c - what the records of policies say, word by word. */
#include <arpa/inet.h>
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "compile.h"
#include "json.h"
#include "policy_set.h"
#include "snapshot_format.h"
#include "yaml.h"

static struct policy_set *load(const char *text)
{
    AUTO_VALUE struct value documents = {0};
    struct error err = {0};
    struct policy_set *set = policy_set_new();

    cr_assert_eq(yaml_read(text, strlen(text), "test", &documents, &err), 0, "%s",
                 error_line(&err));
    for (size_t i = 0; i < documents.list.count; i++) {
        struct policy *policy = NULL;

        cr_assert_eq(policy_parse(&documents.list.items[i], "test", &policy, &err), 0, "%s",
                     error_line(&err));
        cr_assert_eq(policy_set_put(set, policy, &err), 0);
    }
    cr_assert_eq(policy_set_check(set, NULL, &err), 0, "%s", error_line(&err));
    policy_set_commit(set);
    return set;
}

static int uid_of(void *context, const char *user, uint32_t *ret_uid)
{
    (void)context;
    if (strcmp(user, "www-data") != 0)
        return 0;
    *ret_uid = 33;
    return 1;
}

static const struct compile_node node = {.name = "n1", .zone = "eu-1", .uid_of = uid_of};

static struct compile_record compile(const struct policy_set *set, const char *key)
{
    struct compile_record record = {0};
    struct error err = {0};
    int r = compile_key(set, &node, key, strlen(key), &record, &err);

    cr_assert_geq(r, 0, "%s", error_line(&err));
    if (r == 0)
        record.count = 0;
    return record;
}

Test(compile, one_address_and_a_short_name_take_the_words_that_the_format_promises)
{
    struct policy_set *set = load("policy: a\ndomains: [a.mesh]\n"
                                  "destinations: [{address: 10.0.1.10}]\n");
    struct compile_record record = compile(set, "a.mesh");
    char name[8] = {0};

    cr_assert_eq(record.count, 4);
    cr_expect_eq(SNAPSHOT_META_NAME_LENGTH(record.words[0]), 6);
    cr_expect_eq(SNAPSHOT_META_RULES(record.words[0]), 1);
    memcpy(name, &record.words[1], 8);
    cr_expect_arr_eq(name, "a.mesh\0\0", 8);
    cr_expect_eq(record.words[2], SNAPSHOT_RULE(SNAPSHOT_DRAW, 1, 0, 1, 1, 0));
    cr_expect_eq(record.words[3], SNAPSHOT_ADDRESS(inet_addr("10.0.1.10"), 0, SNAPSHOT_HAS_V4));
    compile_record_done(&record);
    policy_set_free(set);
}

Test(compile, families_are_runs_with_a_table_each)
{
    struct policy_set *set = load("policy: a\ndomains: ['*.mesh']\ndestinations:\n"
                                  "- {address: 'fd00::3', weight: 3}\n"
                                  "- {address: 10.0.0.1, weight: 1}\n"
                                  "- {address: [10.0.0.2, 'fd00::2'], weight: 2}\n");
    struct compile_record record = compile(set, ".mesh");

    /* meta, name, rule, columns 3 + 2 + 2, addresses 3, v6 2 x 2 */
    cr_assert_eq(record.count, 1 + 1 + 1 + 7 + 3 + 4);
    cr_expect_eq(record.words[2], SNAPSHOT_RULE(SNAPSHOT_DRAW, 1, 0, 3, 2, 2));
    cr_expect_eq(SNAPSHOT_COLUMN_WEIGHT(record.words[3]), 1);
    cr_expect_eq(SNAPSHOT_COLUMN_WEIGHT(record.words[4]), 2);
    cr_expect_eq(SNAPSHOT_COLUMN_WEIGHT(record.words[5]), 3);
    cr_expect_eq(SNAPSHOT_ADDRESS_FLAGS(record.words[12]), SNAPSHOT_HAS_V6);
    compile_record_done(&record);
    policy_set_free(set);
}

Test(compile, a_required_port_makes_one_rule_for_the_shim_and_one_for_nss)
{
    struct policy_set *set = load("policy: a\ndomains: [a.mesh]\n"
                                  "destinations: [{address: '10.0.0.1:80'}]\n");
    struct compile_record record = compile(set, "a.mesh");

    cr_assert_eq(SNAPSHOT_META_RULES(record.words[0]), 2);
    cr_expect_eq(
        record.words[2],
        SNAPSHOT_RULE(SNAPSHOT_DRAW, 1, SNAPSHOT_RULE_EXTENDED | SNAPSHOT_RULE_SHIM_ONLY, 1, 1, 0));
    cr_expect_eq(record.words[3], SNAPSHOT_EXTENSION(3, 0, 0, 0));
    cr_expect_eq(SNAPSHOT_ADDRESS_PORT(record.words[4]), 80);
    cr_expect_eq(
        record.words[5],
        SNAPSHOT_RULE(SNAPSHOT_DRAW, 1, SNAPSHOT_RULE_EXTENDED | SNAPSHOT_RULE_NSS_ONLY, 0, 0, 0));
    cr_expect_eq(record.words[6], SNAPSHOT_EXTENSION(2, 0, 0, 0));
    cr_expect_eq(record.count, 7);
    compile_record_done(&record);
    policy_set_free(set);
}

Test(compile, aliases_join_both_whens_and_name_their_target)
{
    struct policy_set *set = load(
        "policy: a\ndomains: [a.mesh]\nalias: b.mesh\nwhen: {app: ['p*'], uid: [www-data, 5]}\n"
        "---\n"
        "policy: b\ndomains: [b.mesh]\nwhen: {app: [php, nginx], uid: [33]}\n"
        "destinations: [{address: 10.0.0.1}]\n"
        "---\n"
        "policy: c\ndomains: [b.mesh]\naction: deny\n");
    struct compile_record record = compile(set, "a.mesh");

    cr_assert_eq(SNAPSHOT_META_RULES(record.words[0]), 2);
    cr_expect_eq(record.words[2], SNAPSHOT_RULE(SNAPSHOT_DRAW, 1, SNAPSHOT_RULE_EXTENDED, 1, 1, 0));
    cr_expect_eq(record.words[3], SNAPSHOT_EXTENSION(6, 1, 6, 1));
    cr_expect_arr_eq(&record.words[4], "\3php\0\0\0\0", 8);
    cr_expect_eq(record.words[5], 33);
    cr_expect_arr_eq(&record.words[6], "b.mesh\0\0", 8);
    cr_expect_eq(record.words[8], SNAPSHOT_RULE(SNAPSHOT_DENY, 1, SNAPSHOT_RULE_EXTENDED, 0, 0, 0));
    compile_record_done(&record);
    policy_set_free(set);
}

Test(compile, a_record_is_described_and_a_policy_explained_with_the_same_shares)
{
    struct policy_set *set = load("policy: a\ndomains: [a.mesh]\ndestinations:\n"
                                  "- {address: 10.0.0.1, weight: 90}\n"
                                  "- {address: 'fd00::2', weight: 10}\n"
                                  "- {address: 10.0.0.3, weight: 10, drain: true}\n"
                                  "- {address: 10.0.0.4, priority: 1}\n"
                                  "- {address: 10.0.0.5, weight: 0}\n");
    struct compile_record record = compile(set, "a.mesh");
    AUTO_VALUE struct value description = {0}, explanation = {0};
    struct error err = {0};
    AUTO_BUFFER struct buffer text = {0};

    cr_assert_eq(compile_describe(record.words, record.count, &description, &err), 1);
    json_write(&description, 0, &text);
    cr_expect_str_eq((char *)text.bytes,
                     "{\"domain\":\"a.mesh\",\"rules\":[{\"verb\":\"draw\",\"answers\":1,"
                     "\"destinations\":[{\"address\":[\"10.0.0.1\"],\"weight\":90,"
                     "\"effective\":900000},{\"address\":[\"fd00::2\"],\"weight\":10,"
                     "\"effective\":100000}]}]}");
    buffer_reset(&text);
    cr_assert_eq(compile_explain(set, &node, "a.mesh", &explanation, &err), 1);
    json_write(&explanation, 0, &text);
    cr_expect_str_eq(
        (char *)text.bytes,
        "{\"domain\":\"a.mesh\",\"rules\":[{\"policy\":\"a\",\"rank\":0,\"applies\":true,"
        "\"why\":\"\",\"select\":\"weighted\",\"answers\":1,\"destinations\":["
        "{\"address\":[\"10.0.0.1\"],\"weight\":90,\"priority\":0,\"effective\":900000,"
        "\"reasons\":[\"weight 90 of 100\"]},"
        "{\"address\":[\"fd00::2\"],\"weight\":10,\"priority\":0,\"effective\":100000,"
        "\"reasons\":[\"weight 10 of 100\"]},"
        "{\"address\":[\"10.0.0.3\"],\"weight\":10,\"priority\":0,\"effective\":0,"
        "\"reasons\":[\"drained\"]},"
        "{\"address\":[\"10.0.0.4\"],\"weight\":1,\"priority\":1,\"effective\":0,"
        "\"reasons\":[\"waits: priority 0 serves\"]},"
        "{\"address\":[\"10.0.0.5\"],\"weight\":0,\"priority\":0,\"effective\":0,"
        "\"reasons\":[\"weight 0 receives nothing beside positive ones\"]}],"
        "\"verb\":\"draw\",\"warnings\":[]}]}");
    compile_record_done(&record);
    policy_set_free(set);
}
