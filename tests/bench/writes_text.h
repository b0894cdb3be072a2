/* writes_text.h - policies from text to snapshot, and one of many changed. One thread.
 */
#pragma once

#include <stddef.h>

/* Compiles so many policies of YAML into a snapshot at `path`, then changes the weight of `count`
 * of them, one after the other. Prints a line of JSON. Ends the program when something fails. */
void writes_text(const char *path, size_t names, size_t count);
