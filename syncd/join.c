/* join.c - reads the invitation, shows our public key, checks the answer, remembers. */
#include "join.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"
#include "file.h"
#include "https.h"
#include "json.h"

#define INVITATION_MAX  (64 * 1024) /* bytes */
#define ANSWER_MAX      (256 * 1024)
#define JOIN_TIMEOUT_MS 30000
#define INVITATION_FORM 1

struct secret_text {
    char *text;
    size_t size;
};

static void wipe_text(struct secret_text *secret)
{
    if (secret->text)
        key_wipe(secret->text, secret->size);
    free(secret->text);
}

static void wipe_key(struct key_curve *key)
{
    key_wipe(key, sizeof *key);
}

static int read_invitation(const char *path, struct value *ret_invitation, struct error *err)
{
    static const char *const needed[] = {"server",         "pin",  "mesh",  "mesh_id", "sign_key",
                                         "controller_key", "node", "secret"};
    AUTO(wipe_text) struct secret_text secret = {0};
    AUTO_VALUE struct value invitation = {0};
    bool is_input = strcmp(path, "-") == 0;
    int r = is_input ? file_read(path, INVITATION_MAX, &secret.text, &secret.size, err)
                     : file_read_secret(path, INVITATION_MAX, &secret.text, &secret.size, err);

    if (r < 0)
        return r;
    r = json_read(secret.text, secret.size, &invitation, err);
    if (r == 0 && value_get_integer(&invitation, "meshdns_invitation", 0) != INVITATION_FORM)
        r = error_set(err, ERROR_INVALID, "this is no invitation that this meshdns understands");
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(needed); i++)
        if (!value_get_text(&invitation, needed[i])) {
            r = error_set(err, ERROR_INVALID, "is missing or no text");
            (void)error_key(err, "%s", needed[i]);
        }
    if (r == 0)
        r = https_pin_check(value_get_text(&invitation, "pin"), err);
    if (r < 0) {
        (void)error_where(err, is_input ? "standard input" : path);
        (void)error_hint(err, "`meshctl node invite NAME -o FILE` makes an invitation");
        return r;
    }
    *ret_invitation = invitation;
    invitation = (struct value){0};
    return 0;
}

/* The key of this node: made now, or left by a join that broke off. */
static int own_key(const char *path, struct key_curve *ret_key, struct error *err)
{
    AUTO(wipe_key) struct key_curve key;

    if (access(path, F_OK) == 0)
        return key_curve_load(path, ret_key, err);
    key_curve_make(&key);
    int r = key_curve_create(path, &key, err);
    if (r == 0)
        *ret_key = key;
    return r;
}

/* The controller's problem+json as an error. */
static int refused(const struct https_answer *answer, const char *server, struct error *err)
{
    AUTO_VALUE struct value problem = {0};
    enum error_code code = answer->status == 503 || answer->status == 429 ? ERROR_AGAIN
                           : answer->status >= 500                        ? ERROR_UNREACHABLE
                                                                          : ERROR_REFUSED;

    (void)json_read((const char *)answer->body.bytes, answer->body.size, &problem, NULL);
    const char *detail = value_get_text(&problem, "detail");
    const char *hint = value_get_text(&problem, "hint");
    error_set(err, code, "the controller refuses (%d): %s", answer->status,
              detail ? detail : "it does not say why");
    (void)error_where(err, server);
    (void)error_hint(err, "%s",
                     hint ? hint : "an invitation works once and expires: ask for a new one");
    return code;
}

static int call(const struct value *invitation, const struct key_curve *key,
                struct value *ret_answer, struct error *err)
{
    AUTO_VALUE struct value body = {0};
    AUTO_HTTPS_ANSWER struct https_answer answer = {0};
    struct buffer text = {0};
    char hex[KEY_CURVE_PUBLIC * 2 + 1], url[512];
    const char *server = value_get_text(invitation, "server");

