/* init.c - makes a mesh. */
#include "init.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authority.h"
#include "auto.h"
#include "buffer.h"
#include "file.h"
#include "json.h"
#include "store.h"
#include "value.h"

/* The store comes last: a mesh is there when its store is. */
static const char *const names[] = {"sign.key", "curve.key", "tls.key", "tls.crt", "store.db"};

struct made {
    struct store_mesh mesh;
    char token[64];
    struct tls tls;
};

static int refuse_existing(const char *state, struct error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char path[PATH_MAX];

        (void)snprintf(path, sizeof(path), "%s/%s", state, names[i]);
        if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        error_set(err, ERROR_CONFLICT, "is already there, so a mesh or part of one lives here");
        error_hint(err, "choose another --state, or move that folder away if the mesh is dead");
        return error_where(err, path), ERROR_CONFLICT;
    }
    return 0;
}

static int make_keys(const char *draft, struct error *err)
{
    struct key_sign sign;
    struct key_curve curve;
    char path[PATH_MAX];

    key_sign_make(&sign);
    key_curve_make(&curve);
    (void)snprintf(path, sizeof(path), "%s/sign.key", draft);
    int r = key_sign_create(path, &sign, err);
    (void)snprintf(path, sizeof(path), "%s/curve.key", draft);
    if (r == 0)
        r = key_curve_create(path, &curve, err);
    key_wipe(&sign, sizeof(sign));
    key_wipe(&curve, sizeof(curve));
    return r;
}

static int make_store(const char *draft, struct made *made, struct error *err)
{
    uint8_t hash[KEY_TOKEN_HASH];
    char path[PATH_MAX];

    key_random(made->mesh.mesh_id, SEAL_MESH_ID);
    key_random(made->mesh.group_key, KEY_GROUP);
    key_token_make("mdt", made->token);
    key_token_hash(made->token, hash);
    (void)snprintf(path, sizeof(path), "%s/store.db", draft);
    return store_create(path, &made->mesh, hash, err);
}

static int move_into_place(const char *draft, const char *state, struct error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char from[PATH_MAX], to[PATH_MAX];

        (void)snprintf(from, sizeof(from), "%s/%s", draft, names[i]);
        (void)snprintf(to, sizeof(to), "%s/%s", state, names[i]);
        if (rename(from, to) < 0)
            return error_errno(err, to, "cannot move into place");
    }
    AUTO_CLOSE int fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return error_errno(err, state, "cannot make the new files durable");
    return 0;
}

static void remove_draft(const char *draft)
{
    static const char *const extra[] = {"store.db-wal", "store.db-shm"};
    char path[PATH_MAX];

    for (size_t i = 0; i < ARRAY_SIZE(names) + ARRAY_SIZE(extra); i++) {
        const char *name = i < ARRAY_SIZE(names) ? names[i] : extra[i - ARRAY_SIZE(names)];
        (void)snprintf(path, sizeof(path), "%s/%s", draft, name);
        (void)unlink(path);
    }
    (void)rmdir(draft);
}

static int make(const struct config *config, struct made *made, struct error *err)
{
    char draft[CONFIG_PATH_MAX + 32];
    int length = snprintf(draft, sizeof(draft), "%s/.init.XXXXXX", config->state);

    if (length >= (int)sizeof(draft) || !mkdtemp(draft)) /* 0700 */
        return error_errno(err, config->state, "cannot make a folder in it");
    int r = make_keys(draft, err);
    if (r == 0)
        r = tls_create(draft, config->advertise, err);
    if (r == 0)
        r = make_store(draft, made, err);
    if (r == 0)
        r = tls_load(draft, &made->tls, err);
    /* The token's file before the mesh: a mesh without its token would be lost at once. */
    if (r == 0 && config->token_file[0]) {
        char text[sizeof(made->token) + 1];
        int size = snprintf(text, sizeof(text), "%s\n", made->token);
        r = file_create_secret(config->token_file, text, (size_t)size, err);
        key_wipe(text, sizeof(text));
    }
    if (r == 0)
        r = move_into_place(draft, config->state, err);
    remove_draft(draft);
    return r;
}

