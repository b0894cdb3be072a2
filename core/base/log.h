/* log.h - one event, one line on standard error; for programs, never for library code.
 * Floor: base. A struct log may be shared by threads; not for signal handlers.
 *
 *     <4>destination-down policy=checkout reason="connection refused" failures=3
 *
 * The event word is stable, so that people can search and scripts can match. Values are quoted and
 * escaped when they hold anything but [A-Za-z0-9._:/@+-]. The <n> of sd-daemon(3) is written only
 * when the journal listens ($JOURNAL_STREAM is standard error). An event that repeats word by word
 * is held back for ten seconds and then told once more with repeated=N. Never log a secret.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
    LOG_LEVEL_ERROR = 3,   /* a person must act */
    LOG_LEVEL_WARNING = 4, /* degraded, going on */
    LOG_LEVEL_NOTICE = 5,  /* a state changed */
    LOG_LEVEL_INFO = 6,    /* routine */
};

struct log {
    int fd;
    enum log_level most; /* what is above is not written */
    bool journal;
    pthread_mutex_t lock;
    char last[1024]; /* the last line, to count its repeats */
    uint64_t last_ms;
    unsigned repeats;
};

/* One key=value of an event; text wins over number when it is not NULL. */
struct log_field {
    const char *key, *text;
    int64_t number;
};

static inline struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){.key = key, .text = text ? text : ""};
}

static inline struct log_field log_number(const char *key, int64_t number)
{
    return (struct log_field){.key = key, .number = number};
}

/* Ready to use on standard error, up to LOG_LEVEL_INFO. */
void log_init(struct log *log);

/* Writes what is still held back. */
void log_done(struct log *log);

/* Writes one event. count fields; at most 1000 bytes a line, what is longer is cut. */
void log_write(struct log *log, enum log_level level, const char *event,
               const struct log_field *fields, size_t count);

/* log_event(log, LOG_LEVEL_NOTICE, "joined", log_text("node", name), log_number("revision", 7)) */
#define log_event(log, level, event, ...)                                                          \
    log_write(log, level, event, (const struct log_field[]){__VA_ARGS__},                          \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
