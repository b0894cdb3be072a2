/* answer.h - from a rule to destinations: draw, list or stick.
 * Floor: reader (libc only; no lock, log, allocation or descriptor; errno untouched). Internal.
 *
 * Whether the record was whole is for the caller to check.
 */
#pragma once

#include <string.h>
#include <sys/socket.h>

#include "families.h"
#include "pick.h"
#include "resolve.h"
#include "rng.h"
#include "snapshot_map.h"
#include "snapshot_rule.h"

_Static_assert((int)FAMILIES_V4 == (int)SNAPSHOT_HAS_V4, "one set of bits");
_Static_assert((int)FAMILIES_V6 == (int)SNAPSHOT_HAS_V6, "one set of bits");

#define ANSWER_BOTH (SNAPSHOT_HAS_V4 | SNAPSHOT_HAS_V6)

/* What an answer is made from. By value: what has an address lies in memory, and hits would pay. */
struct answer_choice {
    const struct snapshot_map *map;
    struct snapshot_rule rule;
    unsigned families;       /* one of which a destination must have: SNAPSHOT_HAS_*, or-ed */
    unsigned told;           /* those that the answer may have */
    struct snapshot_run run; /* the destinations that have one of them, unless LISTED */
};

/* Adds what several draws, the written order or a key choose.
 *
 *   most  1..SNAPSHOT_ANSWERS_MAX destinations
 */
void answer_draw_many(struct answer_choice choice, size_t most, struct rng *rng,
                      struct resolve_answer *answer);
void answer_list(struct answer_choice choice, size_t most, struct resolve_answer *answer);
void answer_stick(struct answer_choice choice, size_t most, struct resolve_answer *answer);

/* The families that an answer may have. AI_ADDRCONFIG matters only where there is a choice. As in
 * glibc a machine without any address but loopback's is no reason to leave one out. */
static inline unsigned answer_families(struct snapshot_rule rule,
                                       const struct resolve_request *request)
{
    unsigned wanted = request->family == AF_INET    ? SNAPSHOT_HAS_V4
                      : request->family == AF_INET6 ? SNAPSHOT_HAS_V6
                                                    : ANSWER_BOTH;

    if (request->is_configured_only && snapshot_rule_v4(rule) > 0 && snapshot_rule_v6(rule) > 0) {
        unsigned configured = families_configured();
        if (wanted != ANSWER_BOTH || configured != 0)
            wanted &= configured;
    }
    return wanted;
}

/* Reads a destination. Returns false when it has none of the families asked for. */
static inline bool answer_read(struct answer_choice choice, size_t index,
                               struct resolve_destination *ret_destination)
{
    uint64_t word = snapshot_map_word(choice.map, snapshot_rule_addresses_at(choice.rule) + index);
    unsigned flags = SNAPSHOT_ADDRESS_FLAGS(word);
    unsigned has = flags & choice.families ? flags & choice.told : 0;

    ret_destination->v4 = SNAPSHOT_ADDRESS_V4(word);
    ret_destination->port = SNAPSHOT_ADDRESS_PORT(word);
    ret_destination->has_v4 = has & SNAPSHOT_HAS_V4;
    ret_destination->has_v6 = has & SNAPSHOT_HAS_V6;
    if (has & SNAPSHOT_HAS_V6) {
        size_t at = snapshot_rule_v6_at(choice.rule, index);
        uint64_t halves[2] = {snapshot_map_word(choice.map, at),
                              snapshot_map_word(choice.map, at + 1)};
        memcpy(ret_destination->v6, halves, sizeof(halves));
    }
    return has != 0;
}

/* One by the alias table; a run of one needs neither table nor random number. */
static inline void answer_draw(struct answer_choice choice, struct rng *rng,
                               struct resolve_answer *answer)
{
    size_t index = 0;

    if (choice.run.count > 1) {
        uint64_t random = rng_next(rng);
        size_t column = pick_column(choice.run.count, random);
        index = pick_draw(snapshot_map_word(choice.map, choice.run.columns_at + column),
                          choice.run.count, random);
    }
    answer->count = answer_read(choice, choice.run.first + index, &answer->destinations[0]);
}

