/* atomic_model.h - put before each shipped source of the model (-include): their atomic loads and
 * stores of the modelled words, and their fences, go to the checker. All other atomics stay what
 * they are.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include "model.h"

#ifdef __clang__
#define ATOMIC_MODEL_LOAD(from, ret_value, order) (*(ret_value) = __c11_atomic_load(from, order))
#define ATOMIC_MODEL_STORE(to, value, order)      __c11_atomic_store(to, *(value), order)
#else
#define ATOMIC_MODEL_LOAD(from, ret_value, order) __atomic_load(from, ret_value, order)
#define ATOMIC_MODEL_STORE(to, value, order)      __atomic_store(to, value, order)
#endif

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_thread_fence

#define atomic_load_explicit(from, order)                                                          \
    __extension__({                                                                                \
        __auto_type model_from = (from);                                                           \
        __typeof__((void)0, *model_from) model_value;                                              \
        if (!model_load(model_from, sizeof(model_value), &model_value, (int)(order)))              \
            ATOMIC_MODEL_LOAD(model_from, &model_value, (int)(order));                             \
        model_value;                                                                               \
    })

#define atomic_store_explicit(to, value, order)                                                    \
    __extension__({                                                                                \
        __auto_type model_to = (to);                                                               \
        __typeof__((void)0, *model_to) model_value = (value);                                      \
        if (!model_store(model_to, sizeof(model_value), &model_value, (int)(order)))               \
            ATOMIC_MODEL_STORE(model_to, &model_value, (int)(order));                              \
    })

#define atomic_thread_fence(order) model_fence((int)(order))
