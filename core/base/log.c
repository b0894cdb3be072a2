/* log.c - one event, one line. */
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

#define HOLD_MS 10000

/* The line under construction; a full one is cut. */
struct line {
    char text[1000];
    size_t length;
};

/* systemd sets JOURNAL_STREAM to device:inode of the stream that it reads. */
static bool journal_listens(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char ours[48];

    if (!stream || fstat(fd, &status) < 0)
        return false;
    (void)snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)status.st_dev,
                   (uintmax_t)status.st_ino);
    return strcmp(stream, ours) == 0;
}

void log_init(struct log *log)
{
    *log = (struct log){.fd = STDERR_FILENO, .most = LOG_LEVEL_INFO};
    log->journal = journal_listens(log->fd);
    pthread_mutex_init(&log->lock, NULL);
}

static void add(struct line *line, const char *text, size_t length)
{
    size_t room = sizeof(line->text) - line->length;

    if (length > room)
        length = room;
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

static bool is_plain(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "._:/@+-";
    return text[0] != '\0' && text[strspn(text, plain)] == '\0';
}

static void add_quoted(struct line *line, const char *text)
{
    add(line, "\"", 1);
    for (; *text; text++) {
        char escaped[5];
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\') {
            escaped[0] = '\\';
            escaped[1] = *text;
            add(line, escaped, 2);
        } else if (byte < 0x20 || byte == 0x7f) {
            add(line, escaped, (size_t)snprintf(escaped, sizeof(escaped), "\\x%02x", byte));
        } else {
            add(line, text, 1);
        }
    }
    add(line, "\"", 1);
}

static void add_field(struct line *line, const struct log_field *field)
{
    char number[24];

    add(line, " ", 1);
    add(line, field->key, strlen(field->key));
    add(line, "=", 1);
    if (!field->text) {
        int length = snprintf(number, sizeof(number), "%" PRId64, field->number);
        add(line, number, (size_t)length);
    } else if (is_plain(field->text)) {
        add(line, field->text, strlen(field->text));
    } else {
        add_quoted(line, field->text);
    }
}

/* One write() a line, so that lines of several processes do not mix. A log that cannot be written
 * has nobody to be told to. */
static void put(const struct log *log, const char *text, unsigned repeats)
{
    char out[1200];
    int length = repeats ? snprintf(out, sizeof(out), "%s repeated=%u\n", text, repeats)
                         : snprintf(out, sizeof(out), "%s\n", text);

    if (write(log->fd, out, (size_t)length) < 0)
        return;
}

static void flush_repeats(struct log *log)
{
    if (log->repeats)
        put(log, log->last, log->repeats);
    log->repeats = 0;
}

void log_write(struct log *log, enum log_level level, const char *event,
               const struct log_field *fields, size_t count)
{
    struct line line = {.length = 0};
    char prefix[8];

    if (level > log->most)
        return;
    if (log->journal)
        add(&line, prefix, (size_t)snprintf(prefix, sizeof(prefix), "<%d>", (int)level));
    add(&line, event, strlen(event));
    for (size_t i = 0; i < count; i++)
        add_field(&line, &fields[i]);

    uint64_t now_ms = clock_boot_ms();
    pthread_mutex_lock(&log->lock);
    bool is_repeat = strlen(log->last) == line.length &&
                     memcmp(log->last, line.text, line.length) == 0 &&
                     now_ms - log->last_ms < HOLD_MS;
    if (is_repeat) {
        log->repeats++;
    } else {
        flush_repeats(log);
        memcpy(log->last, line.text, line.length);
        log->last[line.length] = '\0';
        log->last_ms = now_ms;
        put(log, log->last, 0);
    }
    pthread_mutex_unlock(&log->lock);
}

void log_done(struct log *log)
{
    pthread_mutex_lock(&log->lock);
    flush_repeats(log);
    pthread_mutex_unlock(&log->lock);
    pthread_mutex_destroy(&log->lock);
}
