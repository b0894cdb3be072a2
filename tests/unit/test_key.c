/* test_key.c - key files and tokens. */
#include <stdio.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "file.h"
#include "key.h"

static char folder[] = "/tmp/test_key.XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void set_up(void)
{
    cr_assert_eq(key_init(NULL), 0);
    cr_assert_not_null(mkdtemp(folder));
}

static void tear_down(void)
{
    (void)unlink(in_folder("k"));
    (void)rmdir(folder);
}

TestSuite(key, .init = set_up, .fini = tear_down);

Test(key, a_key_file_is_private_comes_back_and_is_never_replaced)
{
    struct key_sign sign, other_sign = {0};
    struct key_curve curve, other_curve = {0};
    struct error err = {0};
    struct stat status;

    (void)umask(0);
    key_sign_make(&sign);
    cr_assert_eq(key_sign_create(in_folder("k"), &sign, &err), 0, "%s", error_line(&err));
    cr_assert_eq(stat(in_folder("k"), &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0600);
    cr_assert_eq(key_sign_load(in_folder("k"), &other_sign, &err), 0, "%s", error_line(&err));
    cr_expect_eq(memcmp(&sign, &other_sign, sizeof(sign)), 0);
    cr_expect_eq(key_sign_create(in_folder("k"), &sign, &err), ERROR_CONFLICT);

    cr_expect_eq(key_curve_load(in_folder("k"), &other_curve, &err), ERROR_INVALID);
    cr_expect_not_null(strstr(error_line(&err), "no key file of the kind 'curve'"));
    cr_assert_eq(unlink(in_folder("k")), 0);
    key_curve_make(&curve);
    cr_assert_eq(key_curve_create(in_folder("k"), &curve, &err), 0);
    cr_assert_eq(key_curve_load(in_folder("k"), &other_curve, &err), 0);
    cr_expect_eq(memcmp(&curve, &other_curve, sizeof(curve)), 0);
}

Test(key, a_key_file_that_others_can_read_is_refused)
{
    struct key_curve curve, untouched = {.public_key = {1}};
    struct error err = {0};

    key_curve_make(&curve);
    cr_assert_eq(key_curve_create(in_folder("k"), &curve, &err), 0);
    cr_assert_eq(chmod(in_folder("k"), 0640), 0);
    cr_expect_eq(key_curve_load(in_folder("k"), &untouched, &err), ERROR_REFUSED);
    cr_expect_eq(untouched.public_key[0], 1);
}

Test(key, a_damaged_key_file_is_refused_and_its_secret_is_not_told)
{
    static const char *const texts[] = {
        "",
        "\n",
        "meshdns-key curve \n",
        "meshdns-key curve",
        "meshdns-key curve 00ff\n",
        "meshdns-key curve zz11111111111111111111111111111111111111111111111111111111111111\n",
        "meshdns-key curve 1111111111111111111111111111111111111111111111111111111111111111x\n",
        "meshdns-key curve 1111111111111111111111111111111111111111111111111111111111111111 \n"};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct key_curve key = {.public_key = {1}};
        struct error err = {0};

        cr_assert_eq(file_write(in_folder("k"), 0600, texts[i], strlen(texts[i]), NULL), 0);
        cr_expect_eq(key_curve_load(in_folder("k"), &key, &err), ERROR_INVALID, "%zu", i);
        cr_expect_null(strstr(error_line(&err), "1111"));
        cr_expect_eq(key.public_key[0], 1);
    }
}

Test(key, hex_comes_back_and_nothing_else_is_taken_for_it)
{
    static const char *const refused[] = {"",
                                          "0",
                                          "000102030405060",
                                          "000102030405060g",
                                          "00010203040506070",
                                          "0001 0203040506",
                                          "+001020304050607"};
    uint8_t bytes[8] = {0, 1, 2, 3, 0xfc, 0xfd, 0xfe, 0xff}, back[8];
    char text[17];

    key_to_hex(bytes, sizeof(bytes), text);
    cr_expect_str_eq(text, "00010203fcfdfeff");
    cr_assert_eq(key_from_hex(text, back, sizeof(back), NULL), 0);
    cr_expect_eq(memcmp(bytes, back, sizeof(bytes)), 0);
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        cr_expect_eq(key_from_hex(refused[i], back, sizeof(back), NULL), ERROR_INVALID, "%s",
                     refused[i]);
    cr_expect_eq(memcmp(bytes, back, sizeof(bytes)), 0, "untouched");
}

Test(key, tokens_differ_and_only_their_text_gives_their_hash)
{
    char one[64], two[64];
    uint8_t first[KEY_TOKEN_HASH], again[KEY_TOKEN_HASH], other[KEY_TOKEN_HASH];

    key_token_make("mdt", one);
    key_token_make("mdt", two);
    cr_expect_eq(strlen(one), 4 + 43);
    cr_expect_eq(strncmp(one, "mdt_", 4), 0);
    cr_expect_eq(
        strspn(one + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
    cr_expect_str_neq(one, two);
    key_token_hash(one, first);
    key_token_hash(one, again);
    key_token_hash(two, other);
    cr_expect_eq(memcmp(first, again, sizeof(first)), 0);
    cr_expect_neq(memcmp(first, other, sizeof(first)), 0);
}
