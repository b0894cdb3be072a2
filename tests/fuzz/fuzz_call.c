/* fuzz_call.c - the two ways in as programs call them: any arguments, buffers of any size.
 *
 * The modules are loaded as they are built, and asked about a good snapshot; what the shim passes
 * on, libc answers from /etc/hosts. Input: which function, how, the buffer's size and alignment,
 * four numbers, then the name and the service, each with its NUL.
 *
 * All that a result points at lies in the caller's buffer, which is as large as it was said to be.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auto.h"
#include "call.h"
#include "kinds.h"

struct fuzz_goal call_goals[CALL_GOALS] = {
    [CALL_FOUND] = {"nss-found"},         [CALL_SMALL] = {"buffer-too-small"},
    [CALL_DENIED] = {"nss-denied"},       [CALL_UNAVAILABLE] = {"nss-unavailable"},
    [CALL_NAMED] = {"nss-named"},         [CALL_LISTED] = {"shim-listed"},
    [CALL_REFUSED] = {"shim-refused"},    [CALL_SERVED] = {"shim-service-by-name"},
    [CALL_HOST] = {"shim-host"},          [CALL_NO_HOST] = {"shim-no-host"},
    [CALL_NAMEINFO] = {"shim-name-info"},
};

/* libc's: which sources a database has, in this process. */
extern int __nss_configure_lookup(const char *database, const char *sources);

void *call_load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!library) {
        (void)fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return library;
}

void *call_find(void *library, const char *name)
{
    void *found = dlsym(library, name);

    fuzz_claim(found != NULL, name);
    return found;
}

void call_is_within(const struct call *call, const void *at, size_t size)
{
    const char *from = at;

    fuzz_claim(from >= call->buffer && size <= call->size &&
                   from + size <= call->buffer + call->size,
               "a result lies in the caller's buffer");
}

void call_is_text_within(const struct call *call, const char *text)
{
    call_is_within(call, text, 1);
    fuzz_claim(memchr(text, 0, call->size - (size_t)(text - call->buffer)) != NULL, "a name ends");
    fuzz_claim(text[0] != '\0', "a name is there");
}

void call_check_host(const struct call *call, int family, const struct hostent *host)
{
    size_t addresses = 0, aliases = 0;

    if (family != AF_INET && family != AF_INET6) /* libc takes it for numbers, as one that it is */
        family = host->h_addrtype;
    fuzz_claim(host->h_addrtype == family, "a host is of the family asked for");
    fuzz_claim(host->h_length == (family == AF_INET6 ? 16 : 4), "its addresses have their length");
    while (host->h_addr_list[addresses])
        addresses++;
    while (host->h_aliases[aliases])
        aliases++;
    fuzz_claim(addresses > 0, "a host has an address");
    if (!call->buffer)
        return;
    call_is_text_within(call, host->h_name);
    call_is_within(call, host->h_aliases, (aliases + 1) * sizeof(char *));
    call_is_within(call, host->h_addr_list, (addresses + 1) * sizeof(char *));
    for (size_t i = 0; i < aliases; i++)
        call_is_text_within(call, host->h_aliases[i]);
    for (size_t i = 0; i < addresses; i++)
        call_is_within(call, host->h_addr_list[i], (size_t)host->h_length);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct snapshot_writer_options options = {.host_key = 1};
    struct snapshot_writer *writer;

    (void)argc;
    (void)argv;
    fuzz_goals(call_goals, CALL_GOALS);
    call_nss_load(call_load(NSS_MODULE));
    call_shim_load(call_load(SHIM_MODULE));
    fuzz_isolate();
    if (mkdir("/run/meshdns", 0755) < 0 || mkdir("/run/meshdns/v1", 0755) < 0)
        abort();
    fuzz_claim(snapshot_writer_open(SNAPSHOT_PATH, &options, &writer, NULL) == 0, "a snapshot");
    kinds_put(writer, 40);
    snapshot_writer_close(writer);
    fuzz_claim(__nss_configure_lookup("hosts", "files") == 0, "misses end at /etc/hosts");
    return 0;
}

/* Text up to a NUL, or the end. */
static void read_text(struct cursor *cursor, char ret_text[static CALL_TEXT_MOST + 1])
{
    size_t length = 0;

    while (length < CALL_TEXT_MOST && cursor_left(cursor) > 0 &&
           (ret_text[length] = (char)cursor_number(cursor, 1)) != '\0')
        length++;
    ret_text[length] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNSPEC, AF_UNIX};
    struct cursor cursor = cursor_view(bytes, size);
    unsigned which = (unsigned)cursor_number(&cursor, 1), how = (unsigned)cursor_number(&cursor, 1);
    struct call call = {.size = (size_t)cursor_number(&cursor, 2) % (CALL_BUFFER_MOST + 1),
                        .family = families[how >> 4 & 3]};
    size_t gap = (size_t)cursor_number(&cursor, 1) % 16;

    if (which & 1)
        gap &= 8; /* libc's own answers, for numbers, do not align what they lay out */
    call.numbers = cursor;
    (void)cursor_take(&cursor, 4);
    read_text(&cursor, call.name);
    read_text(&cursor, call.service);
    AUTO_FREE char *whole = malloc(gap + call.size ? gap + call.size : 1);
    if (!whole)
        abort();
    call.buffer = whole + gap;
    if (which & 1)
        call_shim_ask(&call, which / 2);
    else
        call_nss_ask(&call, which / 2, how);
    return 0;
}
