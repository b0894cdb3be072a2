/* fuzz_name.c - any text as a host name: folded, taken apart, looked up in a good snapshot.
 *
 * Input: family and caller, how many answers, then the name. The name functions are compared with a
 * second opinion, written byte by byte.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cursor.h"
#include "fuzz.h"
#include "kinds.h"
#include "name.h"
#include "resolve.h"
#include "snapshot_map.h"

#define PATH "/run/snapshot"

enum { FOLDED, FOUND, DENIED, MISSED, SEARCHED, WILD, GOALS };
static struct fuzz_goal goals[GOALS] = {
    [FOLDED] = {"name-folded"}, [FOUND] = {"name-found"},          [DENIED] = {"name-denied"},
    [MISSED] = {"name-missed"}, [SEARCHED] = {"search-list-used"}, [WILD] = {"labels-counted"},
};

static struct snapshot_reader reader = SNAPSHOT_READER(PATH);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct snapshot_writer_options options = {.host_key = 1};
    struct snapshot_writer *writer;

    (void)argc;
    (void)argv;
    fuzz_goals(goals, GOALS);
    fuzz_isolate();
    fuzz_claim(snapshot_writer_open(PATH, &options, &writer, NULL) == 0, "there is a snapshot");
    kinds_put(writer, 40);
    snapshot_writer_close(writer);
    return 0;
}

/* The number of labels, as name_labels says it. */
static size_t count_labels(const char *text, size_t length)
{
    size_t labels = 1, run = 0;

    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c != '.' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return 0;
        run = c == '.' ? 0 : run + 1;
        if (run > 63 || (c == '.' && (i == 0 || text[i - 1] == '.' || i + 1 == length)))
            return 0;
        labels += c == '.';
    }
    return labels;
}

static void check_folded(const char *typed, const struct name *name)
{
    uint8_t dots[NAME_LABELS], places[NAME_LABELS];
    struct in_addr address;
    size_t length = strlen(typed);

    length -= typed[length - 1] == '.';
    fuzz_claim(name->length == length, "a folded name has the length of the typed one");
    for (size_t i = 0; i < length; i++) {
        uint8_t c = (uint8_t)typed[i];
        fuzz_claim(name->bytes[i] == (c >= 'A' && c <= 'Z' ? c | 0x20 : c), "capitals are folded");
    }
    for (size_t i = 0; i < NAME_PADDING; i++)
        fuzz_claim(name->bytes[length + i] == 0, "zeros follow the name");

    size_t labels = name_labels(name, dots), all = name_dots(name, NAME_LABELS, places), found = 0;
    fuzz_claim(labels == count_labels((const char *)name->bytes, length), "labels are counted");
    fuzz_claim(labels == 0 || labels == all + 1, "there is a dot between two labels");
    for (size_t i = 0; i + 1 < labels; i++)
        fuzz_claim(name->bytes[dots[i]] == '.', "a dot is where it is said to be");
    for (size_t i = length; i-- > 0 && found < NAME_LABELS;)
        if (name->bytes[i] == '.')
            fuzz_claim(places[found++] == i, "each dot is found, from right to left");
    fuzz_claim(found == all, "what is no dot is none");
    fuzz_claim(name_is_number(name) == (isdigit((unsigned char)typed[0]) &&
                                        inet_aton((const char *)name->bytes, &address) != 0),
               "a number is what inet_aton reads");
    goals[WILD].count += labels > 1;
}

static void join_and_cut(struct name name, const uint8_t *domain, size_t length)
{
    struct name before = name;
    bool is_joined = name_join(&name, domain, length);

    fuzz_claim(is_joined == (before.length + 1 + length <= SNAPSHOT_NAME_MAX), "it fits or not");
    if (!is_joined)
        return;
    fuzz_claim(name.bytes[before.length] == '.' &&
                   memcmp(name.bytes + before.length + 1, domain, length) == 0 &&
                   name.bytes[name.length] == 0,
               "the domain stands behind a dot");
    name_cut(&name, before.length);
    fuzz_claim(name.length == before.length &&
                   memcmp(name.bytes, before.bytes, before.length + NAME_PADDING) == 0,
               "cut, it is the name that it was");
}

static void look_up(const char *typed, uint8_t how, unsigned most)
{
    struct rng rng = {0};
    struct resolve_answer answer;
    struct resolve_request request = {
        .name = typed,
        .family = (int[]){AF_UNSPEC, AF_INET, AF_INET6, AF_UNSPEC}[how & 3],
        .caller = how & 4 ? RESOLVE_NSS : RESOLVE_SHIM,
        .most = most,
        .is_nameless = how & 8,
        .rng = how & 16 ? NULL : &rng,
    };
    enum resolve_result result = resolve_name(&reader, &request, &answer);

    goals[FOUND].count += result == RESOLVE_FOUND;
    goals[DENIED].count += result == RESOLVE_DENIED;
    goals[MISSED].count += result == RESOLVE_MISS;
    if (result != RESOLVE_FOUND)
        return;
    fuzz_claim(kinds_is_well_formed(&answer, true), "an answer is well-formed");
    fuzz_claim(answer.count <= most, "there are no more answers than were wanted");
    goals[SEARCHED].count += strcasecmp(typed, "web") == 0;
    for (size_t i = 0; i < answer.count; i++)
        fuzz_claim((request.family != AF_INET || !answer.destinations[i].has_v6) &&
                       (request.family != AF_INET6 || !answer.destinations[i].has_v4),
                   "an answer is of the family asked for");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct cursor cursor = cursor_view(bytes, size);
    uint8_t how = (uint8_t)cursor_number(&cursor, 1), most = (uint8_t)cursor_number(&cursor, 1);
    size_t length = cursor_left(&cursor);
    struct name name;

    if (length == 0)
        return 0;
    char *typed = malloc(length + 1); /* of just this size: nothing may be read behind its NUL */
    if (!typed)
        abort();
    memcpy(typed, cursor_take(&cursor, length), length);
    typed[length] = '\0';
    if (name_fold(typed, &name)) {
        goals[FOLDED].count++;
        check_folded(typed, &name);
        join_and_cut(name, bytes, size < SNAPSHOT_KEY_MAX ? size : SNAPSHOT_KEY_MAX);
    }
    look_up(typed, how, most % SNAPSHOT_ANSWERS_MAX + 1);
    free(typed);
    return 0;
}