static int print_json(const struct config *config, const struct made *made, const char *server)
{
    AUTO_VALUE struct value answer = {0};
    struct buffer text = {0};
    char mesh_id[2 * SEAL_MESH_ID + 1];

    key_to_hex(made->mesh.mesh_id, SEAL_MESH_ID, mesh_id);
    value_put_text(&answer, "mesh", made->mesh.name);
    value_put_text(&answer, "mesh_id", mesh_id);
    value_put_text(&answer, "server", server);
    value_put_text(&answer, "pin", made->tls.pin);
    if (config->token_file[0])
        value_put_text(&answer, "token_file", config->token_file);
    else
        value_put_text(&answer, "token", made->token);
    json_write(&answer, 2, &text);
    bool is_good = buffer_is_good(&text) && puts((const char *)text.bytes) >= 0;
    buffer_wipe(&text);
    return is_good ? 0 : -1;
}

static int print_text(const struct config *config, const struct made *made, const char *server)
{
    const char *name = made->mesh.name;
    bool has_file = config->token_file[0] != '\0';
    char mesh_id[2 * SEAL_MESH_ID + 1];

    key_to_hex(made->mesh.mesh_id, SEAL_MESH_ID, mesh_id);
    return printf("mesh     %s\n"
                  "mesh id  %s\n"
                  "server   %s\n"
                  "pin      %s\n"
                  "token    %s%s\n"
                  "\n"
                  "For meshctl, in ~/.config/meshdns/config.yaml%s:\n"
                  "\n"
                  "current: %s\n"
                  "contexts:\n"
                  "  %s:\n"
                  "    server: \"%s\"\n"
                  "    pin: \"%s\"\n"
                  "    token_file: \"%s\"\n",
                  name, mesh_id, server, made->tls.pin, has_file ? "is in " : made->token,
                  has_file ? config->token_file : "  (shown only now: keep it)",
                  has_file ? "" : " (the token goes into a file of mode 0600)", name, name, server,
                  made->tls.pin, has_file ? config->token_file : "~/.config/meshdns/token");
}

/* The context that is shown has to work from any folder. */
static void make_absolute(char path[static CONFIG_PATH_MAX])
{
    char absolute[PATH_MAX];

    if (path[0] && realpath(path, absolute) && strlen(absolute) < CONFIG_PATH_MAX)
        (void)snprintf(path, CONFIG_PATH_MAX, "%.*s", CONFIG_PATH_MAX - 1, absolute);
}

static int prepare(struct config *config, struct made *made, struct error *err)
{
    if (!config->mesh[0]) {
        error_set(err, ERROR_USAGE, "the mesh has no name");
        error_hint(err, "give one: --mesh NAME, or 'mesh:' in " CONFIG_FILE);
        return ERROR_USAGE;
    }
    if (!config->advertise[0] && gethostname(config->advertise, sizeof(config->advertise) - 1) < 0)
        return error_errno(err, "", "cannot find this machine's name");
    (void)snprintf(made->mesh.name, sizeof(made->mesh.name), "%s", config->mesh);
    (void)snprintf(made->mesh.advertise, sizeof(made->mesh.advertise), "%s", config->advertise);
    return file_make_folder(config->state, 0700, err);
}

int init_mesh(const struct config *asked, struct error *err)
{
    struct config config = *asked;
    struct made made = {0};
    char server[ENDPOINT_TEXT];
    AUTO_CLOSE int lock = -1;

    int r = prepare(&config, &made, err);
    if (r == 0)
        r = refuse_existing(config.state, err);
    if (r == 0)
        r = authority_lock(config.state, &lock, err);
    if (r == 0)
        r = refuse_existing(config.state, err); /* again: another init may have been faster */
    if (r == 0)
        r = make(&config, &made, err);
    if (r == 0) {
        endpoint_write("https", config.advertise, config.api.port, server);
        make_absolute(config.token_file);
        int printed =
            config.json ? print_json(&config, &made, server) : print_text(&config, &made, server);
        if (printed < 0 || fflush(stdout) != 0)
            r = error_errno(err, "standard output", "cannot write");
    }
    tls_done(&made.tls);
    key_wipe(&made, sizeof(made));
    return r;
}
