/* asks.c - puts questions to a reader and prints what it answers, so that two readers can be
 * compared. Compiled twice: with the frozen reader and with today's.
 *
 *     asks FILE COUNT <QUESTIONS     each line: shim|nss any|v4|v6 MOST NAME, or: address IPV4
 *     asks FILE                      reads whole.h's records for MESHDNS_SECONDS, while they change
 *
 * Each question is put COUNT times. Prints it, then each answer that came and how often.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "resolve.h"
#include "whole.h"

#define ANSWERS   256  /* different ones to one question */
#define TEXT      1024 /* bytes of one */
#define PERMANENT 100  /* as in stress_readers.c: records below this exist throughout */

static struct snapshot_reader reader;

struct tally {
    size_t count;
    struct {
        char text[TEXT];
        unsigned times;
    } answers[ANSWERS];
};

static void note(struct tally *tally, const char *text)
{
    size_t i = 0;

    while (i < tally->count && strcmp(tally->answers[i].text, text) != 0)
        i++;
    if (i == ANSWERS)
        exit(70);
    if (i == tally->count) {
        (void)snprintf(tally->answers[i].text, TEXT, "%s", text);
        tally->answers[i].times = 0;
        tally->count++;
    }
    tally->answers[i].times++;
}

static void describe(enum resolve_result result, const struct resolve_answer *answer, bool is_name,
                     char text[static TEXT])
{
    static const char *const results[] = {"miss", "found", "denied", "no data"};
    size_t at = (size_t)snprintf(text, TEXT, "%s", results[result]);

    if (result != RESOLVE_FOUND)
        return;
    at += (size_t)snprintf(text + at, TEXT - at, " %s", answer->canonical);
    for (size_t i = 0; i < answer->count && !is_name; i++) {
        const struct resolve_destination *d = &answer->destinations[i];
        char v4[INET_ADDRSTRLEN] = "-", v6[INET6_ADDRSTRLEN] = "-";
        if (d->has_v4)
            (void)inet_ntop(AF_INET, &d->v4, v4, sizeof(v4));
        if (d->has_v6)
            (void)inet_ntop(AF_INET6, d->v6, v6, sizeof(v6));
        at += (size_t)snprintf(text + at, TEXT - at, " %s/%s:%d", v4, v6, d->port);
    }
}

static void ask_name(const char *line, char text[static TEXT])
{
    static struct rng rng;
    struct resolve_answer answer;
    char caller[8], family[8], name[300];
    struct resolve_request request = {.name = name, .rng = &rng};

    if (sscanf(line, "%7s %7s %u %299s", caller, family, &request.most, name) != 4)
        exit(64);
    request.caller = strcmp(caller, "nss") == 0 ? RESOLVE_NSS : RESOLVE_SHIM;
    request.family = strcmp(family, "v4") == 0   ? AF_INET
                     : strcmp(family, "v6") == 0 ? AF_INET6
                                                 : AF_UNSPEC;
    describe(resolve_name(&reader, &request, &answer), &answer, false, text);
}

static void ask_address(const char *address, char text[static TEXT])
{
    struct resolve_answer answer;
    uint8_t bytes[16];
    bool is_v4 = inet_pton(AF_INET, address, bytes) == 1;

    if (!is_v4 && inet_pton(AF_INET6, address, bytes) != 1)
        exit(64);
    describe(resolve_address(&reader, bytes, is_v4 ? 4 : 16, &answer), &answer, true, text);
}

static int ask_all(int count)
{
    static struct tally tally;
    char line[512], text[TEXT];

    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        tally.count = 0;
        for (int i = 0; i < count; i++) {
            if (strncmp(line, "address ", 8) == 0)
                ask_address(line + 8, text);
            else
                ask_name(line, text);
            note(&tally, text);
        }
        printf("? %s\n", line);
        for (size_t i = 0; i < tally.count; i++)
            printf("%u %s\n", tally.answers[i].times, tally.answers[i].text);
    }
    return 0;
}

static int follow(time_t seconds)
{
    uint32_t last[PERMANENT] = {0}, version = 0;
    size_t found = 0, missed = 0, torn = 0, back = 0, changed = 0;
    struct rng rng = {0};

    for (time_t end = time(NULL) + seconds; time(NULL) < end;)
        for (unsigned i = 0; i < 4096; i++) {
            unsigned id = (unsigned)(rng_mix(++rng.state) % PERMANENT);
            enum whole_seen seen = whole_look(&reader, NULL, id, &version);
            torn += seen == WHOLE_TORN;
            missed += seen == WHOLE_MISS;
            if (seen != WHOLE_FOUND)
                continue;
            found++;
            back += version < last[id];
            changed += version > last[id] && last[id] > 0;
            last[id] = version;
        }
    whole_tap(torn == 0, "%zu torn answers", torn);
    whole_tap(missed == 0, "%zu of names that exist throughout were missed", missed);
    whole_tap(back == 0, "%zu versions went back", back);
    whole_tap(found > 1000 && changed > 100, "%zu were found, %zu of them changed", found, changed);
    return whole_end();
}

int main(int argc, char **argv)
{
    const char *seconds = getenv("MESHDNS_SECONDS");

    if (argc < 2)
        return 64;
    reader = (struct snapshot_reader)SNAPSHOT_READER(argv[1]);
    return argc > 2 ? ask_all(atoi(argv[2])) : follow(seconds ? atoi(seconds) : 5);
}
