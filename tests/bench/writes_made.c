/* writes_made.c - see writes_made.h.
 *
 * The bare table is that of bare.c, as far as it is built: slots of 8 bytes of which half stay
 * empty, records of whole cache lines, XXH3 over the padded name. It takes rows that hold all that
 * goes into a record, as the writer takes compiled records, and believes that no name comes twice.
 */
#define XXH_INLINE_ALL
#include "writes_made.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "record.h"

size_t writes_name(size_t id, char ret_name[static WRITES_NAME])
{
    return (size_t)snprintf(ret_name, WRITES_NAME, "svc%07zu.team26.mesh.internal", id % 10000000);
}

static void compile(size_t id, unsigned families, unsigned weight, struct compile_record *record)
{
    struct record_destination destinations[WRITES_DESTINATIONS];
    struct record_rule rule = {.verb = SNAPSHOT_DRAW,
                               .answers = 1,
                               .destinations = destinations,
                               .count = WRITES_DESTINATIONS};
    char name[WRITES_NAME];
    size_t length = writes_name(id, name);

    for (size_t i = 0; i < WRITES_DESTINATIONS; i++) {
        size_t number = id * WRITES_DESTINATIONS + i;
        destinations[i] = (struct record_destination){
            .v4 = (uint32_t)(number << 8 | 10),
            .v6 = {0xfd},
            .weight = (uint16_t)(i == 0 ? weight : (id * 7 + i * 3) % 100 + 1),
            .has_v4 = true,
            .has_v6 = families > 1};
        memcpy(destinations[i].v6 + 8, &number, sizeof(number));
    }
    if (record_begin(record, name, length) < 0 || record_rule(record, &rule, true) < 0)
        abort();
    record_end(record, 1);
}

void writes_make(size_t count, unsigned families, struct writes_made *ret_made)
{
    struct compile_record record = {0};

    *ret_made = (struct writes_made){.count = count};
    for (size_t id = 0; id < count; id++) {
        compile(id, families, 10, &record);
        if (id == 0) {
            ret_made->each = record.count;
            ret_made->words = calloc(count, record.count * sizeof(*record.words));
        }
        if (!ret_made->words || record.count != ret_made->each)
            abort();
        memcpy(writes_record(ret_made, id), record.words, record.count * sizeof(*record.words));
    }
    compile_record_done(&record);
}

void writes_change(const struct writes_made *made, size_t id, unsigned weight)
{
    struct compile_record record = {0};

    compile(id, 1, weight, &record);
    if (record.count != made->each)
        abort();
    memcpy(writes_record(made, id), record.words, record.count * sizeof(*record.words));
    compile_record_done(&record);
}

size_t writes_weight_at(const struct writes_made *made)
{
    return 1 + (SNAPSHOT_META_NAME_LENGTH(made->words[0]) + 7u) / 8 + 1;
}

/* What the bare table is built from, and what it is. */
struct writes_row {
    char name[WRITES_NAME]; /* zero-padded */
    uint32_t length, count;
    struct destination {
        uint32_t v4, keep;
        uint16_t alias, weight;
    } destinations[WRITES_DESTINATIONS];
    uint8_t v6[WRITES_DESTINATIONS][16]; /* with one family neither read nor kept */
};

struct slot {
    uint32_t tag, number; /* of the record, from 1; 0 = empty */
};

static void make_row(const struct writes_made *made, size_t id, unsigned families,
                     struct writes_row *row)
{
    const uint64_t *columns = writes_record(made, id) + writes_weight_at(made);
    const uint64_t *addresses = columns + WRITES_DESTINATIONS;

    *row = (struct writes_row){.count = WRITES_DESTINATIONS};
    row->length = (uint32_t)writes_name(id, row->name);
    for (size_t i = 0; i < WRITES_DESTINATIONS; i++)
        row->destinations[i] = (struct destination){
            SNAPSHOT_ADDRESS_V4(addresses[i]), SNAPSHOT_COLUMN_KEEP(columns[i]),
            SNAPSHOT_COLUMN_ALIAS(columns[i]), SNAPSHOT_COLUMN_WEIGHT(columns[i])};
    if (families > 1)
        memcpy(row->v6, addresses + WRITES_DESTINATIONS, sizeof(row->v6));
}

struct writes_row *writes_rows(const struct writes_made *made, unsigned families)
{
    struct writes_row *rows = calloc(made->count, sizeof(*rows));

    for (size_t id = 0; rows && id < made->count; id++)
        make_row(made, id, families, &rows[id]);
    return rows;
}

size_t writes_bare_build(const struct writes_row *rows, size_t count, unsigned families)
{
    size_t used = families > 1 ? sizeof(*rows) : offsetof(struct writes_row, v6);
    size_t stride = (used + 63) & ~(size_t)63, slot_count = 64;

    while (slot_count < 2 * count)
        slot_count *= 2;
    struct slot *slots = aligned_alloc(64, slot_count * sizeof(*slots));
    char *records = aligned_alloc(64, count * stride);
    if (!slots || !records)
        abort();
    memset(slots, 0, slot_count * sizeof(*slots));
    for (size_t i = 0; i < count; i++) {
        size_t padded = (rows[i].length + 15u) & ~15u;
        uint64_t hash = XXH3_64bits_withSeed(rows[i].name, padded, 1);
        size_t at = hash & (slot_count - 1);

        while (slots[at].number)
            at = (at + 1) & (slot_count - 1);
        memcpy(records + i * stride, &rows[i], used);
        slots[at] = (struct slot){(uint32_t)(hash >> 32), (uint32_t)i + 1};
    }
    /* Nobody looks anything up, but the compiler cannot know. */
    __asm__ volatile("" : : "r"(slots), "r"(records) : "memory");
    free(slots);
    free(records);
    return slot_count * sizeof(*slots) + count * stride;
}
