/* families.c - getifaddrs, remembered for 5 s in one atomic word: when it ends, and what it was.
 *
 * glibc's own rule (sysdeps/unix/sysv/linux/check_pf.c): 127.0.0.9 counts, fe80::1 counts.
 */
#include "families.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define REMEMBERED_MS 5000

static _Atomic uint64_t remembered; /* families:2, then the coarse clock in ms when they expire */

static unsigned family_of(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address && address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof(v4));
        return v4.sin_addr.s_addr == htonl(INADDR_LOOPBACK) ? 0 : FAMILIES_V4;
    }
    if (address && address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof(v6));
        return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ? 0 : FAMILIES_V6;
    }
    return 0;
}

static unsigned ask(void)
{
    int saved = errno;
    struct ifaddrs *all = NULL;
    unsigned families = 0;

    if (getifaddrs(&all) < 0) {
        families = FAMILIES_V4 | FAMILIES_V6;
    } else {
        for (const struct ifaddrs *each = all; each; each = each->ifa_next)
            families |= family_of(each->ifa_addr);
        freeifaddrs(all);
    }
    errno = saved;
    return families;
}

unsigned families_configured(void)
{
    struct timespec now = {0};
    /* Relaxed: the word is all there is. Threads that find it expired together all ask. */
    uint64_t word = atomic_load_explicit(&remembered, memory_order_relaxed);

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    if (word >> 2 > now_ms)
        return (unsigned)word & 3;

    unsigned families = ask();
    atomic_store_explicit(&remembered, (now_ms + REMEMBERED_MS) << 2 | families,
                          memory_order_relaxed);
    return families;
}
