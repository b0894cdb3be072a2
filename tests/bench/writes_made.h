/* writes_made.h - policies by number, for the bench of the writer: as text, as compiled records and
 * as rows of the bare table. One thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define WRITES_NAME         40 /* bytes with the NUL */
#define WRITES_DESTINATIONS 4

/* The name of policy number `id`, of 31 bytes. Returns its length. */
size_t writes_name(size_t id, char ret_name[static WRITES_NAME]);

/* Compiled policies, one behind the other. */
struct writes_made {
    uint64_t *words;
    size_t count, each; /* policies; words of each record, from the meta word on */
};

/* Compiles policies 0..count-1, with four destinations of one family or of both. Ends the program
 * when that fails. */
void writes_make(size_t count, unsigned families, struct writes_made *ret_made);

/* The record of a policy. */
static inline uint64_t *writes_record(const struct writes_made *made, size_t id)
{
    return made->words + id * made->each;
}

/* Changes the weight of a policy's first destination and compiles anew; for one family. */
void writes_change(const struct writes_made *made, size_t id, unsigned weight);

/* The column word of that destination, by its number in the record, where the weight lies. */
size_t writes_weight_at(const struct writes_made *made);

/* The same policies as rows for a bare table; free() gives them back. */
struct writes_row *writes_rows(const struct writes_made *made, unsigned families);

/* Builds a table from rows in the process's own memory by the least that can be done: hash, probe,
 * copy. Returns its bytes. */
size_t writes_bare_build(const struct writes_row *rows, size_t count, unsigned families);
