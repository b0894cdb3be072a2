/* hash.h - the snapshot's hash, and the one that is alike on all machines.
 * Floor: reader (libc only; no lock, log, allocation or descriptor; errno untouched).
 *
 * XXH3 (xxHash 0.8), inlined. The keys are padded to 16 bytes as part of the format: XXH3 of an odd
 * length reads across two stores that were just made, which costs 4 ns a call.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "snapshot_format.h"

/* The hash of a key in a snapshot.
 *
 *   key     zero bytes follow it up to a multiple of 16 bytes
 *   length  1..SNAPSHOT_KEY_MAX
 *   secret  SNAPSHOT_SECRET bytes, the file's own
 */
static inline uint64_t hash_key(const void *key, size_t length, const void *secret)
{
    return XXH3_64bits_withSecret(key, (length + 15) & ~(size_t)15, secret, SNAPSHOT_SECRET);
}

/* The hash of a text that must be the same on every machine and in every version. */
static inline uint64_t hash_text(const void *text, size_t length)
{
    return XXH3_64bits(text, length);
}
