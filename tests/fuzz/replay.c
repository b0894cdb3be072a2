/* replay.c - runs a fuzz target on files, where libFuzzer is not linked: `fuzz_name FILE...`. */
#include <stdio.h>

#include "auto.h"
#include "file.h"
#include "fuzz.h"

/* Never called: who replays does not mutate. */
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most)
{
    (void)bytes;
    return size < most ? size : most;
}

int main(int argc, char **argv)
{
    (void)LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        AUTO_FREE char *content = NULL;
        struct error err = {0};
        size_t size;

        if (file_read(argv[i], SIZE_MAX / 2, &content, &size, &err) < 0) {
            (void)fprintf(stderr, "%s\n", error_line(&err));
            return err.code == ERROR_NOT_FOUND ? 66 : 74;
        }
        void *copy = fuzz_copy(content, size);
        (void)LLVMFuzzerTestOneInput(copy, size);
        free(copy);
    }
    return 0;
}
