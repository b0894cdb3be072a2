/* init.h - makes a mesh: keys, certificate, store, the first administrator's token.
 * Part of the controller.
 */
#pragma once

#include "config.h"
#include "error.h"

/* Makes everything in a draft folder inside the state folder and moves it into place, the store
 * last, so that a mesh is there whole or not at all. Prints what people need on standard output;
 * the token is shown this once. ERROR_CONFLICT when there is a mesh, or part of one. */
int init_mesh(const struct config *config, struct error *err);
