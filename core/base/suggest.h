/* suggest.h - the word that was probably meant.
 * Floor: base. Pure; safe in any thread.
 */
#pragma once

#include <stddef.h>

/* The nearest of `words` (NULL-terminated) to `word` by Levenshtein distance with neighbouring
 * letters that changed places counted once (Damerau 1964), when it is near enough to be a slip:
 * at most 1 for words of up to 3 letters, 2 up to 8, else 3. NULL when none is. */
const char *suggest_word(const char *word, const char *const *words);
