/* test_context.c - meshctl's configuration: what is taken from where, and what is refused. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "context.h"

#define PIN  "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define REST "pin: " PIN ", token_file: t"

static char folder[64];

static void enter(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/meshdns-context-XXXXXX");
    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    (void)setenv("HOME", folder, 1);
    (void)unsetenv("XDG_CONFIG_HOME");
    (void)unsetenv("MESHDNS_CONFIG");
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static void leave(void)
{
    (void)chdir("/");
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *path, mode_t mode, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s", path);
    cr_assert_eq(fchmod(fd, mode), 0);
    (void)close(fd);
}

Test(context, the_file_is_looked_for_where_people_keep_it, .init = enter, .fini = leave)
{
    static const char text[] =
        "contexts:\n"
        "  one: {server: \"https://h:7443/\", pin: \"" PIN "\", token_file: t}\n";
    AUTO(context_done) struct context context = {0};
    struct error err = {0};
    char path[128];

    cr_expect_eq(context_load(NULL, NULL, &context, &err), ERROR_NOT_FOUND);
    (void)snprintf(path, sizeof(path), "%s/.config/meshdns/config.yaml", folder);
    cr_expect_str_eq(err.where, path);
    cr_expect(strstr(err.hint, "meshdns-controller init"), "%s", err.hint);

    cr_assert_eq(mkdir(".config", 0700) | mkdir(".config/meshdns", 0700), 0);
    put(".config/meshdns/config.yaml", 0644, text);
    put(".config/meshdns/t", 0600, "mdt_home\n");
    cr_assert_eq(context_load(NULL, NULL, &context, &err), 0, "%s", error_line(&err));
    cr_expect_str_eq(context.name, "one");
    cr_expect_str_eq(context.server, "https://h:7443"); /* without the slash */
    cr_expect_str_eq(context.pin, PIN);
    cr_expect_str_eq(context.token, "mdt_home");
    context_done(&context);

    cr_assert_eq(mkdir("xdg", 0700) | mkdir("xdg/meshdns", 0700), 0);
    put("xdg/meshdns/config.yaml", 0644, text);
    put("xdg/meshdns/t", 0600, "mdt_xdg");
    (void)snprintf(path, sizeof(path), "%s/xdg", folder);
    (void)setenv("XDG_CONFIG_HOME", path, 1);
    cr_assert_eq(context_load(NULL, NULL, &context, &err), 0, "%s", error_line(&err));
    cr_expect_str_eq(context.token, "mdt_xdg");
    context_done(&context);

    put("named.yaml", 0644, text);
    put("t", 0600, "mdt_named  \n\n");
    (void)setenv("MESHDNS_CONFIG", "named.yaml", 1);
    cr_assert_eq(context_load(NULL, NULL, &context, &err), 0, "%s", error_line(&err));
    cr_expect_str_eq(context.token, "mdt_named");
    context_done(&context);
    (void)setenv("MESHDNS_CONFIG", "elsewhere.yaml", 1);
    cr_assert_eq(context_load("named.yaml", NULL, &context, &err), 0, "%s", error_line(&err));
}

Test(context, current_or_the_name_given_chooses, .init = enter, .fini = leave)
{
    struct context context = {0};
    struct error err = {0};

    put("c", 0644,
        "current: b\ncontexts:\n"
        "  a: {server: \"https://a:1\", pin: \"" PIN "\", token_file: \"~/ta\"}\n"
        "  b: {server: \"https://b:1\", pin: \"" PIN "\", token_file: tb}\n");
    put("ta", 0600, "mdt_a");
    put("tb", 0600, "mdt_b");
    cr_assert_eq(context_load("c", NULL, &context, &err), 0, "%s", error_line(&err));
    cr_expect_str_eq(context.token, "mdt_b");
    context_done(&context);
    cr_assert_eq(context_load("c", "a", &context, &err), 0, "%s", error_line(&err));
    cr_expect_str_eq(context.token, "mdt_a");
    context_done(&context);
    cr_expect(context.token == NULL);
}

Test(context, each_mistake_is_told_with_its_place, .init = enter, .fini = leave)
{
    static const struct {
        const char *text, *name;
        int code;
        const char *says, *hint;
    } rows[] = {
        {"", NULL, ERROR_CONFIG, "c: contexts: must be a map of contexts", "write what"},
        {"- a", NULL, ERROR_CONFIG, "c:1:1: must be a map, not a list", "write what"},
        {"a: 1\n---\nb: 2", NULL, ERROR_CONFIG, "c: holds 2 documents", "write what"},
        {"current: x", NULL, ERROR_CONFIG, "c:1:1: contexts: must be a map of contexts",
         "write what"},
        {"contexts: {}", NULL, ERROR_CONFIG, "c:1:11: contexts: must be a map", "write what"},
        {"contxts: {}", NULL, ERROR_CONFIG, "c:1:1: contxts: this key is not known",
         "did you mean 'contexts'?"},
        {"contexts: {a: 1}", NULL, ERROR_CONFIG, "c:1:15: contexts.a: must be a map of server", ""},
        {"contexts: {a: {}, b: {}}", NULL, ERROR_CONFIG,
         "c:1:1: current: is missing, and there are several", "--context"},
        {"contexts: {prod: {}}", "prd", ERROR_CONFIG, "c: there is no context 'prd'",
         "did you mean 'prod'?"},
        {"contexts: {prod: {}}", "test", ERROR_CONFIG, "c: there is no context 'test'",
         "is it 'prod'?"},
        {"contexts:\n  a: {sever: x}", NULL, ERROR_CONFIG,
         "c:2:7: contexts.a.sever: this key is not known", "did you mean 'server'?"},
        {"contexts:\n  a: {" REST "}", NULL, ERROR_CONFIG, "c:2:6: contexts.a.server: is missing",
         "write what"},
        {"contexts:\n  a: {server: 5, " REST "}", NULL, ERROR_CONFIG,
         "c:2:15: contexts.a.server: must be text", ""},
        {"contexts:\n  a: {server: \"http://a\", " REST "}", NULL, ERROR_CONFIG,
         "c:2:15: contexts.a.server: must begin with https://", ""},
        {"contexts:\n  a: {server: \"https://a\", pin: x, token_file: t}", NULL, ERROR_CONFIG,
         "c:2:33: contexts.a.pin: 'x' is no pin", "init"},
        {"contexts:\n  a: {server: \"https://a\", " REST "}", NULL, ERROR_NOT_FOUND,
         "t: cannot open", ""},
        {"contexts:\n  a: {server: \"https://a\", pin: " PIN ", token_file: open}", NULL,
         ERROR_REFUSED, "open: mode 0644 lets others", "chmod 600 'open'"},
        {"contexts:\n  a: {server: \"https://a\", pin: " PIN ", token_file: empty}", NULL,
         ERROR_CONFIG, "empty: holds no token", ""},
        {"contexts: [", NULL, ERROR_CONFIG, "c:", ""},
    };

    put("open", 0644, "mdt_x");
    put("empty", 0600, "\n");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct context context = {0};
        struct error err = {0};

        put("c", 0644, rows[i].text);
        int r = context_load("c", rows[i].name, &context, &err);
        cr_expect_eq(r, rows[i].code, "row %zu: %d, %s", i, r, error_line(&err));
        cr_expect_eq(err.code, rows[i].code, "row %zu", i);
        cr_expect(strstr(error_line(&err), rows[i].says), "row %zu: %s", i, error_line(&err));
        cr_expect(strstr(err.hint, rows[i].hint), "row %zu: %s", i, err.hint);
        cr_expect(context.name == NULL && context.token == NULL, "row %zu left something", i);
    }
}
