/* publish.c - changes one record of a snapshot, as syncd does.
 *
 *     publish SNAPSHOT pass NAME                  a protected name
 *     publish SNAPSHOT search NDOTS [DOMAIN...]   the host's search list
 *     publish SNAPSHOT delete KEY
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compile.h"
#include "snapshot_format.h"
#include "snapshot_writer.h"

/* A writer replaces a file of another host key, so it is given the one that is there. */
static uint64_t host_key_of(const char *path)
{
    uint64_t key = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || pread(fd, &key, sizeof(key), offsetof(struct snapshot_header, host_key)) !=
                      (ssize_t)sizeof(key))
        key = 0;
    if (fd >= 0)
        close(fd);
    return key;
}

static int change(struct snapshot_writer *writer, int argc, char **argv, struct error *err)
{
    struct compile_record record = {0};
    int r;

    if (strcmp(argv[2], "delete") == 0)
        return snapshot_writer_delete(writer, argv[3], strlen(argv[3]));
    if (strcmp(argv[2], "pass") == 0)
        r = compile_pass(argv[3], strlen(argv[3]), &record);
    else
        r = compile_search((const char *const *)argv + 4, (size_t)argc - 4, (unsigned)atoi(argv[3]),
                           &record);
    if (r >= 0)
        r = snapshot_writer_put(writer, record.words, record.count, err);
    compile_record_done(&record);
    return r;
}

int main(int argc, char **argv)
{
    struct snapshot_writer_options options = {0};
    struct snapshot_writer *writer;
    struct error err = {0};
    int r;

    if (argc < 4)
        return 64;
    options.host_key = host_key_of(argv[1]);
    r = snapshot_writer_open(argv[1], &options, &writer, &err);
    if (r == 0) {
        r = change(writer, argc, argv, &err);
        snapshot_writer_close(writer);
    }
    if (r < 0)
        fprintf(stderr, "publish: %s\n", error_line(&err));
    return r < 0;
}
