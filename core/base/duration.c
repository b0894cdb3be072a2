/* duration.c - lengths of time as people write them. */
#include "duration.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"

#define TEN_YEARS_MS (10ull * 366 * 24 * 3600 * 1000)

static const struct {
    const char *name;
    uint64_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}};

static int refuse(const char *text, struct error *err)
{
    error_set(err, ERROR_INVALID,
              "'%.64s' is no duration; allowed are whole numbers with ms, s, m "
              "or h, such as 500ms or 24h",
              text);
    return ERROR_INVALID;
}

int duration_read(const char *text, uint64_t *ret_ms, struct error *err)
{
    char *unit;

    if (!isdigit((unsigned char)text[0]))
        return refuse(text, err);
    errno = 0;
    uint64_t number = strtoull(text, &unit, 10);
    if (errno != 0)
        return refuse(text, err);
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (strcmp(unit, units[i].name) != 0)
            continue;
        if (number > TEN_YEARS_MS / units[i].ms)
            return error_set(err, ERROR_INVALID, "'%.64s' is above ten years, the longest duration",
                             text);
        *ret_ms = number * units[i].ms;
        return 0;
    }
    return refuse(text, err);
}

int duration_read_within(const char *text, uint64_t least_ms, uint64_t most_ms, uint64_t *ret_ms,
                         struct error *err)
{
    uint64_t ms = 0;
    int r = duration_read(text, &ms, err);

    if (r == 0 && ms < least_ms)
        r = error_set(err, ERROR_INVALID, "'%.64s' is below %" PRIu64 "ms, the least", text,
                      least_ms);
    else if (r == 0 && ms > most_ms)
        r = error_set(err, ERROR_INVALID, "'%.64s' is above %" PRIu64 "s, the most", text,
                      most_ms / 1000);
    if (r == 0)
        *ret_ms = ms;
    return r;
}
