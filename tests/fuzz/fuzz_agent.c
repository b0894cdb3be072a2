/* fuzz_agent.c - what the agent hears from others than its controller's messages.
 *
 * Input: the way, then
 *   local socket (even): pieces of bytes, as any user of the machine may send them, each with its
 *                        length before it
 *   joining (odd):       HTTP status, length of the invitation, the invitation, the answer of
 *                        whoever answers behind the pinned key
 * https_call is replaced (--wrap), so that the answer is the input's.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "auto.h"
#include "cursor.h"
#include "follow.h"
#include "fuzz.h"
#include "https.h"
#include "join.h"
#include "json.h"
#include "local.h"
#include "mesh.h"
#include "pack.h"

#define SOCKET     "/run/agent.socket"
#define INVITATION "/run/invitation"
#define STATE      "/run/state"

enum { ANSWERED, EXPLAINED, NO_REQUEST, DROPPED, INVITED, NOT_INVITED, JOINED, TURNED_AWAY, GOALS };
static struct fuzz_goal goals[GOALS] = {
    [ANSWERED] = {"request-answered"},  [EXPLAINED] = {"name-explained"},
    [NO_REQUEST] = {"request-refused"}, [DROPPED] = {"client-dropped"},
    [INVITED] = {"invitation-taken"},   [NOT_INVITED] = {"invitation-refused"},
    [JOINED] = {"mesh-joined"},         [TURNED_AWAY] = {"answer-refused"},
};

static struct mesh *mesh;
static struct local *local;
static uint64_t now_ms = 1;

static struct {
    const uint8_t *bytes;
    size_t size;
    int status;
} https;

int __wrap_https_call(const struct https_request *request, struct https_answer *ret_answer,
                      struct error *err);

int __wrap_https_call(const struct https_request *request, struct https_answer *ret_answer,
                      struct error *err)
{
    fuzz_claim(https_pin_check(request->pin, NULL) == 0, "nobody is called without a good pin");
    goals[INVITED].count++;
    if (https.status == 0)
        return error_set(err, ERROR_UNREACHABLE, "nobody answers");
    ret_answer->status = https.status;
    buffer_append(&ret_answer->body, https.bytes, https.size);
    return 0;
}

static int no_user(void *context, const char *user, uint32_t *ret_uid)
{
    (void)context, (void)user, (void)ret_uid;
    return 0;
}

/* As the daemon answers, without its status. */
static int answer(void *context, const struct value *request, struct value *ret_answer,
                  struct error *err)
{
    const char *what = value_get_text(request, "request"), *name = value_get_text(request, "name");

    (void)context;
    if (!what || strcmp(what, "explain") != 0 || !name)
        return error_set(err, ERROR_USAGE, "the request is none that this agent knows");
    int r = mesh_explain(mesh, name, ret_answer, err);
    goals[EXPLAINED].count += r == 0;
    return r;
}

/* Two policies in force: one for a name and a wildcard, and an alias. */
static void apply_policies(void)
{
    static const char *const names[] = {"shop", "www"};
    static const char *const texts[] = {
        "{\"policy\":\"shop\",\"domains\":[\"shop.mesh\",\"*.shop.mesh\"],\"when\":{\"app\":[\"x*"
        "\"]},"
        "\"destinations\":[{\"address\":\"10.0.0.1\",\"weight\":3},{\"address\":\"fd00::1\"}]}",
        "{\"policy\":\"www\",\"domains\":[\"www.mesh\"],\"alias\":\"shop.mesh\"}"};
    struct mesh_change changes[ARRAY_SIZE(names)];
    struct buffer packed[ARRAY_SIZE(names)] = {{0}};
    struct state_head head = {.revision = 1};
    struct error err = {0};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_VALUE struct value document = {0};
        fuzz_claim(json_read(texts[i], strlen(texts[i]), &document, NULL) == 0, "a document");
        pack_write(&document, &packed[i]);
        seal_digest_add(head.digest, packed[i].bytes, packed[i].size);
        changes[i] = (struct mesh_change){names[i], 1, packed[i].bytes, packed[i].size};
    }
    fuzz_claim(mesh_apply(mesh, changes, ARRAY_SIZE(names), &head, true, &err) == 0, err.text);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        buffer_done(&packed[i]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct mesh_options options = {.state_path = "/run/state.db",
                                   .snapshot_path = "/run/snapshot",
                                   .node = {.name = "node-1", .uid_of = no_user},
                                   .host_key = 1};
    struct local_options listen = {.path = SOCKET, .answer = answer};
    bool is_broken;

    (void)argc;
    (void)argv;
    fuzz_goals(goals, GOALS);
    fuzz_isolate();
    fuzz_claim(key_init(NULL) == 0, "there is libsodium");
    fuzz_claim(mesh_open(&options, &mesh, &is_broken, NULL) == 0, "there is a mesh");
    fuzz_claim(mesh_publish(mesh, NULL) == 0, "it is published");
    apply_policies();
    fuzz_claim(local_open(&listen, &local, NULL) == 0, "there is a socket");
    return 0;
}

