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
#include "snapshot_map.h"
#include "snapshot_rule.h"

#define TRIES 100 /* whole look-ups; one suffices unless a writer passes just then */

/* What became of one key or one name; the results of resolve.h come first. */
enum outcome {
    MISSED = RESOLVE_MISS, /* final: a protected name, or a record that makes no sense */
    FOUND = RESOLVE_FOUND,
    DENIED = RESOLVE_DENIED,
    NO_DATA = RESOLVE_NO_DATA,
    NEXT,  /* no record, or none of its rules is for this caller: ask the next key */
    AGAIN, /* it changed meanwhile */
};

struct lookup {
    const struct snapshot_map *map;
    const struct resolve_request *request;
    struct name *name;
    struct resolve_answer *answer;
};

/* The canonical name is the alias's target, or the name that was looked up. */
static void fill_canonical(const struct lookup *lookup, const struct snapshot_rule *rule)
{
    struct resolve_answer *answer = lookup->answer;

    answer->canonical_length = 0;
    answer->canonical[0] = '\0';
    if (lookup->request && lookup->request->is_nameless)
        return;
    if (rule->canonical_length > 0) {
        answer->canonical_length = (uint8_t)rule->canonical_length;
        snapshot_rule_text(lookup->map, rule->canonical_at, 0, rule->canonical_length,
                           answer->canonical);
        return;
    }
    answer->canonical_length = (uint8_t)lookup->name->length;
    memcpy(answer->canonical, lookup->name->bytes, lookup->name->length);
    answer->canonical[lookup->name->length] = '\0';
}

static enum outcome obey(const struct lookup *lookup, const struct snapshot_rule *rule)
{
    enum outcome outcome = MISSED;

