/* fuzz_snapshot.c - any bytes as a snapshot: every way of reading one gives an answer, a miss or a
 * refusal; a writer that finds it serves on.
 *
 * Input: how, then the file. The reader reads a copy of just the file's size, so that nothing
 * behind it is read unseen; some files are also walked, record by record, as `meshctl snapshot
 * verify` does, or taken over by a writer.
 *
 * A third of the mutations change whole words, of those that hold something: fields of records and
 * of the header, and what lies at the borders of their ranges.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto.h"
#include "cursor.h"
#include "fuzz.h"
#include "kinds.h"
#include "record_check.h"
#include "resolve.h"
#include "rng.h"
#include "snapshot_check.h"
#include "snapshot_map.h"

#define PATH "/run/snapshot"
#define MOST (256 * 1024) /* bytes of a file */

enum { REFUSED, FOUND, MISSED, DENIED, NAMED, PROVED, DISPROVED, TAKEN_OVER, GOALS };
static struct fuzz_goal goals[GOALS] = {
    [REFUSED] = {"file-refused"},   [FOUND] = {"name-found"},           [MISSED] = {"name-missed"},
    [DENIED] = {"name-denied"},     [NAMED] = {"address-named"},        [PROVED] = {"file-proved"},
    [DISPROVED] = {"file-damaged"}, [TAKEN_OVER] = {"file-taken-over"},
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_goals(goals, GOALS);
    fuzz_isolate();
    return 0;
}

static void look(struct snapshot_reader *reader, const char *name, unsigned how)
{
    static struct rng rng;
    struct resolve_answer answer;
    struct resolve_request request = {
        .name = name,
        .family = (int[]){AF_UNSPEC, AF_INET, AF_INET6}[how % 3],
        .caller = how & 4 ? RESOLVE_NSS : RESOLVE_SHIM,
        .most = how & 8 ? 1 : SNAPSHOT_ANSWERS_MAX,
        .rng = &rng,
    };
    enum resolve_result result = resolve_name(reader, &request, &answer);

    goals[FOUND].count += result == RESOLVE_FOUND;
    goals[MISSED].count += result == RESOLVE_MISS;
    goals[DENIED].count += result == RESOLVE_DENIED;
    if (result == RESOLVE_FOUND)
        fuzz_claim(kinds_is_well_formed(&answer, true) && answer.count <= request.most,
                   "an answer is well-formed");
}

static void read_it(const uint8_t *bytes, size_t size, unsigned how)
{
    struct snapshot_map map = {0};
    struct snapshot_reader reader = {.path = "/nonexistent"};
    struct resolve_answer answer;

    if (!snapshot_map_fill(&map, bytes, size)) {
        goals[REFUSED].count++;
        return;
    }
    reader.map = &map;
    for (size_t i = 0; i < KINDS_NAMES; i++)
        look(&reader, kinds_names[i], how + (unsigned)i);
    look(&reader, "shop.mesh", how);
    look(&reader, "a.b.shop.mesh", how);
    if (resolve_address(&reader, KINDS_ADDRESS, 4, &answer) == RESOLVE_FOUND) {
        fuzz_claim(kinds_is_well_formed(&answer, false), "an address's name is well-formed");
        goals[NAMED].count++;
    }
    (void)resolve_address(&reader, KINDS_ADDRESS KINDS_ADDRESS KINDS_ADDRESS KINDS_ADDRESS, 16,
                          &answer);
}

static int show(void *context, const uint8_t *key, size_t length, const uint64_t *words,
                size_t count)
{
    char text[320];

    (void)context;
    snapshot_check_print_key(key, length, text);
    fuzz_claim(memchr(text, 0, sizeof text) != NULL, "a key can be shown");
    fuzz_claim(record_check(words, count, NULL) >= 0, "a record of a proved file is good");
    return 0;
}

