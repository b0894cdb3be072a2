/* test_room.c - how large files are made, and when they are too large. */
#include <criterion/criterion.h>

#include "auto.h"
#include "room.h"
#include "snapshot_format.h"

static uint64_t bytes(struct room_size size)
{
    return SNAPSHOT_HEADER + size.slots * 8 + size.blocks * SNAPSHOT_BLOCK;
}

Test(room, a_million_policies_of_four_destinations_stay_within_what_was_promised)
{
    static const struct {
        uint64_t units, most; /* of a record; bytes a policy */
    } rows[] = {{2, 180}, {3, 260}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const uint64_t names = 1000000, units = names * rows[i].units;
        const struct room_use sample = {names / 16, units / 16}, all = {names, units};

        cr_expect_leq(bytes(room_for(ROOM_FILL, sample, 3, names)), names * rows[i].most);
        cr_expect_geq(room_for(ROOM_FILL, sample, 3, names).blocks, units * 9 / 8);
        cr_expect_leq(bytes(room_for(ROOM_SETTLE, all, 0, 0)), names * rows[i].most);
        cr_expect_geq(room_for(ROOM_SETTLE, all, 0, 0).blocks, units * 9 / 8);
    }
}

/* Sizes of every magnitude, from nothing to a record of the largest class for each name. */
static struct room_use use_of(size_t i, size_t j)
{
    uint64_t names = i ? UINT64_C(3) << (i - 1) : 0;

    return (struct room_use){names, names * (1 + j * j * 7)};
}

Test(room, what_was_made_has_room_and_is_no_waste_at_once)
{
    static const enum room_reason reasons[] = {ROOM_FILL, ROOM_GROW, ROOM_HURRY, ROOM_TIGHT,
                                               ROOM_SETTLE};

    for (size_t i = 0; i < 20; i++)
        for (size_t j = 0; j < 8; j++)
            for (size_t k = 0; k < ARRAY_SIZE(reasons); k++) {
                struct room_use use = use_of(i, j);
                uint64_t more = reasons[k] == ROOM_SETTLE ? 0 : 1 + j;
                struct room_size size = room_for(reasons[k], use, more, use.names);

                cr_assert_geq(size.blocks, use.units + more);
                cr_assert_geq(size.slots, use.names * 2, "at most half full");
                cr_assert_eq(size.slots & (size.slots - 1), 0);
                cr_assert_not(room_is_waste(size, use, false), "reason %zu, %zu names, %zu", k,
                              (size_t)use.names, j);
                if (reasons[k] == ROOM_SETTLE)
                    cr_assert_not(room_is_waste(size, use, true), "it would settle for ever");
            }
}

Test(room, a_file_that_lost_most_of_its_names_is_waste_and_a_small_one_never)
{
    const struct room_use full = {1000000, 2000000}, half = {700000, 1400000}, few = {1000, 2000};
    struct room_size size = room_for(ROOM_GROW, full, 2, 0);

    cr_expect_not(room_is_waste(size, half, false));
    cr_expect(room_is_waste(size, few, false));
    cr_expect(room_is_waste(room_for(ROOM_HURRY, full, 2, 0), full, true));
    size = room_for(ROOM_GROW, few, 2, 0);
    cr_expect_not(room_is_waste(size, (struct room_use){0, 0}, false));
}

/* From the first name to the last one, with what each growth adds: how often the file is made. */
static unsigned count_growths(uint64_t names, uint64_t units, uint64_t expected, bool in_one)
{
    struct room_size size = room_for(ROOM_FILL, (struct room_use){0, 0}, 0, expected);
    unsigned growths = 0;

    for (uint64_t n = 0; n <= names; growths++) {
        while (n <= names && n * units <= size.blocks && n * 2 <= size.slots)
            n++;
        struct room_use use = {n - 1, (n - 1) * units};
        enum room_reason reason = use.names < expected    ? ROOM_FILL
                                  : in_one && growths > 0 ? ROOM_HURRY
                                                          : ROOM_GROW;
        size = room_for(reason, use, units, expected);
    }
    return growths - 1;
}

Test(room, growths_are_few)
{
    cr_expect_leq(count_growths(1000000, 2, 1000000, true), 1);
    cr_expect_leq(count_growths(1000000, 3, 1000000, true), 1);
    cr_expect_leq(count_growths(5000, 1536, 5000, true), 8);
    cr_expect_leq(count_growths(1000000, 2, 0, true), 12);
    cr_expect_leq(count_growths(1000000, 2, 0, false), 30);
}
