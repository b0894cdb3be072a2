/* fuzz_changing.c - a snapshot whose words change while they are read, as nobody may change them.
 *
 * The reader is compiled with an event before each atomic load (atomic_loads.h). The input says how
 * to look, and what is changed when: every change between two loads of a look-up can be had, and
 * had again. Whatever it is, nothing may be read outside the file, an answer is well-formed, and a
 * look-up ends after a bounded number of loads.
 *
 * Input: name, how; then changes of 9 bytes: loads until it happens (1), what (1), where (2), a
 * word's new half or a field (4), how far it is moved (1).
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "atomic_loads.h"
#include "auto.h"
#include "cursor.h"
#include "file.h"
#include "fuzz.h"
#include "kinds.h"
#include "resolve.h"
#include "snapshot_map.h"

#define PATH    "/run/snapshot"
#define CHANGES 64
#define LOADS_MOST                                                                                 \
    100000000 /* TRIES of resolve.c, each to the bound of slots, rules and programs */

enum { CHANGED, FOUND, MISSED, NO_DATA, LEFT, GOALS };
static struct fuzz_goal goals[GOALS] = {
    [CHANGED] = {"changed-between-loads"},
    [FOUND] = {"name-found"},
    [MISSED] = {"name-missed"},
    [NO_DATA] = {"no-data"},
    [LEFT] = {"file-left"},
};

static uint64_t *good, *words; /* the file as it was made, and as it is read */
static size_t word_count;
static uint32_t *places; /* of the words that hold something */
static size_t place_count;

static struct change {
    unsigned after, what, shift;
    size_t at;
    uint32_t value;
} changes[CHANGES];
static size_t change_count, next_change, loads, since;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct snapshot_writer_options options = {.host_key = 1};
    struct snapshot_writer *writer;
    char *content;
    size_t size;

    (void)argc;
    (void)argv;
    fuzz_goals(goals, GOALS);
    fuzz_isolate();
    fuzz_claim(snapshot_writer_open(PATH, &options, &writer, NULL) == 0, "there is a snapshot");
    kinds_put(writer, 40);
    snapshot_writer_close(writer);
    fuzz_claim(file_read(PATH, 1 << 24, &content, &size, NULL) == 0, "it can be read");
    good = fuzz_copy(content, size);
    free(content);
    word_count = size / 8;
    places = calloc(word_count, sizeof(*places));
    if (!places)
        abort();
    for (size_t i = 0; i < word_count; i++)
        if (good[i] != 0 && (i < 16 || i >= 40)) /* the secret is random as it is */
            places[place_count++] = (uint32_t)i;
    return 0;
}

static void apply(const struct change *change)
{
    uint64_t *word = &words[change->at];

    switch (change->what % 6) {
    case 0:
        *word ^= UINT64_C(1) << change->shift % 64;
        break;
    case 1:
        *word = change->value;
        break;
    case 2: /* one field */
        *word = (*word & ~(UINT64_C(0xffff) << change->shift % 64)) |
                (uint64_t)(change->value & 0xffff) << change->shift % 64;
        break;
    case 3: /* a word from elsewhere */
        *word = good[places[change->value % place_count]];
        break;
    case 4: /* as it was */
        *word = good[change->at];
        break;
    default: /* the file is left: zeros all over, or is there again */
        if (change->shift % 8 == 0) {
            memset(words, 0, word_count * 8);
            goals[LEFT].count++;
        } else {
            memcpy(words, good, word_count * 8);
        }
    }
}

void atomic_loads_event(uintptr_t address)
{
    if (!words || address - (uintptr_t)words >= word_count * 8)
        return; /* the reader's own state */
    fuzz_claim(++loads < LOADS_MOST, "a look-up ends");
    for (since++; next_change < change_count && since > changes[next_change].after; since = 0) {
        goals[CHANGED].count++;
        apply(&changes[next_change++]);
        if (next_change == change_count && changes[0].what >= 128)
            next_change = 0; /* for ever */
    }
}

static void read_changes(struct cursor *cursor)
{
    next_change = loads = since = 0;
    for (change_count = 0; change_count < CHANGES && cursor_left(cursor) >= 9; change_count++) {
        struct change *change = &changes[change_count];
        change->after = (unsigned)cursor_number(cursor, 1);
        change->what = (unsigned)cursor_number(cursor, 1);
        change->at = places[cursor_number(cursor, 2) % place_count];
        change->value = (uint32_t)cursor_number(cursor, 4);
        change->shift = (unsigned)cursor_number(cursor, 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct cursor cursor = cursor_view(bytes, size);
    unsigned which = (unsigned)cursor_number(&cursor, 1), how = (unsigned)cursor_number(&cursor, 1);
    struct snapshot_map map = {0};
    struct snapshot_reader reader = {.path = "/nonexistent"};
    struct resolve_answer answer;
    struct resolve_request request = {
        .name = kinds_names[which % KINDS_NAMES],
        .family = (int[]){AF_UNSPEC, AF_INET, AF_INET6}[how % 3],
        .caller = how & 4 ? RESOLVE_NSS : RESOLVE_SHIM,
        .most = how & 8 ? 1 : SNAPSHOT_ANSWERS_MAX,
        .is_nameless = how & 16,
    };
    bool is_address = how & 32;

    read_changes(&cursor);
    uint64_t *copy = fuzz_copy(good, word_count * 8);
    fuzz_claim(snapshot_map_fill(&map, copy, word_count * 8), "the file is good before it changes");
    reader.map = &map;
    words = copy; /* from here on loads are events */
    enum resolve_result result = is_address ? resolve_address(&reader, KINDS_ADDRESS, 4, &answer)
                                            : resolve_name(&reader, &request, &answer);
    words = NULL;
    goals[FOUND].count += result == RESOLVE_FOUND;
    goals[MISSED].count += result == RESOLVE_MISS;
    goals[NO_DATA].count += result == RESOLVE_NO_DATA;
    if (result == RESOLVE_FOUND)
        fuzz_claim(kinds_is_well_formed(&answer, !is_address) &&
                       (is_address || answer.count <= request.most),
                   "an answer is well-formed");
    free(copy);
    return 0;
}
