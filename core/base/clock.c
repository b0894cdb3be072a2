/* clock.c - reads the two clocks. */
#include "clock.h"

#include <time.h>

uint64_t clock_boot_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_boot_ms(void)
{
    return clock_boot_ns() / 1000000u;
}

int64_t clock_wall_s(void)
{
    return (int64_t)time(NULL);
}
