/* test_document.c - documents that are not understood, by name. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "document.h"
#include "json.h"

#define NAMES 200

static void put(struct document_list *list, unsigned id, unsigned version)
{
    AUTO_VALUE struct value document = {0};
    char name[16], json[128];

    (void)snprintf(name, sizeof name, "p%03u", id);
    (void)snprintf(json, sizeof json, "{\"domains\":[\"n%u-%u.mesh\",\"*.n%u.mesh\"]}", id, version,
                   id);
    cr_assert_eq(json_read(json, strlen(json), &document, NULL), 0);
    cr_assert_eq(document_list_put(list, name, &document), 0);
}

Test(document, a_list_holds_what_came_last_whatever_came_and_went_in_between)
{
    AUTO(document_list_done) struct document_list list = {0};
    unsigned model[NAMES] = {0}; /* the version; 0 = not there */
    uint32_t chance = 4711;

    for (unsigned i = 1; i <= 4000; i++) {
        unsigned id = (chance = chance * 1664525 + 1013904223) >> 16, live = 0;

        id %= NAMES;
        if (chance >> 5 & 1) {
            put(&list, id, i);
            model[id] = i;
        } else {
            AUTO(key_set_done) struct key_set freed = {0};
            char name[16];

            (void)snprintf(name, sizeof name, "p%03u", id);
            cr_assert_eq(document_list_delete(&list, name, &freed), model[id] != 0);
            cr_assert_eq(freed.count, model[id] ? 2 : 0);
            model[id] = 0;
        }
        if (chance >> 6 & 1)
            continue;
        cr_assert_eq(document_list_sum(&list), 0);
        for (unsigned k = 0; k < NAMES; k++) {
            char key[32];
            int length = snprintf(key, sizeof key, "n%u-%u.mesh", k, model[k]);

            cr_assert_eq(key_set_has(&list.all, key, (size_t)length), model[k] != 0);
            live += model[k] != 0;
        }
        cr_assert_eq(list.count, live);
        cr_assert_eq(list.all.count, 2 * live);
        for (size_t k = 1; k < list.count; k++)
            cr_assert_lt(strcmp(list.entries[k - 1].name, list.entries[k].name), 0);
    }
}
