/* resolve.c - the order of a look-up: exact name, wildcards, search list; then the rule.
 *
 * Everything that is read may be changing. An outcome counts only after the record it came from
 * proved whole, and a miss only while the file still is this process's; else all is done again, a
 * bounded number of times. A retry costs nothing but time: an answer is overwritten, a random
 * number is drawn anew.
 */
#include "resolve.h"

#include <string.h>

#include "answer.h"
#include "hash.h"
#include "name.h"
#include "snapshot_find.h"
#include "snapshot_rule.h"

#define TRIES 100 /* whole look-ups; one suffices unless a writer passes just then */

#define APART __attribute__((noinline)) /* from the straight way: an exact name that is there */

/* What became of one key or one name; the results of resolve.h come first. */
enum outcome {
    MISSED = RESOLVE_MISS, /* final: a protected name, or a record that makes no sense */
    FOUND = RESOLVE_FOUND,
    DENIED = RESOLVE_DENIED,
    NO_DATA = RESOLVE_NO_DATA,
    NEXT,  /* no record, or none of its rules is for this caller: ask the next key */
    AGAIN, /* it changed meanwhile */
};

/* Functions that are apart take it by value: one whose address is known must lie in memory. */
struct lookup {
    const struct snapshot_map *map;
    const struct resolve_request *request;
    struct name *name;
    struct resolve_answer *answer;
};

/* The canonical name that the rule brings: an alias's target, an address's name. */
static void fill_target(const struct snapshot_map *map,
                        const struct snapshot_rule_extension *extension,
                        struct resolve_answer *answer)
{
    answer->canonical_length = (uint8_t)extension->canonical_length;
    snapshot_rule_text(map, extension->canonical_at, 0, extension->canonical_length,
                       answer->canonical);
}

/* The canonical name is the one that was looked up. */
static APART void fill_asked_name(const struct name *name, struct resolve_answer *answer)
{
    answer->canonical_length = (uint8_t)name->length;
    memcpy(answer->canonical, name->bytes, name->length);
    answer->canonical[name->length] = '\0';
}

/* The canonical name is the alias's target, or the name that was looked up. */
static void fill_canonical(struct lookup lookup, struct snapshot_rule rule)
{
    struct resolve_answer *answer = lookup.answer;
    struct snapshot_rule_extension extension = {0};

    if (snapshot_rule_is(rule, SNAPSHOT_RULE_EXTENDED))
        extension = snapshot_rule_extension(lookup.map, rule.at);
    if (extension.canonical_length > 0) {
        fill_target(lookup.map, &extension, answer);
        return;
    }
    fill_asked_name(lookup.name, answer);
}

static enum outcome obey(struct lookup lookup, struct snapshot_rule rule)
{
    enum outcome outcome = MISSED;

    switch (snapshot_rule_verb(rule)) {
    case SNAPSHOT_DRAW:
    case SNAPSHOT_LIST:
    case SNAPSHOT_STICK_HOST:
    case SNAPSHOT_STICK_UID:
    case SNAPSHOT_STICK_APP:
    case SNAPSHOT_STICK_PROCESS:
        outcome = (enum outcome)answer_fill(lookup.map, rule, lookup.request, lookup.answer);
        lookup.answer->canonical_length = 0;
        lookup.answer->canonical[0] = '\0';
        if (outcome == FOUND && !lookup.request->is_nameless)
            fill_canonical(lookup, rule);
        return outcome;
    case SNAPSHOT_DENY:
        return DENIED;
    case SNAPSHOT_PASS:
    case SNAPSHOT_NAME:
    default:
        return MISSED;
    }
}

/* Obeys the first of a record's rules that is for this caller. */
static APART enum outcome judge(struct lookup lookup, struct snapshot_record record)
{
    unsigned others =
        lookup.request->caller == RESOLVE_NSS ? SNAPSHOT_RULE_SHIM_ONLY : SNAPSHOT_RULE_NSS_ONLY;
    struct snapshot_rule_match match = snapshot_rule_find(lookup.map, record, others);

    if (match.is != SNAPSHOT_RULE_FOUND)
        return match.is == SNAPSHOT_RULE_NONE ? NEXT : MISSED;
    return obey(lookup, match.rule);
}

