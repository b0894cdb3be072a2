/* lookup.c - the hosts line of nsswitch.conf, less ourselves.
 *
 * glibc exports __nss_configure_lookup and declares it in no header; it works before and after the
 * first look-up and beside other threads, and survives a changed nsswitch.conf.
 */
#include "lookup.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "buffer.h"
#include "file.h"

#define NSSWITCH_MAX (256 * 1024) /* bytes; real ones have a few hundred */

extern int __nss_configure_lookup(const char *database, const char *line);

static const char standard[] = "files dns";

/* The text behind `hosts:`, up to the end of its line or a comment; NULL when there is none. */
static const char *find_hosts(const char *text, size_t *ret_length)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        size_t blank = strspn(text, " \t");

        if (strncmp(text + blank, "hosts", 5) == 0) {
            const char *behind = text + blank + 5;

            behind += strspn(behind, " \t");
            if (*behind == ':') {
                *ret_length = strcspn(behind + 1, "#\n");
                return behind + 1;
            }
        }
        text += length + (text[length] == '\n');
    }
    return NULL;
}

void lookup_line(const char *nsswitch, char *ret_line, size_t room)
{
    AUTO_BUFFER struct buffer line = {0};
    size_t left = 0;
    const char *at = find_hosts(nsswitch, &left);
    bool is_ours = false;

    while (at && left > 0) {
        size_t blank = strspn(at, " \t\r");
        if (blank >= left)
            break;
        at += blank, left -= blank;

        size_t length = *at == '[' ? strcspn(at, "]") + 1 : strcspn(at, " \t\r[");
        if (length > left)
            length = left;
        if (*at != '[')
            is_ours = length == 7 && strncmp(at, "meshdns", 7) == 0;
        if (!is_ours)
            buffer_print(&line, "%s%.*s", line.size ? " " : "", (int)length, at);
        at += length, left -= length;
    }
    bool is_usable = buffer_is_good(&line) && line.size > 0 && line.size < room;
    const char *chosen = is_usable ? (const char *)line.bytes : standard;
    if (room > strlen(chosen))
        memcpy(ret_line, chosen, strlen(chosen) + 1);
}

int lookup_bypass(const char *nsswitch_path, struct error *err)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    char line[512];

    /* Whatever is wrong with the file: glibc's own answer to that is its default, ours too. */
    (void)file_read(nsswitch_path, NSSWITCH_MAX, &text, &size, NULL);
    lookup_line(text ? text : "", line, sizeof line);
    if (__nss_configure_lookup("hosts", line) != 0)
        return error_set(err, ERROR_INTERNAL, "glibc refuses to resolve hosts by '%s'", line);
    return 0;
}
