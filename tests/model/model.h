/* model.h - between the shipped code, in C, and the checker, in C++ (checker.cpp).
 *
 * A snapshot with two names lies in memory. In each run one thread changes both names, so that
 * blocks are reused, and another looks one of them up, both with the shipped code. The checker
 * decides who goes on at each load, store and fence, and which of the stores that C11 allows a load
 * sees.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MODEL_SLOTS  64
#define MODEL_BLOCKS 3
#define MODEL_WORDS  (MODEL_SLOTS + MODEL_BLOCKS * 8)

/* By the shipped code, see atomic_model.h. False: the word is none of the model's. The orders are
 * C11's. */
bool model_load(const volatile void *from, size_t size, void *ret_value, int order);
bool model_store(volatile void *to, size_t size, const void *value, int order);
void model_fence(int order);

/* By the checker. What a word is for, so that an order can be weakened in one place. */
enum model_kind { MODEL_SLOT, MODEL_SEQUENCE, MODEL_BODY };
enum model_kind model_kind(size_t word);

/* Lays the snapshot out, before all runs; then the words as they are at the start of each run. */
void model_prepare(void);
uint64_t model_start(size_t word);

/* The number of a modelled word, or -1. */
int model_word(const volatile void *at);

/* The two threads of a run. The reader returns what was wrong, or NULL. */
void model_write(void);
const char *model_read(void);

#ifdef __cplusplus
}
#endif
