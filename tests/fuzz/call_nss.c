/* call_nss.c - glibc's questions to an NSS module, with arguments that glibc would not give. */
#include <errno.h>
#include <nss.h>
#include <string.h>
#include <sys/socket.h>

#include "call.h"
#include "kinds.h"

typedef enum nss_status (*by_name)(const char *, struct hostent *, char *, size_t, int *, int *);
typedef enum nss_status (*by_name2)(const char *, int, struct hostent *, char *, size_t, int *,
                                    int *);
typedef enum nss_status (*by_name3)(const char *, int, struct hostent *, char *, size_t, int *,
                                    int *, int32_t *, char **);
typedef enum nss_status (*by_name4)(const char *, struct gaih_addrtuple **, char *, size_t, int *,
                                    int *, int32_t *);
typedef enum nss_status (*by_address)(const void *, socklen_t, int, struct hostent *, char *,
                                      size_t, int *, int *);
typedef enum nss_status (*by_address2)(const void *, socklen_t, int, struct hostent *, char *,
                                       size_t, int *, int *, int32_t *);

static by_name nss_name;
static by_name2 nss_name2;
static by_name3 nss_name3;
static by_name4 nss_name4;
static by_address nss_address;
static by_address2 nss_address2;

void call_nss_load(void *library)
{
    *(void **)&nss_name = call_find(library, "_nss_meshdns_gethostbyname_r");
    *(void **)&nss_name2 = call_find(library, "_nss_meshdns_gethostbyname2_r");
    *(void **)&nss_name3 = call_find(library, "_nss_meshdns_gethostbyname3_r");
    *(void **)&nss_name4 = call_find(library, "_nss_meshdns_gethostbyname4_r");
    *(void **)&nss_address = call_find(library, "_nss_meshdns_gethostbyaddr_r");
    *(void **)&nss_address2 = call_find(library, "_nss_meshdns_gethostbyaddr2_r");
}

static void check_tuples(const struct call *call, const struct gaih_addrtuple *tuple,
                         const struct gaih_addrtuple *given)
{
    size_t count = 0;

    for (; tuple; tuple = tuple->next, count++) {
        if (tuple != given)
            call_is_within(call, tuple, sizeof(*tuple));
        fuzz_claim(tuple->family == AF_INET || tuple->family == AF_INET6, "a tuple has a family");
        call_is_text_within(call, tuple->name);
    }
    fuzz_claim(count == 1 || count == 2, "one destination is returned");
}

static void check_status(const struct call *call, enum nss_status status, int error, int h_error)
{
    switch (status) {
    case NSS_STATUS_SUCCESS:
        call_goals[CALL_FOUND].count++;
        fuzz_claim(h_error == NETDB_SUCCESS, "success is no error");
        break;
    case NSS_STATUS_TRYAGAIN:
        call_goals[CALL_SMALL].count++;
        fuzz_claim(error == ERANGE && h_error == NETDB_INTERNAL && call->size < CALL_BUFFER_MOST,
                   "only a small buffer is tried again");
        break;
    case NSS_STATUS_NOTFOUND:
        call_goals[CALL_DENIED].count++;
        fuzz_claim(h_error == HOST_NOT_FOUND || h_error == NO_DATA, "there is no such name");
        break;
    case NSS_STATUS_UNAVAIL:
        call_goals[CALL_UNAVAILABLE].count++;
        break;
    case NSS_STATUS_RETURN:
    default:
        fuzz_claim(0, "the status is one that glibc knows");
    }
}

void call_nss_ask(struct call *call, unsigned which, unsigned how)
{
    struct hostent host = {0};
    struct gaih_addrtuple given = {0}, *tuples = how & 1 ? &given : NULL;
    char *canonical = NULL;
    int32_t ttl = 1, *ret_ttl = how & 2 ? &ttl : NULL;
    const void *address = how & 8 ? KINDS_ADDRESS : call->name;
    socklen_t length = how & 8 ? 4 : (socklen_t)strlen(call->name);
    char *buffer = call->buffer;
    size_t size = call->size;
    enum nss_status status;
    int error = 0, h_error = 0, family = which % 6 == 0 ? AF_INET : call->family;

    switch (which % 6) {
    case 0:
        status = nss_name(call->name, &host, buffer, size, &error, &h_error);
        break;
    case 1:
        status = nss_name2(call->name, family, &host, buffer, size, &error, &h_error);
        break;
    case 2:
        status = nss_name3(call->name, family, &host, buffer, size, &error, &h_error, ret_ttl,
                           how & 4 ? &canonical : NULL);
        break;
    case 3:
        status = nss_name4(call->name, &tuples, buffer, size, &error, &h_error, ret_ttl);
        break;
    case 4:
        status = nss_address(address, length, family, &host, buffer, size, &error, &h_error);
        break;
    default:
        status =
            nss_address2(address, length, family, &host, buffer, size, &error, &h_error, ret_ttl);
    }
    check_status(call, status, error, h_error);
    if (status != NSS_STATUS_SUCCESS)
        return;
    if (canonical)
        call_is_text_within(call, canonical);
    call_goals[CALL_NAMED].count += which % 6 >= 4;
    if (which % 6 == 3)
        check_tuples(call, tuples, &given);
    else
        call_check_host(call, family == AF_UNSPEC ? AF_INET : family, &host);
}
