/* answer.h - from a rule to destinations: draw, list or stick.
 * Floor: reader (libc only; no lock, log, allocation or descriptor; errno untouched). Internal.
 */
#pragma once

#include "resolve.h"
#include "snapshot_map.h"
#include "snapshot_rule.h"

/* Fills ret_answer's destinations from a rule whose verb is DRAW, LIST or a STICK.
 *
 * Returns RESOLVE_FOUND; RESOLVE_NO_DATA when no destination has a family asked for; RESOLVE_MISS
 * when the rule makes no sense. Whether the record was whole is for the caller to check. */
enum resolve_result answer_fill(const struct snapshot_map *map, const struct snapshot_rule *rule,
                                const struct resolve_request *request,
                                struct resolve_answer *ret_answer);
