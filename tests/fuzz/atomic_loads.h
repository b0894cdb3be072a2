/* atomic_loads.h - put before a source of the reader, makes each of its atomic loads an event.
 * Floor: tests. Compiled into fuzz_changing only, by -include.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

/* Called before each atomic load with its address. */
void atomic_loads_event(uintptr_t address);

#undef atomic_load_explicit
#ifdef __clang__
#define atomic_loads_plain(address, order) __c11_atomic_load(address, (int)(order))
#else
#define atomic_loads_plain(address, order) __atomic_load_n(address, order)
#endif
#define atomic_load_explicit(address, order)                                                       \
    (atomic_loads_event((uintptr_t)(address)), atomic_loads_plain(address, order))
