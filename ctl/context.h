/* context.h - which controller, how to know it, and the token to show it.
 * Program: meshctl. No globals; one thread.
 *
 *     current: prod
 *     contexts:
 *       prod:
 *         server: https://controller.example.net:7443
 *         pin: sha256//...
 *         token_file: prod.token
 *
 * A relative token_file lies beside the configuration; ~/ is the home folder. Tokens are in files
 * of their own (0600), so that this one can be shown to others.
 */
#pragma once

#include "error.h"

struct context {
    char *name;
    char *server; /* https://HOST:PORT, no slash at the end */
    char *pin;
    char *token;
};

/* Reads a context.
 *
 *   path         the file; NULL = $MESHDNS_CONFIG, else $XDG_CONFIG_HOME/meshdns/config.yaml, else
 *                ~/.config/meshdns/config.yaml
 *   name         NULL = the file's `current`, or its only context
 *   ret_context  context_done
 *
 * Returns 0; ERROR_NOT_FOUND when there is no such file (the hint shows how one looks);
 * ERROR_CONFIG with its place for all that is wrong in it; ERROR_REFUSED when others can read the
 * token. err must not be NULL. */
int context_load(const char *path, const char *name, struct context *ret_context,
                 struct error *err);

/* Wipes the token, gives all back, leaves {0}. */
void context_done(struct context *context);
