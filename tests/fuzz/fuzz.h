/* fuzz.h - what all fuzz targets share: the entry points, claims, and the proof that a target
 * reaches what it is for.
 * Floor: tests.
 *
 * A target is one fuzz_NAME.c with LLVMFuzzerInitialize and LLVMFuzzerTestOneInput. A build with
 * -fsanitize=fuzzer-no-link gets libFuzzer's main, every other one replay.c, which runs files.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* libFuzzer calls these by name. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);

/* libFuzzer's own mutations, and none in a build without it. */
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);

/* What a target must reach to prove anything: a policy that compiles, a message that is read. */
struct fuzz_goal {
    const char *name;
    size_t count;
};

/* Prints `goal NAME COUNT` for each goal on standard error when the program ends; tools/fuzz takes
 * a 0 for a failure. goals outlive the program. */
void fuzz_goals(struct fuzz_goal *goals, size_t count);

/* Ends the program with the words, which libFuzzer takes for a find, unless `is_true`. */
void fuzz_claim(int is_true, const char *claim);

/* A copy of just this size (1 byte more does not exist, so that AddressSanitizer sees a read
 * behind it), 16-aligned. free() it. */
void *fuzz_copy(const void *bytes, size_t size);

/* Moves this process into mount and network namespaces of its own, with an empty tmpfs on /run:
 * what is written there ends with the process, however it ends, and no question leaves the
 * machine. Without root a user namespace helps. Ends the program when the kernel refuses. */
void fuzz_isolate(void);

/* Writes a file, mode 0600. Ends the program when that fails. */
void fuzz_write(const char *path, const void *bytes, size_t size);
