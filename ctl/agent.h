/* agent.h - questions to the syncd of this machine.
 * Program: meshctl. No globals; one thread.
 */
#pragma once

#include "error.h"
#include "value.h"

#define AGENT_SOCKET "/run/meshdns/syncd.sock"

/* Asks syncd on its local socket: one JSON line there, one back.
 *
 *   path        the socket; NULL = AGENT_SOCKET
 *   request     "status" or "explain"
 *   name        with "explain": the name; else NULL
 *
 * Returns 0 and the answer; ERROR_UNREACHABLE when no syncd listens there; syncd's own error. */
int agent_ask(const char *path, const char *request, const char *name, struct value *ret_answer,
              struct error *err);
