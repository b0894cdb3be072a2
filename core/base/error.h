/* error.h - what went wrong, where, and what to do: told once, by who knows most.
 * Floor: base. No globals; safe in any thread as long as each thread has its own struct error.
 *
 * What can fail returns an int: 0 or a count, or a negative enum error_code. The words for people
 * are in the struct error that the caller passes (NULL: not wanted). Library code neither logs nor
 * exits; a program prints an error or returns it, never both.
 */
#pragma once

#include <stddef.h>
#include <sysexits.h>

/* code, JSON name, exit status (sysexits.h), HTTP status */
/* clang-format off */
#define ERROR_TABLE(X)                                                       \
    X(ERROR_USAGE,           "usage",           EX_USAGE,       400) /* -1 */ \
    X(ERROR_INVALID,         "invalid",         EX_DATAERR,     422)          \
    X(ERROR_UNSUPPORTED,     "unsupported",     EX_DATAERR,     422)          \
    X(ERROR_CONFLICT,        "conflict",        EX_DATAERR,     409)          \
    X(ERROR_TOO_LARGE,       "too-large",       EX_DATAERR,     413)          \
    X(ERROR_NOT_FOUND,       "not-found",       EX_NOINPUT,     404)          \
    X(ERROR_UNREACHABLE,     "unreachable",     EX_UNAVAILABLE, 502)          \
    X(ERROR_INTERNAL,        "internal",        EX_SOFTWARE,    500)          \
    X(ERROR_IO,              "io",              EX_IOERR,       500)          \
    X(ERROR_FULL,            "full",            EX_IOERR,       507)          \
    X(ERROR_AGAIN,           "try-again",       EX_TEMPFAIL,    503)          \
    X(ERROR_UNAUTHENTICATED, "unauthenticated", EX_NOPERM,      401)          \
    X(ERROR_REFUSED,         "refused",         EX_NOPERM,      403)          \
    X(ERROR_CONFIG,          "configuration",   EX_CONFIG,      500)
/* clang-format on */

enum error_index {
#define X(code, name, exit_status, http_status) code##_INDEX,
    ERROR_TABLE(X)
#undef X
        ERROR_COUNT
};

enum error_code {
#define X(code, name, exit_status, http_status) code = -(code##_INDEX) - 1,
    ERROR_TABLE(X)
#undef X
};

/* The words of one failure. Start from {0}. Longer text is cut, never overrun; whatever it was made
 * of, it is UTF-8 without control characters, so that terminals and JSON may have it. */
struct error {
    enum error_code code;
    unsigned line;   /* from 1; 0 = the place is not in a text */
    unsigned column; /* from 1, in bytes */
    char where[256]; /* a file, an address, a document; "" = unknown */
    char key[192];   /* destinations[1].weight; "" = none */
    char text[512];  /* what was found, what is allowed; lower case, no full stop */
    char hint[320];  /* what to do next; "" = nothing useful to say */
    char rendered[1024];
};

/* Sets code and text (printf-like), clearing all else. Returns code, so that a caller can write
 * `return error_set(err, ERROR_INVALID, "...")`. err may be NULL. */
int error_set(struct error *err, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set, for a failed system call: `text: strerror(errno)`, at `where`. The code follows
 * from errno: ENOENT is ERROR_NOT_FOUND, EACCES and EPERM ERROR_REFUSED, ENOSPC, EDQUOT ERROR_FULL,
 * connection trouble ERROR_UNREACHABLE, all else ERROR_IO. Keeps errno. */
int error_errno(struct error *err, const char *where, const char *text);

/* Add to an error that was set. Each returns err->code, 0 when err is NULL. */
int error_where(struct error *err, const char *where);
int error_place(struct error *err, unsigned line, unsigned column);
int error_key(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
int error_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts `prefix` before the key: destinations[1] + weight = destinations[1].weight (no dot before a
 * bracket). For callers that know the surroundings of what they called. */
int error_within(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns `where:line:column: key: text` with the parts that are known. The text lies in err and
 * lives until err is changed. */
const char *error_line(struct error *err);

/* The table's columns; an unknown code reads as ERROR_INTERNAL. */
const char *error_name(int code);
int error_exit_status(int code);
int error_http_status(int code);