/* Fills ret_answer's destinations from a rule whose verb is DRAW, LIST or a STICK.
 *
 * Returns RESOLVE_FOUND; RESOLVE_NO_DATA when no destination has a family asked for; RESOLVE_MISS
 * when the rule makes no sense. */
static inline enum resolve_result answer_fill(const struct snapshot_map *map,
                                              struct snapshot_rule rule,
                                              const struct resolve_request *request,
                                              struct resolve_answer *ret_answer)
{
    unsigned families = answer_families(rule, request);
    struct answer_choice choice = {map, rule, families,
                                   request->is_whole ? (unsigned)ANSWER_BOTH : families,
                                   snapshot_rule_run(rule, families)};
    size_t answers = SNAPSHOT_RULE_ANSWERS(rule.word);
    size_t most = request->most < answers ? request->most : answers;

    if (choice.run.count == 0)
        return RESOLVE_NO_DATA;
    ret_answer->count = 0;
    if (snapshot_rule_verb(rule) == SNAPSHOT_LIST)
        answer_list(choice, most, ret_answer);
    else if (snapshot_rule_verb(rule) != SNAPSHOT_DRAW)
        answer_stick(choice, most, ret_answer);
    else if (choice.run.count == 1 || most == 1)
        answer_draw(choice, request->rng, ret_answer);
    else
        answer_draw_many(choice, most, request->rng, ret_answer);
    return ret_answer->count > 0 ? RESOLVE_FOUND : RESOLVE_MISS;
}

/* Reads a destination that has an IPv4 address and nothing else. Returns false for others. */
static inline bool answer_straight_read(uint64_t word, struct resolve_destination *ret_destination)
{
    ret_destination->v4 = SNAPSHOT_ADDRESS_V4(word);
    ret_destination->port = SNAPSHOT_ADDRESS_PORT(word);
    ret_destination->has_v4 = true;
    ret_destination->has_v6 = false;
    return SNAPSHOT_ADDRESS_FLAGS(word) == SNAPSHOT_HAS_V4;
}

/* answer_straight for several of a run. */
bool answer_straight_many(const struct snapshot_map *map, struct snapshot_run run, size_t most,
                          struct rng *rng, struct resolve_answer *ret_answer);

/* The straight way, that nearly all look-ups go: the only rule draws from destinations that have
 * IPv4 addresses and nothing else, for a call that wants those. Answers as answer_fill would, with
 * 50 instructions instead of 120, or returns false: then answer_fill decides. Such a rule brings no
 * name: the canonical one is that which was looked up. */
SNAPSHOT_INLINE bool answer_straight(const struct snapshot_map *map, struct snapshot_record record,
                                     const struct resolve_request *request,
                                     struct resolve_answer *ret_answer)
{
    uint64_t word = snapshot_map_word(map, record.body);
    size_t count = SNAPSHOT_RULE_COUNT(word), at = record.body + 1;
    size_t answers = SNAPSHOT_RULE_ANSWERS(word);

    /* Verb and flags in one comparison, without the answers between them. */
    if (SNAPSHOT_RARE((word & 0xff0f) != SNAPSHOT_DRAW || word >> 32 != count ||
                      count - 1 >= SNAPSHOT_DESTINATIONS || SNAPSHOT_META_RULES(record.meta) == 0 ||
                      request->family == AF_INET6))
        return false;
    ret_answer->canonical_length = 0;
    ret_answer->canonical[0] = '\0';
    if (count > 1) {
        struct snapshot_run run = {0, count, at};
        if (SNAPSHOT_RARE(answers > 1 && request->most > 1))
            return answer_straight_many(map, run, answers < request->most ? answers : request->most,
                                        request->rng, ret_answer);
        uint64_t random = rng_next(request->rng);
        uint64_t column = snapshot_map_word(map, at + pick_column(count, random));
        at += count + pick_draw(column, count, random);
    }
    ret_answer->count = 1;
    return answer_straight_read(snapshot_map_word(map, at), &ret_answer->destinations[0]);
}
