/* test_yaml_write.c - what is written as YAML reads back as the same document. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "yaml.h"
#include "yaml_write.h"

#define TREES 3000

/* Writes a tree to memory. */
static void write_text(const struct value *document, char **ret_text, size_t *ret_size)
{
    struct error err = {0};
    FILE *out = open_memstream(ret_text, ret_size);

    cr_assert(out);
    cr_assert_eq(yaml_write(document, out, &err), 0, "%s", error_line(&err));
    (void)fclose(out);
}

static void expect_same(const struct value *document)
{
    AUTO_VALUE struct value documents = {.type = VALUE_NULL};
    AUTO_FREE char *text = NULL;
    struct error err = {0};
    size_t size = 0;

    write_text(document, &text, &size);
    cr_assert_eq(yaml_read(text, size, "written", &documents, &err), 0, "%s:\n%s", error_line(&err),
                 text);
    cr_assert_eq(documents.list.count, 1u, "%s", text);
    cr_assert(value_is_equal(document, &documents.list.items[0]), "another document came back:\n%s",
              text);
}

static const char *const texts[] = {
    "",
    "true",
    "False",
    "null",
    "~",
    "yes",
    "No",
    "on",
    "007",
    "12",
    "-5",
    "0x10",
    "1e3",
    "1.5",
    "10.0.1.10",
    "10.1",
    "fd00::1",
    "[a]:80",
    "*.x.mesh",
    "&a",
    "a: b",
    "a #b",
    "- x",
    "'",
    "\"",
    "a\\b",
    "a\nb",
    " lead",
    "trail ",
    "\t",
    "%x",
    "@x",
    "`x",
    "!t",
    "a,b",
    "{x}",
    "?",
    "?x",
    "---",
    "...",
    ".inf",
    ".nan",
    "<<",
    "=",
    "2026-11-23",
    "12:30",
    "\xc3\xa4",
    "\xf0\x9f\x98\x80",
    "a.b-c_d",
    "nginx",
    "php*",
    "\x01",
    "\x7f",
    "a very long text, longer than the width of a line, so that an emitter may want to fold it "
    "somewhere in the middle where it then must not lose or add a blank",
};

Test(yaml_write, text_that_looks_like_something_else_stays_text)
{
    AUTO_VALUE struct value document = {.type = VALUE_MAP};
    struct value list = {.type = VALUE_LIST}, item;
    size_t refused = 0;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        AUTO_VALUE struct value one = {.type = VALUE_MAP};

        if (strcmp(texts[i], "\x01") == 0 || strcmp(texts[i], "\x7f") == 0) {
            refused++; /* control characters are in no document: yaml_read refuses them */
            continue;
        }
        value_put_text(&one, "text", texts[i]);
        if (texts[i][0] && texts[i][0] != '<') /* as a key too */
            value_put_integer(&one, texts[i], 1);
        expect_same(&one);
        cr_assert_eq(value_string(&item, texts[i], strlen(texts[i])), 0);
        cr_assert_eq(value_push(&list, &item), 0);
    }
    cr_expect_eq(refused, 2u);
    cr_assert_eq(value_put(&document, "list", &list), 0);
    expect_same(&document);
}

/* A random tree of a few levels. */
static struct value make(unsigned *seed, unsigned depth)
{
    static const char *const words[] = {"a", "true", "10.0.0.1", "x: y", "", "12", "*.mesh", "-"};
    struct value value = {.type = VALUE_NULL}, item;
    unsigned kind = (unsigned)rand_r(seed) % (depth > 0 ? 7 : 4);

    switch (kind) {
    case 0:
        return value_boolean(rand_r(seed) & 1);
    case 1:
        return value_integer((int64_t)rand_r(seed) * (rand_r(seed) & 1 ? -3000000000 : 1));
    case 2:
    case 3: {
        const char *word = words[(unsigned)rand_r(seed) % ARRAY_SIZE(words)];
        (void)value_string(&value, word, strlen(word));
        return value;
    }
    default:
        break;
    }
    value.type = kind == 4 ? VALUE_LIST : VALUE_MAP;
    for (unsigned i = (unsigned)rand_r(seed) % 5; i > 0; i--) {
        char key[16];

        (void)snprintf(key, sizeof(key), "%s%u", i % 2 ? "k" : "", i);
        item = make(seed, depth - 1);
        if (kind == 4)
            (void)value_push(&value, &item);
        else
            (void)value_put(&value, key, &item);
    }
    return value;
}

Test(yaml_write, any_document_comes_back_the_same)
{
    unsigned seed = 4711;

    for (int i = 0; i < TREES; i++) {
        AUTO_VALUE struct value document = {.type = VALUE_MAP};
        struct value inner = make(&seed, 5);

        cr_assert_eq(value_put(&document, "policy", &inner), 0);
        expect_same(&document);
    }
}

Test(yaml_write, a_policy_looks_as_people_write_it)
{
    static const char text[] = "policy: checkout\n"
                               "domains: [checkout.shop.mesh, \"*.shop.mesh\"]\n"
                               "destinations:\n"
                               "- {address: 10.0.1.10, weight: 90}\n"
                               "- {address: [10.0.1.11, \"fd00::11\"], weight: 10}\n"
                               "when:\n"
                               "  node: {zone: eu-1, labels: {tier: web}}\n"
                               "  app: [nginx, \"php*\"]\n";
    AUTO_VALUE struct value documents = {.type = VALUE_NULL};
    AUTO_FREE char *written = NULL;
    struct error err = {0};
    size_t size = 0;

    cr_assert_eq(yaml_read(text, strlen(text), "here", &documents, &err), 0, "%s",
                 error_line(&err));
    write_text(&documents.list.items[0], &written, &size);
    cr_expect_str_eq(written, text);
}