    switch (rule->verb) {
    case SNAPSHOT_DRAW:
    case SNAPSHOT_LIST:
    case SNAPSHOT_STICK_HOST:
    case SNAPSHOT_STICK_UID:
    case SNAPSHOT_STICK_APP:
    case SNAPSHOT_STICK_PROCESS:
        outcome = (enum outcome)answer_fill(lookup->map, rule, lookup->request, lookup->answer);
        if (outcome == FOUND)
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
static enum outcome judge(const struct lookup *lookup, const struct snapshot_record *record)
{
    unsigned others =
        lookup->request->caller == RESOLVE_NSS ? SNAPSHOT_RULE_SHIM_ONLY : SNAPSHOT_RULE_NSS_ONLY;
    struct snapshot_rule rule;

    switch (snapshot_rule_find(lookup->map, record, others, &rule)) {
    case SNAPSHOT_RULE_FOUND:
        return obey(lookup, &rule);
    case SNAPSHOT_RULE_NONE:
        return NEXT;
    case SNAPSHOT_RULE_BROKEN:
    default:
        return MISSED;
    }
}

/* Asks one key. Its bytes are zero-padded as those of struct name. */
static enum outcome ask(const struct lookup *lookup, const uint8_t *key, size_t length)
{
    struct snapshot_record record;
    uint64_t hash = hash_key(key, length, lookup->map->secret);

    switch (snapshot_map_find(lookup->map, key, length, hash, &record)) {
    case SNAPSHOT_FOUND: {
        enum outcome outcome = judge(lookup, &record);
        return snapshot_map_is_whole(lookup->map, &record) ? outcome : AGAIN;
    }
    case SNAPSHOT_ABSENT:
        return NEXT;
    case SNAPSHOT_AGAIN:
    default:
        return AGAIN;
    }
}

/* Asks the wildcards above a name, the longest first, at those depths that are in use. */
static enum outcome ask_wildcards(const struct lookup *lookup)
{
    /* Acquire: the writer sets the bit before it publishes the record. */
    uint64_t depths = atomic_load_explicit(&lookup->map->header->depths, memory_order_acquire);
    uint8_t dots[NAME_LABELS];

    if (depths == 0)
        return NEXT;
    size_t labels = name_labels(lookup->name, dots);
    for (size_t i = 0; i + 1 < labels; i++) {
        size_t depth = labels - 1 - i;
        if (!(depths >> (depth < 63 ? depth : 63) & 1))
            continue;
        enum outcome outcome =
            ask(lookup, lookup->name->bytes + dots[i], lookup->name->length - dots[i]);
        if (outcome != NEXT)
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
static enum outcome ask_search_list(const struct lookup *lookup)
{
    static const uint8_t key[32] = SNAPSHOT_KEY_SEARCH;
    struct snapshot_record record;
    struct name *name = lookup->name;
    size_t typed = name->length;
    enum snapshot_find find = snapshot_map_find(lookup->map, key, strlen(SNAPSHOT_KEY_SEARCH),
                                                lookup->map->search_hash, &record);

    if (find != SNAPSHOT_FOUND)
        return find == SNAPSHOT_ABSENT ? NEXT : AGAIN;

    struct list_cursor cursor = {lookup->map, record.body, 0};
    size_t ndots = list_byte(&cursor), domains = list_byte(&cursor);
    bool is_single = name_dots(name, 1) == 0;
    if (name_dots(name, ndots) >= ndots || name_is_number(name))
        return snapshot_map_is_whole(lookup->map, &record) ? NEXT : AGAIN;

    for (size_t i = 0; i < domains && i < SNAPSHOT_SEARCH_MAX; i++) {
        uint8_t domain[SNAPSHOT_KEY_MAX];
        size_t length = list_byte(&cursor);
        for (size_t j = 0; j < length; j++)
            domain[j] = list_byte(&cursor);
        if (!snapshot_map_is_whole(lookup->map, &record))
            return AGAIN;
        name_cut(name, typed);
        if (length == 0 || !name_join(name, domain, length))
            continue;
        enum outcome outcome = ask(lookup, name->bytes, name->length);
        if (outcome == NEXT && is_single)
            outcome = ask_wildcards(lookup);
        if (outcome != NEXT)
            return outcome;
    }
    return NEXT;
}

static enum outcome ask_all(const struct lookup *lookup)
{
    enum outcome outcome = ask(lookup, lookup->name->bytes, lookup->name->length);

    if (outcome == NEXT)
        outcome = ask_wildcards(lookup);
    if (outcome == NEXT && !lookup->name->is_absolute)
        outcome = ask_search_list(lookup);
    if (outcome == NEXT)
        outcome = snapshot_map_is_left(lookup->map) ? AGAIN : MISSED;
    return outcome;
}

enum resolve_result resolve_name(struct snapshot_reader *reader,
                                 const struct resolve_request *request,
                                 struct resolve_answer *ret_answer)
{
    struct name name;

    if (!name_fold(request->name, &name))
        return RESOLVE_MISS;
    for (size_t i = 0, typed = name.length; i < TRIES; i++) {
        struct lookup lookup = {snapshot_reader_map(reader), request, &name, ret_answer};
        if (!lookup.map)
            return RESOLVE_MISS;
        enum outcome outcome = ask_all(&lookup);
        if (outcome != AGAIN)
            return (enum resolve_result)outcome;
        name_cut(&name, typed); /* the search list may have been tried */
    }
    return RESOLVE_MISS;
}

/* The canonical name of a reverse record. */
static enum outcome read_reverse(const struct lookup *lookup, const struct snapshot_record *record)
{
    struct snapshot_rule rule;

    if (SNAPSHOT_META_RULES(record->meta) == 0 ||
        !snapshot_rule_read(lookup->map, record->body, &rule) || rule.verb != SNAPSHOT_NAME ||
        rule.canonical_length == 0)
        return MISSED;
    fill_canonical(lookup, &rule);
    return FOUND;
}

enum resolve_result resolve_address(struct snapshot_reader *reader, const void *address,
                                    size_t size, struct resolve_answer *ret_answer)
{
    uint8_t key[32] = {'@'}; /* 17 bytes, zero-padded */

    if (size != 4 && size != 16)
        return RESOLVE_MISS;
    memcpy(key + 1, address, size);
    for (size_t i = 0; i < TRIES; i++) {
        struct lookup lookup = {snapshot_reader_map(reader), NULL, NULL, ret_answer};
        struct snapshot_record record;
        if (!lookup.map)
            return RESOLVE_MISS;

        uint64_t hash = hash_key(key, size + 1, lookup.map->secret);
        enum snapshot_find find = snapshot_map_find(lookup.map, key, size + 1, hash, &record);
        if (find == SNAPSHOT_ABSENT && !snapshot_map_is_left(lookup.map))
            return RESOLVE_MISS;
        if (find != SNAPSHOT_FOUND)
            continue;
        enum outcome outcome = read_reverse(&lookup, &record);
        if (snapshot_map_is_whole(lookup.map, &record))
            return (enum resolve_result)outcome;
    }
    return RESOLVE_MISS;
}
