/* fuzz_policy.c - any bytes as a YAML file: read, checked, compiled, and written again.
 */
#include <stdio.h>
#include <string.h>

#include "auto.h"
#include "follow.h"
#include "yaml.h"
#include "yaml_write.h"

enum { READ = FOLLOW_GOALS, UNREADABLE, WRITTEN, GOALS };
static struct fuzz_goal goals[GOALS] = {
    FOLLOW_GOAL_NAMES,
    [READ] = {"yaml-read"},
    [UNREADABLE] = {"yaml-refused"},
    [WRITTEN] = {"yaml-written"},
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_goals(goals, GOALS);
    return 0;
}

/* What is written reads as the same document. */
static void there_and_back(const struct value *document)
{
    AUTO_VALUE struct value back = {.type = VALUE_NULL};
    AUTO_FREE char *text = NULL;
    struct error err = {0};
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        abort();
    int r = yaml_write(document, out, &err);
    (void)fclose(out);
    fuzz_claim(r == 0, "a document that was read can be written");
    if (size > YAML_DOCUMENT_MAX)
        return; /* quoting made it longer than what is read */
    fuzz_claim(yaml_read(text, size, "back", &back, &err) == 0, "what is written can be read");
    fuzz_claim(back.type == VALUE_LIST && back.list.count == 1 &&
                   value_is_equal(&back.list.items[0], document),
               "what is written reads as the same");
    goals[WRITTEN].count++;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    AUTO_VALUE struct value documents = {.type = VALUE_NULL};
    struct error err = {0};
    AUTO_FREE char *text = fuzz_copy(bytes, size);

    if (yaml_read(text, size, "fuzz", &documents, &err) < 0) {
        follow_error(&err);
        goals[UNREADABLE].count++;
        return 0;
    }
    goals[READ].count++;
    for (size_t i = 0; documents.type == VALUE_LIST && i < documents.list.count; i++)
        there_and_back(&documents.list.items[i]);
    follow_documents(&documents, goals);
    return 0;
}
