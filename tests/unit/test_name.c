/* test_name.c - folding, labels, numbers, joining. */
#include <ctype.h>
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "name.h"

Test(name, any_text_is_folded_as_a_byte_loop_would_and_padded_with_zeros)
{
    char typed[300];
    uint32_t seed = 1;

    for (size_t length = 1; length <= 253; length++) {
        struct name name;
        memset(&name, 0xee, sizeof(name));
        for (size_t i = 0; i < length; i++)
            typed[i] = (char)(1 + (seed = seed * 1664525 + 1013904223) / 7 % 255);
        typed[0] = 'A';
        typed[length - 1] = 'Z';
        typed[length] = '\0';
        cr_assert(name_fold(typed, &name));
        cr_assert_eq(name.length, length);
        for (size_t i = 0; i < length; i++) {
            unsigned char c = (unsigned char)typed[i];
            cr_assert_eq(name.bytes[i], c >= 'A' && c <= 'Z' ? c + 32 : c, "%zu of %zu", i, length);
        }
        for (size_t i = 0; i < NAME_PADDING; i++)
            cr_assert_eq(name.bytes[length + i], 0, "%zu behind %zu", i, length);
    }
}

Test(name, what_no_policy_can_cover_is_refused_and_a_trailing_dot_is_the_root)
{
    struct name name;
    char longest[300];
    static const char *const refused[] = {"", ".", ".shop.mesh", "@abcd", ":search"};

    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        cr_expect(!name_fold(refused[i], &name), "'%s'", refused[i]);

    memset(longest, 'a', sizeof(longest));
    longest[254] = '\0';
    cr_expect(!name_fold(longest, &name));
    longest[253] = '.';
    cr_expect(name_fold(longest, &name));
    cr_expect_eq(name.length, 253);
    cr_expect(name.is_absolute);
    longest[253] = '\0';
    cr_expect(name_fold(longest, &name) && !name.is_absolute);
    longest[254] = '.';
    longest[253] = 'a';
    longest[255] = '\0';
    cr_expect(!name_fold(longest, &name));
}

static const struct {
    const char *text;
    size_t labels; /* 0 = breaks RFC 1035 */
    bool is_number;
} names[] = {
    {"a", 1, false},
    {"a.b_c.d-e.9", 4, false},
    {"a..b", 0, false},
    {"a b.c", 0, false},
    {"a/b", 0, false},
    {"caf\xc3\xa9.x", 0, false},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b", 2, false},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b", 0, false},
    {"b.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, false},
    {"127", 1, true},
    {"10.1", 2, true},
    {"0x7f.1", 2, true},
    {"10.1.x", 3, false},
    {"1.2.3.4.5", 5, false},
    {"3com", 1, false},
};

Test(name, labels_dots_and_numbers_are_told)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct name name;
        uint8_t dots[NAME_LABELS];
        cr_assert(name_fold(names[i].text, &name));
        cr_expect_eq(name_labels(&name, dots), names[i].labels, "%s", names[i].text);
        cr_expect_eq(name_is_number(&name), names[i].is_number, "%s", names[i].text);
    }

    struct name name;
    uint8_t dots[NAME_LABELS];
    cr_assert(name_fold("a.bc.d", &name));
    cr_expect_eq(name_labels(&name, dots), 3);
    cr_expect_eq(dots[0], 1);
    cr_expect_eq(dots[1], 4);
    cr_expect_eq(name_dots(&name, 1, dots), 1);
    cr_expect_eq(dots[0], 4);
    cr_expect_eq(name_dots(&name, NAME_LABELS, dots), 2);
    cr_expect(dots[0] == 4 && dots[1] == 1);
    /* Neighbours of a dot in value, beside dots and in other words. */
    cr_assert(name_fold("a./-.\xae/x/.b./.......c", &name));
    size_t count = name_dots(&name, NAME_LABELS, dots);
    cr_expect_eq(count, 11);
    for (size_t i = 0; i < name.length; i++)
        if (name.bytes[i] == '.')
            cr_expect_eq(dots[--count], i);

    char many[254];
    for (size_t i = 0; i < 253; i++)
        many[i] = i % 2 ? '.' : 'a';
    many[253] = '\0';
    cr_assert(name_fold(many, &name));
    cr_expect_eq(name_labels(&name, dots), NAME_LABELS);
    cr_expect_eq(name_dots(&name, NAME_LABELS, dots), NAME_LABELS - 1);
    memset(many, '.', 252);
    many[0] = 'a';
    cr_assert(name_fold(many, &name));
    cr_expect_eq(name_dots(&name, NAME_LABELS, dots), NAME_LABELS);
}

Test(name, a_domain_is_joined_and_cut_off_again)
{
    struct name name;
    uint8_t domain[255];

    memset(domain, 'd', sizeof(domain));
    cr_assert(name_fold("Web", &name));
    cr_expect(name_join(&name, domain, 249));
    cr_expect_eq(name.length, 253);
    cr_expect_eq(memcmp(name.bytes, "web.ddd", 7), 0);
    name_cut(&name, 3);
    cr_expect_str_eq((const char *)name.bytes, "web");
    cr_expect(!name_join(&name, domain, 250));
    cr_expect_eq(name.length, 3);
    for (size_t i = 3; i < 3 + NAME_PADDING; i++)
        cr_expect_eq(name.bytes[i], 0);
}
