/* choice.h - look-ups that take several calls, and yet are one choice.
 * Floor: reader (libc only; no lock, log, allocation or descriptor; errno untouched).
 *
 * glibc asks a second time when a buffer was too small, and where one question is for both families
 * it asks for IPv6 and then for IPv4; programs do so too. Such a second call, in the same thread,
 * for the same name and within a second, goes back to the first one's draw. It does so once: a loop
 * that asks the same question draws anew each time. IPv4 and then IPv6 are two choices: else the
 * IPv6 half of a question for both could follow an older question for IPv4, and leave its own half.
 *
 *     enum resolve_result result = choice_resolve(&reader, &request, &choice, &answer);
 *     if (result == RESOLVE_FOUND)
 *         choice_end(&choice, packing_host(&answer, ...));
 *
 * Safe in any thread, in a signal handler, after fork and vfork.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "resolve.h"

/* What a later call needs to come to the same destinations. */
struct choice {
    const char *name;       /* as it was asked for: the caller's */
    unsigned family, drawn; /* what was asked for now, and when it was drawn */
    uint64_t epoch, state;  /* the random numbers that it was drawn with */
};

/* As resolve_name, but that a call which belongs to an earlier one gets that one's destinations:
 * those of them that have the family asked for. When none has, it draws as any call.
 *
 *   request     its rng is set: what may be repeated is drawn with numbers of its own
 *   ret_choice  filled with RESOLVE_FOUND, for choice_end
 */
enum resolve_result choice_resolve(struct snapshot_reader *reader, struct resolve_request *request,
                                   struct choice *ret_choice, struct resolve_answer *ret_answer);

/* Tells how a call ended that found something. Once for each.
 *
 *   is_given  the program has the answer: if that was for IPv6, the next question for IPv4 belongs
 *             to it. Else the buffer was too small: the next same question does.
 */
void choice_end(const struct choice *choice, bool is_given);