/* Asks one key. Its bytes are zero-padded as those of struct name. */
SNAPSHOT_INLINE enum outcome ask(struct lookup lookup, const uint8_t *key, size_t length)
{
    uint64_t hash = hash_key(key, length, lookup.map->secret);
    struct snapshot_found found = snapshot_find(lookup.map, key, length, hash);

    if (SNAPSHOT_RARE(found.is != SNAPSHOT_FOUND))
        return found.is == SNAPSHOT_ABSENT ? NEXT : AGAIN;
    if (SNAPSHOT_RARE(!atomic_load_explicit(&lookup.map->is_settled, memory_order_relaxed)))
        snapshot_map_settle(lookup.map);
    enum outcome outcome = FOUND;
    if (!answer_straight(lookup.map, found.record, lookup.request, lookup.answer))
        outcome = judge(lookup, found.record);
    else if (SNAPSHOT_RARE(!lookup.request->is_nameless))
        fill_asked_name(lookup.name, lookup.answer);
    return SNAPSHOT_RARE(!snapshot_find_is_whole(lookup.map, &found.record)) ? AGAIN : outcome;
}

static APART enum outcome ask_more(struct lookup lookup, const uint8_t *key, size_t length)
{
    return ask(lookup, key, length);
}

/* Asks the wildcards above a name, the longest first, at those depths that are in use. Whether the
 * name is one that wildcards cover is asked last, when one is there: few names come so far. */
static enum outcome ask_wildcards(const struct lookup *lookup, uint64_t depths)
{
    const struct name *name = lookup->name;
    uint8_t dots[NAME_LABELS], unused[NAME_LABELS];
    unsigned deepest = 63 - (unsigned)__builtin_clzll(depths);
    size_t depth = name_dots(name, deepest < 63 ? deepest : NAME_LABELS, dots);

    for (; depth > 0; depth--) {
        const uint8_t *key = name->bytes + dots[depth - 1];
        size_t length = name->length - dots[depth - 1];
        if (!(depths >> (depth < 63 ? depth : 63) & 1) ||
            !snapshot_find_may(lookup->map, hash_key(key, length, lookup->map->secret)))
            continue;
        enum outcome outcome = ask_more(*lookup, key, length);
        if (outcome == AGAIN || (outcome != NEXT && name_labels(name, unused) > 0))
            return outcome;
    }
    return NEXT;
}

/* Reads the search list's bytes one behind the other. */
struct list_cursor {
    const struct snapshot_map *map;
    size_t at, byte;
};

static uint8_t list_byte(struct list_cursor *cursor)
{
    uint64_t word = snapshot_map_word(cursor->map, cursor->at + cursor->byte / 8);

    return (uint8_t)(word >> (8 * (cursor->byte++ % 8)));
}

/* Tries the name under each domain of the search list. Leaves the name changed. */
static enum outcome ask_search_list(const struct lookup *lookup, uint64_t depths)
{
    static const uint8_t key[32] = SNAPSHOT_KEY_SEARCH;
    struct name *name = lookup->name;
    size_t typed = name->length;
    struct snapshot_found found = snapshot_find_from(lookup->map, key, strlen(SNAPSHOT_KEY_SEARCH),
                                                     lookup->map->search_hash, 0);

    if (found.is != SNAPSHOT_FOUND)
        return found.is == SNAPSHOT_ABSENT ? NEXT : AGAIN;

    struct list_cursor cursor = {lookup->map, found.record.body, 0};
    size_t ndots = list_byte(&cursor), domains = list_byte(&cursor);
    uint8_t dots[NAME_LABELS];
    size_t count = name_dots(name, NAME_LABELS, dots);
    if (count >= ndots || name_is_number(name))
        return snapshot_find_is_whole(lookup->map, &found.record) ? NEXT : AGAIN;

    for (size_t i = 0; i < domains && i < SNAPSHOT_SEARCH_MAX; i++) {
        uint8_t domain[SNAPSHOT_KEY_MAX];
        size_t length = list_byte(&cursor);
        for (size_t j = 0; j < length; j++)
            domain[j] = list_byte(&cursor);
        if (!snapshot_find_is_whole(lookup->map, &found.record))
            return AGAIN;
        name_cut(name, typed);
        if (length == 0 || !name_join(name, domain, length))
            continue;
        enum outcome outcome = ask_more(*lookup, name->bytes, name->length);
        if (outcome == NEXT && count == 0 && depths)
            outcome = ask_wildcards(lookup, depths);
        if (outcome != NEXT)
            return outcome;
    }
    return NEXT;
}

/* Which other keys the snapshot may have for names. Acquire: the writer says so before it publishes
 * the record. */
SNAPSHOT_INLINE uint64_t depths_of(const struct snapshot_map *map)
{
    return atomic_load_explicit(&map->header->depths, memory_order_acquire);
}

