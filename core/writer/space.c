/* space.c - first in, first out, with a rest.
 *
 * A reader that was stopped between the slot and the record would, if the block is reused at once,
 * only have to look again; letting blocks rest makes that rare. A block rests a second, or until
 * its class has more than a fair share of the heap waiting: a storm of changes shall not carve up
 * all that is spare (room.c). Safety rests on the sequence words alone.
 */
#include "space.h"

#include <stdlib.h>
#include <time.h>

#define REST_MS    1000
#define WAITING    256 /* blocks: so many of a class wait at least, if they can */
#define FAIR_SHARE 32  /* else one for so many used */

/* Classes 0, 1, 2, ...: 1, 2, 3, 4, 6, 8, 12, 16, ... so that at most a third is wasted. */
static uint32_t class_units(size_t class)
{
    if (class < 2)
        return (uint32_t) class + 1;
    return (class % 2 ? UINT32_C(4) : UINT32_C(3)) << (class / 2 - 1);
}

static size_t class_of(uint32_t units)
{
    size_t class = 0;

    while (class < SPACE_CLASSES && class_units(class) < units)
        class ++;
    return class;
}

uint32_t space_units(size_t count)
{
    size_t units = (count + 1 + SNAPSHOT_MAP_BLOCK_WORDS - 1) / SNAPSHOT_MAP_BLOCK_WORDS;
    size_t class = units > UINT32_MAX ? SPACE_CLASSES : class_of((uint32_t)units);

    return class < SPACE_CLASSES ? class_units(class) : 0;
}

bool space_is_class(uint32_t units)
{
    size_t class = class_of(units);

    return units > 0 && class < SPACE_CLASSES && class_units(class) == units;
}

static uint32_t now_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

static bool has_rested(const struct space *space, const struct space_class *class, uint32_t units)
{
    uint64_t waiting = (uint64_t) class->count * units;

    if (class->count == 0)
        return false;
    if (class->count > 1 && waiting > WAITING && waiting > space->used_units / FAIR_SHARE)
        return true;
    return now_ms() - class->ring[class->first].freed_ms >= REST_MS;
}

static size_t pop(struct space *space, struct space_class *class)
{
    size_t block = class->ring[class->first].block;

    class->first = (class->first + 1) & (class->room - 1);
    class->count--;
    space->free_blocks--;
    return block;
}

/* Cuts a new block off the unused end of the heap. A writer killed in here leaves either no block,
 * or one that the next sweep finds free. */
static size_t carve(const struct mapping *mapping, uint32_t units)
{
    struct snapshot_header *header = mapping_header(mapping);
    uint64_t block = mapping_get(&header->heap_end);

    if (units > mapping->view.block_count - block)
        return 0;
    _Atomic uint64_t *to = mapping_word(mapping, (size_t)block * SNAPSHOT_MAP_BLOCK_WORDS);
    mapping_set(&to[0], 1);
    mapping_set(&to[1], SNAPSHOT_META(units, 0, 0));
    mapping_publish(&header->heap_end, block + units);
    return (size_t)block;
}

size_t space_take(struct space *space, const struct mapping *mapping, uint32_t units)
{
    struct space_class *class = &space->classes[class_of(units)];
    size_t block = has_rested(space, class, units) ? pop(space, class) : carve(mapping, units);

    if (block == 0 && class->count > 0)
        block = pop(space, class);
    if (block != 0)
        space->used_units += units;
    return block;
}

static bool make_room(struct space_class *class)
{
    if (class->count < class->room)
        return true;

    size_t room = class->room ? class->room * 2 : 64;
    struct space_freed *ring = calloc(room, sizeof(*ring));
    if (!ring)
        return false;
    for (size_t i = 0; i < class->count; i++)
        ring[i] = class->ring[(class->first + i) & (class->room - 1)];
    free(class->ring);
    class->ring = ring;
    class->room = room;
    class->first = 0;
    return true;
}

void space_give(struct space *space, const struct mapping *mapping, size_t block)
{
    uint32_t units = mapping_units(mapping, block);
    struct space_class *class = &space->classes[class_of(units)];

    space->used_units -= units < space->used_units ? units : space->used_units;
    if (!make_room(class))
        return;
    size_t last = (class->first + class->count) & (class->room - 1);
    class->ring[last] = (struct space_freed){(uint32_t)block, now_ms()};
    class->count++;
    space->free_blocks++;
}

void space_done(struct space *space)
{
    for (size_t i = 0; i < SPACE_CLASSES; i++)
        free(space->classes[i].ring);
    *space = (struct space){0};
}
