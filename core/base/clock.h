/* clock.h - the two clocks.
 * Floor: base. Safe in any thread and in signal handlers; errno untouched.
 *
 * Whatever is decided by time is decided by the boot clock, which no administrator can turn and
 * which goes on during suspend. The wall clock is for people only.
 */
#pragma once

#include <stdint.h>

/* Since boot, suspend included. */
uint64_t clock_boot_ns(void);
uint64_t clock_boot_ms(void);

/* Seconds since 1970, for what people read. */
int64_t clock_wall_s(void);
