/* error.c - fills and renders struct error. */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plain.h"

static const struct {
    const char *name;
    int exit_status, http_status;
} table[ERROR_COUNT] = {
#define X(code, name, exit_status, http_status) {name, exit_status, http_status},
    ERROR_TABLE(X)
#undef X
};

static size_t row(int code)
{
    return code < 0 && code >= -ERROR_COUNT ? (size_t)(-code - 1) : ERROR_INTERNAL_INDEX;
}

/* Formats into a field; text that does not fit is cut, which is why the result is not looked at. */
__attribute__((format(printf, 3, 0))) static void fill(char *field, size_t size, const char *format,
                                                       va_list arguments)
{
    (void)vsnprintf(field, size, format, arguments);
    plain_make(field);
}

int error_set(struct error *err, enum error_code code, const char *format, ...)
{
    if (!err)
        return code;
    *err = (struct error){.code = code};

    va_list arguments;
    va_start(arguments, format);
    fill(err->text, sizeof(err->text), format, arguments);
    va_end(arguments);
    return code;
}

static enum error_code code_of_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return ERROR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERROR_REFUSED;
    case ENOSPC:
    case EDQUOT:
        return ERROR_FULL;
    case ECONNREFUSED:
    case ECONNRESET:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ETIMEDOUT:
        return ERROR_UNREACHABLE;
    case EAGAIN:
    case EINTR:
    case EADDRINUSE:
        return ERROR_AGAIN;
    default:
        return ERROR_IO;
    }
}

int error_errno(struct error *err, const char *where, const char *text)
{
    int number = errno;
    int code = error_set(err, code_of_errno(number), "%s: %s", text, strerror(number));

    error_where(err, where);
    errno = number;
    return code;
}

int error_where(struct error *err, const char *where)
{
    if (!err)
        return 0;
    (void)snprintf(err->where, sizeof(err->where), "%s", where ? where : "");
    plain_make(err->where);
    return err->code;
}

int error_place(struct error *err, unsigned line, unsigned column)
{
    if (!err)
        return 0;
    err->line = line;
    err->column = column;
    return err->code;
}

int error_key(struct error *err, const char *format, ...)
{
    if (!err)
        return 0;

    va_list arguments;
    va_start(arguments, format);
    fill(err->key, sizeof(err->key), format, arguments);
    va_end(arguments);
    return err->code;
}

int error_hint(struct error *err, const char *format, ...)
{
    if (!err)
        return 0;

    va_list arguments;
    va_start(arguments, format);
    fill(err->hint, sizeof(err->hint), format, arguments);
    va_end(arguments);
    return err->code;
}

int error_within(struct error *err, const char *format, ...)
{
    if (!err)
        return 0;

    char inner[sizeof(err->key)], outer[sizeof(err->key)];
    memcpy(inner, err->key, sizeof(inner));

    va_list arguments;
    va_start(arguments, format);
    fill(outer, sizeof(outer), format, arguments);
    va_end(arguments);

    const char *joint = inner[0] == '\0' || inner[0] == '[' ? "" : ".";
    /* Both parts can fill the field; what does not fit is cut at the inner end. */
    (void)snprintf(err->key, sizeof(err->key), "%.90s%s%.90s", outer, joint, inner);
    plain_make(err->key);
    return err->code;
}

const char *error_line(struct error *err)
{
    char place[32] = "";

    if (err->line)
        (void)snprintf(place, sizeof(place), "%u:%u: ", err->line, err->column);
    (void)snprintf(err->rendered, sizeof(err->rendered), "%s%s%s%s%s%s", err->where,
                   err->where[0] == '\0' ? "" : (err->line ? ":" : ": "), place, err->key,
                   err->key[0] == '\0' ? "" : ": ", err->text);
    return err->rendered;
}

const char *error_name(int code)
{
    return table[row(code)].name;
}

int error_exit_status(int code)
{
    return table[row(code)].exit_status;
}

int error_http_status(int code)
{
    return table[row(code)].http_status;
}