/* Reads the one line that a client gets, if any. */
static void hear(int fd)
{
    AUTO_BUFFER struct buffer line = {0};
    AUTO_VALUE struct value reply = {0};
    char piece[4096];
    ssize_t got;

    while ((got = recv(fd, piece, sizeof piece, MSG_DONTWAIT)) > 0)
        buffer_append(&line, piece, (size_t)got);
    if (line.size == 0) {
        goals[DROPPED].count++;
        return;
    }
    fuzz_claim(line.bytes[line.size - 1] == '\n', "an answer is a line");
    fuzz_claim(json_read((char *)line.bytes, line.size, &reply, NULL) == 0, "of JSON");
    goals[value_get(&reply, "error") ? NO_REQUEST : ANSWERED].count++;
}

static void send_pieces(struct cursor *cursor)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        abort();
    local_serve(local, ++now_ms);
    while (cursor_left(cursor) > 0) {
        size_t size = (size_t)cursor_number(cursor, 1) * 16 + 1;
        size = size < cursor_left(cursor) ? size : cursor_left(cursor);
        if (send(fd, cursor_take(cursor, size), size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break; /* it has its answer, or is cut off */
        local_serve(local, ++now_ms);
    }
    (void)shutdown(fd, SHUT_WR);
    for (int i = 0; i < 4; i++)
        local_serve(local, ++now_ms);
    (void)local_tick(local, now_ms += 5000);
    hear(fd);
}

static void join(struct cursor *cursor)
{
    AUTO(membership_done) struct membership membership = {0};
    struct error err = {0};

    https.status = (int)cursor_number(cursor, 2) % 600;
    size_t length = (size_t)cursor_number(cursor, 2), left = cursor_left(cursor);
    length = length < left ? length : left;
    fuzz_write(INVITATION, length ? cursor_take(cursor, length) : NULL, length);
    https.size = cursor_left(cursor);
    AUTO_FREE uint8_t *copy = fuzz_copy(cursor_take(cursor, https.size), https.size);
    https.bytes = copy;
    size_t before = goals[INVITED].count;
    int r = join_mesh(INVITATION, STATE, &membership, &err);
    if (r == 0) {
        goals[JOINED].count++;
        fuzz_claim(membership.mesh && membership.node && membership.server, "a member knows where");
        AUTO(membership_done) struct membership kept = {0};
        fuzz_claim(membership_read(STATE "/" JOIN_MESH_FILE, &kept, NULL) == 0,
                   "what is remembered can be read");
        fuzz_claim(unlink(STATE "/" JOIN_MESH_FILE) == 0, "and forgotten");
        return;
    }
    follow_error(&err);
    goals[goals[INVITED].count > before ? TURNED_AWAY : NOT_INVITED].count++;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct cursor cursor = cursor_view(bytes, size);
    unsigned way = (unsigned)cursor_number(&cursor, 1);

    if (way & 1)
        join(&cursor);
    else
        send_pieces(&cursor);
    return 0;
}
