/* families.h - which address families this machine has, for AI_ADDRCONFIG.
 * Floor: reader (libc only; no lock, log or descriptor kept; errno untouched).
 */
#pragma once

enum families_family { FAMILIES_V4 = 1, FAMILIES_V6 = 2 };

/* The families that some interface has an address of, other than 127.0.0.1 and ::1: as glibc counts
 * for AI_ADDRCONFIG. Asked of the kernel at most every 5 s; both when that fails.
 *
 * Returns enum families_family, or-ed. Safe in any thread; asks getifaddrs, which allocates. */
unsigned families_configured(void);
