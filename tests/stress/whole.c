/* whole.c - see whole.h; what needs the reader alone. */
#include "whole.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

static unsigned taps, failures;

uint16_t whole_port(unsigned id, uint32_t version)
{
    return (uint16_t)((version * 31 + id * 7) | 1);
}

size_t whole_key(unsigned id, char ret_key[static WHOLE_KEY])
{
    return (size_t)snprintf(ret_key, WHOLE_KEY, "%sname-%u.%.*s", id % 16 == 3 ? "." : "", id,
                            (int)(id % 7 + 1), "abcdefgh");
}

void whole_name(unsigned id, char ret_name[static WHOLE_KEY + 8])
{
    char key[WHOLE_KEY];

    (void)whole_key(id, key);
    (void)snprintf(ret_name, WHOLE_KEY + 8, "%s%s", key[0] == '.' ? "any" : "", key);
}

/* The version that a destination tells; 0 when its parts contradict each other. */
static uint32_t version_of(const struct resolve_destination *d, unsigned id)
{
    uint32_t v4 = ntohl(d->v4), version = 0;

    if (d->has_v4) {
        version = v4 & 0xffffff;
        if (v4 >> 24 != ((id + 1) & 0xff))
            return 0;
    }
    if (d->has_v6) {
        uint64_t low = 0;
        for (int i = 8; i < 16; i++)
            low = low << 8 | d->v6[i];
        uint32_t v6 = (uint32_t)(low >> 8);
        if (low >> 40 != id + 1 || d->v6[0] != 0xfd || (d->has_v4 && v6 != version))
            return 0;
        version = v6;
    }
    return d->port == whole_port(id, version) ? version : 0;
}

static bool is_canonical(const struct resolve_answer *answer, unsigned id, uint32_t version)
{
    char expected[WHOLE_KEY + 8];

    if (version % 5 == 0)
        (void)snprintf(expected, sizeof(expected), "canon-%u-%u", id, version);
    else
        whole_name(id, expected);
    return strcmp(answer->canonical, expected) == 0 && answer->canonical_length == strlen(expected);
}

enum whole_seen whole_look(struct snapshot_reader *reader, struct rng *rng, unsigned id,
                           uint32_t *ret_version)
{
    char name[WHOLE_KEY + 8];
    struct resolve_answer answer;

    whole_name(id, name);
    struct resolve_request request = {.name = name, .caller = RESOLVE_SHIM, .most = 16, .rng = rng};
    enum resolve_result result = resolve_name(reader, &request, &answer);
    return whole_judge(result, &answer, id, 16, ret_version);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum whole_seen whole_judge(enum resolve_result result, const struct resolve_answer *answer,
                            unsigned id, unsigned most, uint32_t *ret_version)
{
    if (result == RESOLVE_MISS)
        return WHOLE_MISS;
    if (result != RESOLVE_FOUND || answer->count < 1 || answer->count > 16)
        return WHOLE_TORN;

    uint32_t version = version_of(&answer->destinations[0], id);
    for (size_t i = 1; i < answer->count; i++)
        if (version_of(&answer->destinations[i], id) != version)
            return WHOLE_TORN;
    size_t count = (version * 5 + id) % 24 + 1, answers = version % 16 + 1;
    if (version == 0 || !is_canonical(answer, id, version) ||
        answer->count != least(most, least(count, answers)))
        return WHOLE_TORN;
    *ret_version = version;
    return WHOLE_FOUND;
}

void whole_one_processor(void)
{
    cpu_set_t allowed, one;

    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
        return;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed))
            continue;
        CPU_SET(cpu, &one);
        (void)sched_setaffinity(0, sizeof(one), &one);
        return;
    }
}

int whole_go(pid_t child, int request)
{
    int status = 0;

    if (ptrace((enum __ptrace_request)request, child, NULL, NULL) < 0 ||
        waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) {
        whole_tap(false, "the child died: status %#x", (unsigned)status);
        exit(whole_end());
    }
    return WSTOPSIG(status);
}

bool whole_is_long(void)
{
    const char *is_long = getenv("MESHDNS_LONG");

    return is_long && is_long[0] == '1';
}

void whole_folder(char ret_path[static 64])
{
    (void)snprintf(ret_path, 64, "/dev/shm/meshdns-stress.XXXXXX");
    if (!mkdtemp(ret_path)) {
        perror("mkdtemp");
        abort();
    }
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

void whole_remove(const char *path)
{
    (void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

bool whole_tap(bool is_good, const char *format, ...)
{
    va_list arguments;

    (void)printf("%sok %u - ", is_good ? "" : "not ", ++taps);
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)printf("\n");
    (void)fflush(stdout);
    failures += !is_good;
    return is_good;
}

int whole_end(void)
{
    (void)printf("1..%u\n", taps);
    return failures > 0;
}