/* Reads it as meshctl does. */
static void prove(void)
{
    struct snapshot_check *check;
    struct snapshot_check_header header;
    struct error err = {0};
    const uint64_t *words;
    size_t count;

    if (snapshot_check_open(PATH, &check, &err) < 0) {
        fuzz_claim(err.text[0] != '\0', "a refusal has words");
        return;
    }
    snapshot_check_header(check, &header);
    int r = snapshot_check_each(check, show, NULL, &err);
    fuzz_claim(r >= 0 || err.text[0] != '\0', "a finding has words");
    goals[r < 0 ? DISPROVED : PROVED].count++;
    for (size_t i = 0; i < KINDS_NAMES; i++)
        (void)snapshot_check_get(check, kinds_names[i], strlen(kinds_names[i]), &words, &count,
                                 &err);
    snapshot_check_close(check);
}

/* A writer that is started on it. */
static void take_over(void)
{
    struct snapshot_writer_options options = {.host_key = 1};
    struct snapshot_reader reader = SNAPSHOT_READER(PATH);
    struct snapshot_writer *writer;
    struct snapshot_writer_stats stats;
    struct resolve_answer answer;
    struct resolve_request request = {.name = "alias", .most = 1};

    if (snapshot_writer_open(PATH, &options, &writer, NULL) < 0)
        fuzz_claim(0, "a writer takes over, or starts with an empty file");
    kinds_put(writer, 20);
    (void)snapshot_writer_delete(writer, "stick", 5);
    snapshot_writer_stats(writer, &stats);
    snapshot_writer_close(writer);
    fuzz_claim(resolve_name(&reader, &request, &answer) == RESOLVE_FOUND,
               "what a writer has put is found");
    fuzz_claim(stats.file_size < 64 * 1024 * 1024, "a file stays small");
    snapshot_map_close(reader.map);
    goals[TAKEN_OVER].count++;
    (void)unlink(PATH ".lock");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct cursor cursor = cursor_view(bytes, size);
    uint8_t how = (uint8_t)cursor_number(&cursor, 1);
    size_t length = cursor_left(&cursor) / 8 * 8;

    if (length == 0 || length > MOST)
        return 0;
    const uint8_t *file = cursor_take(&cursor, length);
    AUTO_FREE uint8_t *copy = fuzz_copy(file, length);
    read_it(copy, length, how);
    if (how >= 0x20)
        return 0;
    fuzz_write(PATH, copy, length);
    if (chmod(PATH, 0644) < 0)
        abort();
    prove();
    if (how >= 0x18)
        take_over();
    (void)unlink(PATH);
    return 0;
}

/* A place that holds something, as a rule. */
static size_t place(const uint64_t *words, size_t count)
{
    size_t at = (size_t)rand() % count;

    for (size_t i = 0; rand() % 8 != 0 && i < count; i++, at = (at + 1) % count)
        if (words[at] != 0 && (at < 16 || at >= 40)) /* the secret is random as it is */
            break;
    return at;
}

static void change(uint64_t *words, size_t count)
{
    static const uint64_t borders[] = {
        0, 1, 2, 63, 64, 255, 4096, 65535, 1u << 31, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX};
    size_t at = place(words, count);
    unsigned shift = (unsigned)rand() % 64;

    switch (rand() % 5) {
    case 0:
        words[at] ^= UINT64_C(1) << shift;
        break;
    case 1:
        words[at] = borders[(size_t)rand() % ARRAY_SIZE(borders)];
        break;
    case 2:
        words[at] = (words[at] & ~(UINT64_C(0xffff) << shift)) | (uint64_t)rand() % 65536 << shift;
        break;
    case 3:
        words[at] += ((uint64_t)(rand() % 5) - 2) * (rand() % 2 ? 1 : SNAPSHOT_BLOCK);
        break;
    default:
        words[at] = words[place(words, count)];
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    size_t count = size > 0 ? (size - 1) / 8 : 0;

    srand(seed);
    if (count == 0 || rand() % 3 != 0)
        return LLVMFuzzerMutate(bytes, size, most);
    AUTO_FREE uint64_t *words = fuzz_copy(bytes + 1, count * 8);
    for (int i = 1 + rand() % 4; i > 0; i--)
        change(words, count);
    memcpy(bytes + 1, words, count * 8);
    if (rand() % 4 == 0)
        bytes[0] = (uint8_t)rand();
    return size;
}
