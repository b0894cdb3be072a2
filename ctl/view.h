/* view.h - a snapshot's records as people read them: which file, which record answers a name,
 * words. Program: meshctl. No globals; one thread.
 */
#pragma once

#include "command.h"
#include "error.h"
#include "snapshot_check.h"
#include "value.h"

/* The snapshot that a call means: --snapshot, $MESHDNS_SNAPSHOT, or the machine's own. */
const char *view_path(const struct command_call *call);

/* Opens it as snapshot_check_open does, with a hint for people when there is none. */
int view_open(const char *path, struct snapshot_check **ret_check, struct error *err);

/* The records that a look-up of a name would ask, in that order: the name itself, then the
 * wildcards from the longest.
 *
 *   name      as typed, folded here; or an address, which has one record
 *   ret_list  a list of {key, record: compile_describe's map}
 *
 * Returns the number of records, 0 when no policy covers the name, or a negative error code. */
int view_records(struct snapshot_check *check, const char *name, struct value *ret_list,
                 struct error *err);

/* The record of exactly one key as people write it, "x", "*.x" or an address. Returns 1 and {key,
 * record}, 0 when there is none, or a negative error code. */
int view_record(struct snapshot_check *check, const char *name, struct value *ret_item,
                struct error *err);

/* Prints the rules of a record, indented: what compile_describe or compile_explain gave. */
void view_rules(const struct value *record);

/* "10.0.1.10:8443", "10.0.1.11 and fd00::11": the address list and port of a destination. */
void view_print_destination(const struct value *destination, char *ret_text, size_t size);

/* A share of 10^6 as "12.5 %". */
void view_print_share(int64_t millionths, char *ret_text, size_t size);
