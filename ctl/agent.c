/* agent.c - questions to the syncd of this machine. */
#include "agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "auto.h"
#include "json.h"

#define TIMEOUT_S  5
#define ANSWER_MAX ((size_t)16 * 1024 * 1024)

static int fail(const char *path, const char *text, struct error *err)
{
    int r = error_errno(err, path, text);

    if (errno != ENOENT && errno != EAGAIN)
        return r;
    error_set(err, ERROR_UNREACHABLE, "%s",
              errno == EAGAIN ? "syncd does not answer in time" : "no syncd listens here");
    error_where(err, path);
    return error_hint(err, "is meshdns-syncd running on this machine?"), ERROR_UNREACHABLE;
}

static int agent_connect(const char *path, int *ret_fd, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval timeout = {.tv_sec = TIMEOUT_S};

    if (strlen(path) >= sizeof(address.sun_path)) {
        error_set(err, ERROR_USAGE, "the path is longer than %zu, the most for a socket",
                  sizeof(address.sun_path) - 1);
        return error_where(err, path), ERROR_USAGE;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        int r = fail(path, "cannot ask syncd", err);
        auto_close(&fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static int exchange(int fd, const char *path, const struct buffer *question, struct buffer *answer,
                    struct error *err)
{
    char part[4096];
    ssize_t got;

    for (size_t sent = 0; sent < question->size;) {
        got = send(fd, question->bytes + sent, question->size - sent, MSG_NOSIGNAL);
        if (got < 0 && errno != EINTR)
            return fail(path, "cannot ask syncd", err);
        sent += got > 0 ? (size_t)got : 0;
    }
    while ((got = recv(fd, part, sizeof(part), 0)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(path, "cannot hear syncd", err);
        buffer_append(answer, part, (size_t)got);
        if (!buffer_is_good(answer) || answer->size > ANSWER_MAX)
            return error_set(err, ERROR_TOO_LARGE, "syncd's answer is above %zu bytes", ANSWER_MAX);
    }
    return 0;
}

/* The error that an answer may be. */
static int check_answer(const char *path, const struct value *answer, struct error *err)
{
    const struct value *error = value_get(answer, "error");
    const char *name = value_get_text(error, "code"), *text = value_get_text(error, "text");
    const char *hint = value_get_text(error, "hint");
    enum error_code code = ERROR_INTERNAL;

    if (!error)
        return 0;
    for (int c = -1; name && c >= -ERROR_COUNT; c--) {
        if (strcmp(name, error_name(c)) == 0)
            code = (enum error_code)c;
    }
    error_set(err, code, "%s", text ? text : "syncd refuses without a word");
    error_hint(err, "%s", hint ? hint : "");
    return error_where(err, path), code;
}

int agent_ask(const char *path, const char *request, const char *name, struct value *ret_answer,
              struct error *err)
{
    AUTO_VALUE struct value question = {.type = VALUE_NULL}, tree = {.type = VALUE_NULL};
    AUTO_BUFFER struct buffer line = {0}, answer = {0};
    AUTO_CLOSE int fd = -1;

    path = path ? path : AGENT_SOCKET;
    value_put_text(&question, "request", request);
    if (name)
        value_put_text(&question, "name", name);
    json_write(&question, 0, &line);
    buffer_append(&line, "\n", 1);
    if (!buffer_is_good(&line))
        return error_set(err, ERROR_INTERNAL, "no memory");

    int r = agent_connect(path, &fd, err);
    if (r == 0)
        r = exchange(fd, path, &line, &answer, err);
    if (r < 0)
        return r;
    r = json_read((const char *)answer.bytes, answer.size, &tree, err);
    if (r < 0)
        return error_where(err, path), r;
    r = check_answer(path, &tree, err);
    if (r < 0)
        return r;
    *ret_answer = tree;
    tree = (struct value){.type = VALUE_NULL};
    return 0;
}
