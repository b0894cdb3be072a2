/* domain.h - names that a policy may speak of: folded, within RFC 1035's limits.
 * Floor: policy (knows base). Pure; safe in any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

#define DOMAIN_MAX   253 /* bytes, without the trailing dot */
#define DOMAIN_LABEL 63

/* Checks and folds a domain.
 *
 *   text         any case, perhaps with one trailing dot; "*.x" is a wildcard
 *   is_wildcard  whether one may be
 *   ret_folded   lower case, no trailing dot
 *
 * Refused: labels that are empty, longer than DOMAIN_LABEL, begin or end with '-' or hold anything
 * but letters, digits, '-' and '_'; the root; what inet_aton reads as a number. Returns 0 or
 * ERROR_INVALID (text and hint only). */
int domain_fold(const char *text, bool is_wildcard, char ret_folded[static DOMAIN_MAX + 1],
                struct error *err);

/* The snapshot key of a domain: "*.x" becomes ".x", others stay. A view into domain. */
const char *domain_key(const char *domain);
