/* users.h - the numbers of the users that policies name, on this machine.
 * Knows base. A table belongs to one thread.
 *
 * Answers are kept, so that a thousand policies for www-data ask the system once; users_refresh
 * asks again, since a user may be made later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct users;

/* NULL when memory runs out. users_free(NULL) does nothing. */
struct users *users_new(void);
void users_free(struct users *users);

/* For compile_node.uid_of; context is the struct users. Returns 1 and the number, or 0. */
int users_uid_of(void *context, const char *user, uint32_t *ret_uid);

/* Asks the system again for every user that was asked for. Returns true when an answer changed. */
bool users_refresh(struct users *users);
