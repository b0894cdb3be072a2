/* source.h - policy files: read, checked, with every mistake and its place.
 * Program: meshctl. No globals; one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "policy.h"
#include "policy_set.h"
#include "value.h"

/* One document of a file. */
struct source_document {
    char *where; /* the file; "standard input" for - */
    struct value value;
    struct policy *policy; /* NULL once it moved into a set */
};

/* A mistake or a warning. */
struct source_note {
    bool is_warning;
    struct error err;
};

/* What was read. Start from {0}. */
struct source {
    struct source_document *documents;
    size_t document_count;
    struct source_note *notes;
    size_t note_count;
    size_t files;
};
void source_done(struct source *source);

/* Reads policy files.
 *
 *   paths  files, folders (their *.yaml, *.yml and *.json in the order of their names, not those of
 *          folders inside) and - for standard input
 *
 * Reads on behind a mistake, to find them all: each is a note. Returns 0, or the code of the first
 * mistake; then nothing may be done with the documents. */
int source_read(struct source *source, char *const *paths, size_t count);

/* Moves the policies into a set and checks what must hold between them; what is wrong becomes a
 * note. Returns 0 or a negative error code. ret_set: policy_set_free; committed. */
int source_check_set(struct source *source, struct policy_set **ret_set);

/* Notes an error that was found elsewhere. */
void source_note(struct source *source, bool is_warning, const struct error *err);

/* The place of a key such as "destinations[1].weight" in a document: of the value, or of the
 * nearest thing around it that there is. */
void source_place(const struct value *document, const char *key, unsigned *ret_line,
                  unsigned *ret_column);

/* Tells the notes on standard error; without the warnings if they are not wanted. */
void source_tell(const char *program, struct source *source, bool has_warnings);

/* The notes as a list: {where, line, column, key, text, hint, code} each; is_warning chooses. */
int source_notes_value(struct source *source, bool is_warning, struct value *ret_list);
