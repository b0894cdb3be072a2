/* follow.h - documents on their way from a tree to the records that lie in a snapshot.
 * Floor: tests.
 */
#pragma once

#include "fuzz.h"
#include "value.h"

enum { FOLLOW_PARSED, FOLLOW_REFUSED, FOLLOW_CONSISTENT, FOLLOW_COMPILED, FOLLOW_GOALS };

/* Counted by follow_documents. The targets add goals of their own behind these. */
#define FOLLOW_GOAL_NAMES                                                                          \
    [FOLLOW_PARSED] = {"policy-parsed"}, [FOLLOW_REFUSED] = {"policy-refused"},                    \
    [FOLLOW_CONSISTENT] = {"policies-agree"}, [FOLLOW_COMPILED] = {"record-compiled"}

/* Parses each document of a list as a policy, puts those that are into a set, checks it, compiles
 * every key, proves and describes each record, explains each domain. Claims that each refusal has
 * words, and that what the compiler writes is what the checks take. */
void follow_documents(const struct value *documents, struct fuzz_goal goals[static FOLLOW_GOALS]);

/* Claims that an error says what is wrong. */
void follow_error(const struct error *err);
