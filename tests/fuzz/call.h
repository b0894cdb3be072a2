/* call.h - one call of a module's function: what it is given, and what may come out.
 * Floor: tests, for fuzz_call.c.
 */
#pragma once

#include <netdb.h>
#include <stddef.h>

#include "cursor.h"
#include "fuzz.h"

#define CALL_TEXT_MOST   300
#define CALL_BUFFER_MOST 1024 /* bytes; less may be too small */

enum {
    CALL_FOUND,
    CALL_SMALL,
    CALL_DENIED,
    CALL_UNAVAILABLE,
    CALL_NAMED,
    CALL_LISTED,
    CALL_REFUSED,
    CALL_SERVED,
    CALL_HOST,
    CALL_NO_HOST,
    CALL_NAMEINFO,
    CALL_GOALS
};
extern struct fuzz_goal call_goals[CALL_GOALS];

struct call {
    char name[CALL_TEXT_MOST + 1], service[CALL_TEXT_MOST + 1];
    char *buffer; /* nothing lies behind its last byte */
    size_t size;
    int family;
    struct cursor numbers; /* what else is to be chosen */
};

/* Claims that a thing, or a text with its NUL, lies in the call's buffer. */
void call_is_within(const struct call *call, const void *at, size_t size);
void call_is_text_within(const struct call *call, const char *text);

/* Claims that a host of this family is well-formed; within the buffer, if there is one. */
void call_check_host(const struct call *call, int family, const struct hostent *host);

/* Loads a module, or ends the program. */
void *call_load(const char *path);
void *call_find(void *library, const char *name);

/* The functions of each module. `which` is any number. */
void call_nss_load(void *library);
void call_nss_ask(struct call *call, unsigned which, unsigned how);
void call_shim_load(void *library);
void call_shim_ask(struct call *call, unsigned which);
