/* recover.h - brings a mesh back whose store was restored from an older copy.
 * Part of the controller.
 */
#pragma once

#include "config.h"
#include "error.h"

/* Moves the store's revision above the highest that a node has proved, starts a new epoch, and
 * takes changes again. The controller must not be running. Prints what it did on standard output.
 */
int recover_mesh(const struct config *config, struct error *err);
