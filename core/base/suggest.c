/* suggest.c - the word that was probably meant. */
#include "suggest.h"

#include <string.h>

#define LENGTH_MAX 40

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance, by rows; words of at most LENGTH_MAX letters. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][LENGTH_MAX + 1];

    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t cost = a[i - 1] != b[j - 1];

            row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *suggest_word(const char *word, const char *const *words)
{
    size_t length = strlen(word);
    const char *nearest = NULL;

    if (length > LENGTH_MAX)
        return NULL;
    size_t nearest_distance = (length <= 3 ? 1 : length <= 8 ? 2 : 3) + 1;
    for (; *words; words++) {
        size_t other = strlen(*words);
        if (other > LENGTH_MAX)
            continue;
        size_t d = distance(word, length, *words, other);
        if (d < nearest_distance) {
            nearest = *words;
            nearest_distance = d;
        }
    }
    return nearest;
}
