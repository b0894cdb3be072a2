/* test_value.c - trees: build, find, copy, compare, give back. */
#include <string.h>

#include <criterion/criterion.h>

#include "value.h"

/* {name: "a", sizes: [0, 1, ... 99], nested: {deep: {on: true}}} */
static struct value sample(void)
{
    struct value tree = {.type = VALUE_NULL}, sizes = {.type = VALUE_NULL};
    struct value nested = {.type = VALUE_NULL}, deep = {.type = VALUE_NULL};

    value_put_text(&tree, "name", "a");
    for (int i = 0; i < 100; i++) {
        struct value item = value_integer(i);
        cr_assert_eq(value_push(&sizes, &item), 0);
    }
    cr_assert_eq(value_put(&tree, "sizes", &sizes), 0);
    value_put_boolean(&deep, "on", true);
    cr_assert_eq(value_put(&nested, "deep", &deep), 0);
    cr_assert_eq(value_put(&tree, "nested", &nested), 0);
    return tree;
}

Test(value, what_was_put_is_found_by_key_and_type)
{
    AUTO_VALUE struct value tree = sample();
    const struct value *sizes = value_get(&tree, "sizes");

    cr_expect_str_eq(value_get_text(&tree, "name"), "a");
    cr_assert_not_null(sizes);
    cr_assert_eq(sizes->list.count, 100);
    for (int i = 0; i < 100; i++)
        cr_expect_eq(sizes->list.items[i].integer, i);
    cr_expect(value_get_boolean(value_get(value_get(&tree, "nested"), "deep"), "on", false));
    cr_expect_null(value_get(&tree, "absent"));
    cr_expect_null(value_get_text(&tree, "sizes"), "a list is no text");
    cr_expect_eq(value_get_integer(&tree, "name", -1), -1, "text is no number");
    cr_expect_null(value_get(NULL, "name"));
}

Test(value, putting_into_something_else_than_a_map_is_refused_and_frees_the_item)
{
    AUTO_VALUE struct value number = value_integer(1);
    struct value item;

    cr_assert_eq(value_string(&item, "x", 1), 0);
    cr_expect_lt(value_put(&number, "key", &item), 0);
    cr_expect_eq(item.type, VALUE_NULL);
    cr_expect_eq(number.integer, 1);
}

Test(value, a_copy_is_equal_and_independent)
{
    AUTO_VALUE struct value tree = sample();
    AUTO_VALUE struct value copy = {.type = VALUE_NULL};

    cr_assert_eq(value_copy(&tree, &copy), 0);
    cr_expect(value_is_equal(&tree, &copy));
    value_put_text(&copy, "more", "b");
    cr_expect_not(value_is_equal(&tree, &copy));
    cr_expect_null(value_get(&tree, "more"));
}

Test(value, maps_are_equal_whatever_their_order_and_lists_are_not)
{
    AUTO_VALUE struct value a = {.type = VALUE_NULL}, b = {.type = VALUE_NULL};

    value_put_integer(&a, "x", 1);
    value_put_integer(&a, "y", 2);
    value_put_integer(&b, "y", 2);
    value_put_integer(&b, "x", 1);
    cr_expect(value_is_equal(&a, &b));

    AUTO_VALUE struct value c = {.type = VALUE_NULL}, d = {.type = VALUE_NULL};
    for (int i = 0; i < 2; i++) {
        struct value up = value_integer(i), down = value_integer(1 - i);
        cr_assert_eq(value_push(&c, &up), 0);
        cr_assert_eq(value_push(&d, &down), 0);
    }
    cr_expect_not(value_is_equal(&c, &d));
    cr_expect_not(value_is_equal(&a, &c));
}