/* All that may follow an exact name that is not there, or not for this caller. */
static enum outcome ask_others(const struct lookup *lookup)
{
    uint64_t depths = depths_of(lookup->map), wildcards = depths & ~SNAPSHOT_NO_SEARCH;
    enum outcome outcome = wildcards ? ask_wildcards(lookup, wildcards) : NEXT;

    if (outcome == NEXT && !lookup->name->is_absolute && !(depths & SNAPSHOT_NO_SEARCH))
        outcome = ask_search_list(lookup, wildcards);
    if (outcome == NEXT)
        outcome = snapshot_map_is_left(lookup->map) ? AGAIN : MISSED;
    return outcome;
}

/* A look-up that is not over with the exact name: others follow, or it changed meanwhile. */
static APART enum resolve_result resolve_on(struct snapshot_reader *reader, struct lookup lookup,
                                            enum outcome outcome)
{
    size_t typed = lookup.name->length;

    for (size_t i = 0; i < TRIES; i++) {
        if (outcome == NEXT)
            outcome = ask_others(&lookup);
        if (outcome != AGAIN)
            return (enum resolve_result)outcome;
        name_cut(lookup.name, typed); /* the search list may have been tried */
        lookup.map = snapshot_reader_map(reader);
        if (!lookup.map)
            return RESOLVE_MISS;
        outcome = ask_more(lookup, lookup.name->bytes, lookup.name->length);
    }
    return RESOLVE_MISS;
}

enum resolve_result resolve_name(struct snapshot_reader *reader,
                                 const struct resolve_request *request,
                                 struct resolve_answer *ret_answer)
{
    struct name name;

    size_t length = name_fold(request->name, &name);
    if (SNAPSHOT_RARE(length == 0))
        return RESOLVE_MISS;
    struct lookup lookup = {snapshot_reader_map(reader), request, &name, ret_answer};
    if (SNAPSHOT_RARE(!lookup.map))
        return RESOLVE_MISS;
    enum outcome outcome = ask(lookup, name.bytes, length);
    if (SNAPSHOT_RARE(outcome == NEXT && depths_of(lookup.map) == SNAPSHOT_NO_SEARCH &&
                      !snapshot_map_is_left(lookup.map)))
        return RESOLVE_MISS; /* there is nothing but exact names */
    return SNAPSHOT_RARE(outcome >= NEXT) ? resolve_on(reader, lookup, outcome)
                                          : (enum resolve_result)outcome;
}

/* The name that a reverse record gives. */
static enum outcome read_reverse(const struct snapshot_map *map,
                                 const struct snapshot_record *record,
                                 struct resolve_answer *answer)
{
    struct snapshot_rule rule;
    struct snapshot_rule_extension extension;

    if (SNAPSHOT_META_RULES(record->meta) == 0 || !snapshot_rule_read(map, record->body, &rule) ||
        snapshot_rule_verb(rule) != SNAPSHOT_NAME ||
        !snapshot_rule_is(rule, SNAPSHOT_RULE_EXTENDED))
        return MISSED;
    extension = snapshot_rule_extension(map, rule.at);
    if (extension.canonical_length == 0)
        return MISSED;
    fill_target(map, &extension, answer);
    return FOUND;
}

/* The address that was asked about, as an answer's only destination. */
static void fill_asked(const void *address, size_t size, struct resolve_answer *answer)
{
    struct resolve_destination *to = &answer->destinations[0];

    *to = (struct resolve_destination){.has_v4 = size == 4, .has_v6 = size == 16};
    memcpy(size == 4 ? (void *)&to->v4 : to->v6, address, size);
    answer->count = 1;
}

enum resolve_result resolve_address(struct snapshot_reader *reader, const void *address,
                                    size_t size, struct resolve_answer *ret_answer)
{
    uint8_t key[32] = {'@'}; /* 17 bytes, zero-padded */

    if (size != 4 && size != 16)
        return RESOLVE_MISS;
    memcpy(key + 1, address, size);
    for (size_t i = 0; i < TRIES; i++) {
        const struct snapshot_map *map = snapshot_reader_map(reader);
        if (!map)
            return RESOLVE_MISS;

        uint64_t hash = hash_key(key, size + 1, map->secret);
        struct snapshot_found found = snapshot_find_from(map, key, size + 1, hash, 0);
        if (found.is == SNAPSHOT_ABSENT && !snapshot_map_is_left(map))
            return RESOLVE_MISS;
        if (found.is != SNAPSHOT_FOUND)
            continue;
        enum outcome outcome = read_reverse(map, &found.record, ret_answer);
        fill_asked(address, size, ret_answer);
        if (snapshot_find_is_whole(map, &found.record))
            return (enum resolve_result)outcome;
    }
    return RESOLVE_MISS;
}
