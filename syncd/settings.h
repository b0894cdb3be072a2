/* settings.h - syncd.yaml and what the command line says instead.
 * Knows base, policy (YAML). See meshdns.conf(5).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define SETTINGS_FILE "/etc/meshdns/syncd.yaml"

struct settings {
    char *state, *snapshot, *socket, *hosts, *resolv_conf; /* paths */
    char **protect;
    size_t protect_count;
    uint64_t report_ms, reconnect_ms, reconnect_max_ms;
};

/* The defaults. Returns 0 or ERROR_INTERNAL. */
int settings_init(struct settings *ret_settings, struct error *err);
void settings_done(struct settings *settings);

/* Reads a file over what is set. path NULL: SETTINGS_FILE, which need not exist. Every mistake is
 * ERROR_CONFIG with its place; an unknown key gets the nearest known one. */
int settings_read(struct settings *settings, const char *path, struct error *err);

/* Sets one key from a text of the command line ("report_interval", "5s"): ERROR_USAGE. */
int settings_set(struct settings *settings, const char *key, const char *text, struct error *err);
