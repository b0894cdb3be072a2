/* test_policy_memory.c - memory that runs out at any allocation: an error, no crash, a rollback.
 *
 * The linker sends the product's allocations to the functions below (--wrap); each run lets one
 * more of them succeed, until a whole round of reading, checking, compiling and telling passes.
 */
#include <glob.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "compile.h"
#include "file.h"
#include "json.h"
#include "policy_set.h"
#include "yaml.h"

static long left = -1; /* allocations until one fails; negative: none fails */

static bool fails(void)
{
    return left >= 0 && left-- == 0;
}

typedef int (*compare)(const void *a, const void *b);

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_reallocarray(void *block, size_t count, size_t size);
char *__real_strdup(const char *text);
void *__real_tsearch(const void *key, void **root, compare by);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails() ? NULL : __real_realloc(block, size);
}

void *__wrap_reallocarray(void *block, size_t count, size_t size)
{
    return fails() ? NULL : __real_reallocarray(block, count, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

void *__wrap_tsearch(const void *key, void **root, compare by)
{
    bool is_new = !tfind(key, root, by);

    return is_new && fails() ? NULL : __real_tsearch(key, root, by);
}

static const struct compile_node node = {.name = "n", .zone = "eu-1"};

static int compile_one(void *context, const char *key, size_t length)
{
    AUTO(compile_record_done) struct compile_record record = {0};
    AUTO_VALUE struct value description = {.type = VALUE_NULL};
    int r = compile_key(context, &node, key, length, &record, NULL);

    if (r == 1)
        (void)compile_describe(record.words, record.count, &description, NULL);
    return r < 0 ? r : 0;
}

static int put_all(struct policy_set *set, const struct value *documents)
{
    int r = 0;

    for (size_t i = 0; i < documents->list.count && r == 0; i++) {
        struct policy *policy = NULL;

        r = policy_parse(&documents->list.items[i], "x", &policy, NULL);
        if (r == 0)
            r = policy_set_put(set, policy, NULL);
    }
    return r;
}

/* Undoing a transaction must not need memory. */
static void roll_back(struct policy_set *set, size_t count)
{
    long kept = left;

    left = 0;
    policy_set_rollback(set);
    cr_expect_eq(left, 0, "a rollback asks for memory");
    left = kept;
    cr_expect_eq(policy_set_count(set), count);
}

static int explain_all(const struct policy_set *set, const struct value *documents)
{
    AUTO_VALUE struct value explanation = {.type = VALUE_NULL};
    AUTO_BUFFER struct buffer json = {0};
    const char *domain = value_get(&documents->list.items[0], "domains")->list.items[0].string.text;

    json_write(documents, 2, &json);
    return compile_explain(set, &node, domain, &explanation, NULL);
}

/* Returns 0 when all succeeded. */
static int work(struct policy_set *set, const char *text, size_t size)
{
    AUTO_VALUE struct value documents = {.type = VALUE_NULL};
    int r = yaml_read(text, size, "x", &documents, NULL);

    if (r == 0)
        r = put_all(set, &documents);
    if (r == 0)
        r = policy_set_check(set, NULL, NULL);
    if (r == 0)
        r = policy_set_touched(set, compile_one, set);
    if (r < 0) {
        roll_back(set, 0);
        return r;
    }
    policy_set_commit(set);
    r = put_all(set, &documents);
    if (r == 0)
        r = policy_set_delete(set, value_get_text(&documents.list.items[0], "policy")) - 1;
    roll_back(set, documents.list.count);
    return r == 0 && explain_all(set, &documents) < 0 ? ERROR_INTERNAL : r;
}

Test(policy_memory, each_allocation_may_fail)
{
    glob_t files;
    long runs = 0;

    cr_assert_eq(glob(CORPUS "/../../policies/*.yaml", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        AUTO_FREE char *text = NULL;
        size_t size;
        int r = ERROR_INTERNAL;

        cr_assert_eq(file_read(files.gl_pathv[i], 1 << 20, &text, &size, NULL), 0);
        for (long allowed = 0; r < 0 || left < 0; allowed++, runs++) {
            cr_assert_lt(allowed, 100000);
            left = allowed;
            struct policy_set *set = policy_set_new();
            r = set ? work(set, text, size) : ERROR_INTERNAL;
            policy_set_free(set);
        }
        left = -1;
    }
    cr_expect_gt(runs, 1000);
    globfree(&files);
}
