/* plain.h - other people's text, safe to show.
 * Floor: base. Pure; safe in any thread.
 */
#pragma once

/* Replaces by '?', in place, what a terminal might obey (control characters) and what no JSON may
 * hold (bytes that are no UTF-8, such as half a character where a text was cut). */
void plain_make(char *text);
