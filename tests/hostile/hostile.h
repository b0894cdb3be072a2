/* hostile.h - a program that is put into the places where meshdns must break nothing.
 * Floor: tests. Knows libc only: it looks names up as any program does.
 *
 *     hostile CASE      0 = all was as it should be; else 1, and a line on stderr
 *
 * tests/system/test_hostile.py runs the cases on a machine of their own, under the shim and through
 * NSS. Its snapshot answers HOSTILE_HIT with HOSTILE_FIRST, and HOSTILE_MANY with 10.0.2.1 to .8,
 * drawn; HOSTILE_MISS is left to what lies behind meshdns.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HOSTILE_HIT  "hit.mesh"
#define HOSTILE_MANY "many.mesh"
#define HOSTILE_MISS "miss.example"
#define HOSTILE_APP  "app.mesh" /* for programs of another name */

#define HOSTILE_ADDRESS(a, b, c, d)                                                                \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define HOSTILE_FIRST  HOSTILE_ADDRESS(10, 0, 1, 4)
#define HOSTILE_SECOND HOSTILE_ADDRESS(10, 0, 1, 5) /* what HOSTILE_HIT is changed to */
#define HOSTILE_OTHER  HOSTILE_ADDRESS(10, 0, 1, 9) /* of another snapshot */

#define HOSTILE_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The cases, by subject. Each ends by returning, or by hostile_fail. */
void hostile_plain(void);
void hostile_closed_descriptors(void);
void hostile_closed_standard_descriptors(void);
void hostile_dropped_privileges(void);
void hostile_few_descriptors(void);
void hostile_little_address_space(void);
void hostile_little_data(void);
void hostile_locked_memory(void);
void hostile_locked_memory_limit(void);
void hostile_dumps(void);
void hostile_vfork(void);
void hostile_at_exit(void);

void hostile_chroot_after(void);
void hostile_chroot_before(void);
void hostile_pivot_root(void);
void hostile_namespaces(void);
void hostile_clock_set_back(void);

void hostile_killed_for_files(void);
void hostile_killed_for_all(void);
void hostile_killed_before_a_match(void);
void hostile_killed_for_all_but_libc(void);
void hostile_refused_growth(void);
void hostile_allowed_growth(void);
void hostile_refused_first(void);

void hostile_fork_from_threads(void);
void hostile_cancelled_when_due(void);
void hostile_cancelled_anywhere(void);
void hostile_signals(void);
void hostile_small_stack(void);
void hostile_stopped(void);

void hostile_own_namespace(void);
void hostile_deep_bind(void);
void hostile_static_tls(void);

/* Ends the program with 1, after a line that says why. */
_Noreturn void hostile_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* hostile_fail, unless what is claimed holds. */
void hostile_check(bool is_true, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* fork, but that the child is killed when its parent ends. */
pid_t hostile_fork(void);

/* The first IPv4 address of a name, in host order; 0 when there is none. By getaddrinfo. */
uint32_t hostile_look(const char *name);

/* Has the allocator start and the NSS module loaded, so that neither is the reason why a first
 * look-up fails; makes hostile_look_quietly ready. Looks nothing up. */
void hostile_load(void);

/* hostile_look without an allocation, for signal handlers and cancelled threads: the shim's
 * gethostbyname2_r, or the module's own function. */
uint32_t hostile_look_quietly(const char *name);

/* Looks a name up and fails unless this is the answer. */
void hostile_expect(const char *name, uint32_t address, const char *when);

/* Waits until HOSTILE_HIT has this address, for at most 20 s. */
void hostile_wait_for(uint32_t address, const char *when);

/* Whether the shim is loaded, and not the NSS module. */
bool hostile_is_shim(void);

/* Does to the snapshot what the agent does, from a process that was started before the case and
 * whose surroundings stay as they were. All wait until it is done. */
void hostile_change(uint32_t address); /* of HOSTILE_HIT, in place */
void hostile_grow(uint32_t address);   /* the file is replaced; then changed */

/* A value of this process in /proc/self/status, in KiB. Fails if it is not there. */
long hostile_status(const char *key);

/* How many descriptors are open, less the one that counts. */
size_t hostile_descriptors(void);