    key_to_hex(key->public_key, sizeof key->public_key, hex);
    (void)snprintf(url, sizeof url, "%s/v1/join", server);
    value_put_text(&body, "invitation", value_get_text(invitation, "secret"));
    value_put_text(&body, "public_key", hex);
    value_put_text(&body, "software", "meshdns-syncd " MESHDNS_VERSION);
    json_write(&body, 0, &text);
    const struct https_request request = {.method = "POST",
                                          .url = url,
                                          .pin = value_get_text(invitation, "pin"),
                                          .body = text.bytes,
                                          .body_size = text.size,
                                          .timeout_ms = JOIN_TIMEOUT_MS,
                                          .most = ANSWER_MAX};
    int r = buffer_is_good(&text) ? https_call(&request, &answer, err)
                                  : error_set(err, ERROR_INTERNAL, "out of memory");
    buffer_wipe(&text);
    if (r < 0)
        return r;
    if (answer.status != 200 && answer.status != 201)
        return refused(&answer, server, err);
    r = json_read((const char *)answer.body.bytes, answer.body.size, ret_answer, err);
    if (r < 0)
        (void)error_where(err, server);
    return r;
}

/* Whoever answered behind the pinned key must also have the keys that the invitation promises. */
static int check(const struct value *invitation, const struct value *answer, struct error *err)
{
    static const char *const alike[] = {"mesh_id", "sign_key", "controller_key"};

    for (size_t i = 0; i < ARRAY_SIZE(alike); i++) {
        const char *promised = value_get_text(invitation, alike[i]);
        const char *given = value_get_text(answer, alike[i]);

        if (!given || strcmp(promised, given) != 0) {
            error_set(err, ERROR_REFUSED,
                      "the controller's answer is not what the invitation says");
            (void)error_key(err, "%s", alike[i]);
            (void)error_hint(err, "the invitation is of another mesh, or somebody is in between");
            return ERROR_REFUSED;
        }
    }
    return 0;
}

/* Adds what only the invitation says, and writes mesh.json. */
static int keep(const struct value *invitation, struct value *answer, const char *path,
                struct membership *ret_membership, struct error *err)
{
    AUTO(membership_done) struct membership membership = {0};
    struct buffer text = {0};

    value_put_integer(answer, "meshdns_mesh", 1);
    value_put_text(answer, "server", value_get_text(invitation, "server"));
    value_put_text(answer, "pin", value_get_text(invitation, "pin"));
    json_write(answer, 2, &text);
    buffer_append(&text, "\n", 1);
    int r = membership_parse(answer, &membership, err);
    if (r == 0)
        r = buffer_is_good(&text) ? file_write(path, 0600, text.bytes, text.size, err)
                                  : error_set(err, ERROR_INTERNAL, "out of memory");
    buffer_done(&text);
    if (r < 0)
        return r;
    *ret_membership = membership;
    membership = (struct membership){0};
    return 0;
}

int join_mesh(const char *path, const char *state, struct membership *ret_membership,
              struct error *err)
{
    AUTO_VALUE struct value invitation = {0}, answer = {0};
    AUTO(wipe_key) struct key_curve key;
    char key_path[512], mesh_path[512];

    (void)snprintf(key_path, sizeof key_path, "%s/" JOIN_KEY_FILE, state);
    (void)snprintf(mesh_path, sizeof mesh_path, "%s/" JOIN_MESH_FILE, state);
    if (access(mesh_path, F_OK) == 0) {
        error_set(err, ERROR_CONFLICT, "this machine is a member of a mesh already");
        (void)error_where(err, mesh_path);
        (void)error_hint(err, "to join another one, stop meshdns-syncd and remove %s", state);
        return ERROR_CONFLICT;
    }
    int r = read_invitation(path, &invitation, err);
    if (r == 0)
        r = file_make_folder(state, 0700, err);
    if (r == 0)
        r = own_key(key_path, &key, err);
    if (r == 0)
        r = call(&invitation, &key, &answer, err);
    if (r == 0)
        r = check(&invitation, &answer, err);
    if (r == 0)
        r = keep(&invitation, &answer, mesh_path, ret_membership, err);
    return r;
}
