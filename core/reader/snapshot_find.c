/* snapshot_find.c - a find among records that change, or that share a tag. */
#include "snapshot_find.h"

#define TRIES 64 /* looks at records that change under our eyes */

struct snapshot_found snapshot_find_from(const struct snapshot_map *map, const uint8_t *key,
                                         size_t length, uint64_t hash, size_t i)
{
    struct snapshot_found found = {SNAPSHOT_ABSENT, {0}};

    for (unsigned tries = TRIES; i < SNAPSHOT_PROBE_MAX;) {
        uint64_t slot = snapshot_find_slot(map, hash, i);
        if (slot == 0)
            return found;
        enum snapshot_look look = SNAPSHOT_IS_ANOTHER;
        if (slot >> 32 == hash >> 32)
            look = snapshot_find_look(map, (uint32_t)slot, key, length, &found.record);
        if (look == SNAPSHOT_IS_IT) {
            found.is = SNAPSHOT_FOUND;
            return found;
        }
        /* The block may have been reused for another name since the slot was read. */
        if (look == SNAPSHOT_IS_ANOTHER && snapshot_find_slot(map, hash, i) == slot) {
            i++;
        } else if (--tries == 0) {
            found.is = SNAPSHOT_AGAIN;
            return found;
        }
    }
    return found;
}
