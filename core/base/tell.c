/* tell.c - words for people, in colour where that is wanted. */
#include "tell.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "plain.h"

#define RED   "\033[31m"
#define AMBER "\033[33m"
#define FAINT "\033[2m"

static bool has_colour(int fd)
{
    const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");

    return !(refused && refused[0]) && terminal && strcmp(terminal, "dumb") != 0 && isatty(fd) == 1;
}

const char *tell_paint(FILE *out, const char *sequence)
{
    return has_colour(fileno(out)) ? sequence : "";
}

void tell_text(FILE *out, const char *text)
{
    AUTO_FREE char *plain = strdup(text);

    if (!plain)
        return;
    plain_make(plain);
    (void)fputs(plain, out);
}

static void put_hint(const struct error *err)
{
    if (err->hint[0] == '\0')
        return;
    (void)fprintf(stderr, "  %shint:%s ", tell_paint(stderr, FAINT),
                  tell_paint(stderr, TELL_PLAIN));
    tell_text(stderr, err->hint);
    (void)fputc('\n', stderr);
}

void tell_error(const char *program, struct error *err)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s", tell_paint(stderr, RED));
    if (err->where[0] == '\0')
        (void)fprintf(stderr, "%s: ", program);
    tell_text(stderr, error_line(err));
    (void)fprintf(stderr, "%s\n", tell_paint(stderr, TELL_PLAIN));
    put_hint(err);
}

void tell_warning(struct error *err)
{
    struct error place = *err;

    /* Only the place, as error_line writes it, then the word, then key and text. */
    place.key[0] = place.text[0] = '\0';
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s", tell_paint(stderr, AMBER));
    tell_text(stderr, error_line(&place));
    (void)fprintf(stderr, "warning:%s ", tell_paint(stderr, TELL_PLAIN));
    if (err->key[0]) {
        tell_text(stderr, err->key);
        (void)fprintf(stderr, ": ");
    }
    tell_text(stderr, err->text);
    (void)fputc('\n', stderr);
    put_hint(err);
}

int tell_close(const char *program)
{
    struct error err = {0};

    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return 0;
    error_errno(&err, "standard output", "cannot write");
    tell_error(program, &err);
    return error_exit_status(ERROR_IO);
}
