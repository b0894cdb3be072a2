/* lookup.h - keeps this program's own look-ups away from meshdns.
 * Knows base. Call it once, at start, before any look-up and any thread.
 *
 * A policy that covers the controller's name must not cut an agent from its cure. So the agent
 * resolves with the host's own nsswitch.conf less the service `meshdns`.
 */
#pragma once

#include <stddef.h>

#include "error.h"

/* Writes a `hosts:` line without `meshdns` and without the actions in brackets behind it.
 *
 *   nsswitch  the text of nsswitch.conf; "" when there is none
 *   ret_line  the services, such as "files dns"; that when nothing else is left
 *   room      of ret_line; a longer line gives "files dns" too
 */
void lookup_line(const char *nsswitch, char *ret_line, size_t room);

/* Tells glibc to resolve hosts in this process by lookup_line of the file. Returns 0 or
 * ERROR_INTERNAL when glibc refuses the line. */
int lookup_bypass(const char *nsswitch_path, struct error *err);
