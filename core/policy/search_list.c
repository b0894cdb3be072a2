/* search_list.c - reads search, domain and ndots as glibc's res_init.c does.
 *
 * res_ninit itself would read /etc/resolv.conf only, keep six domains, and take LOCALDOMAIN and
 * RES_OPTIONS from this program's environment, which says nothing about other programs'.
 */
#include "search_list.h"

#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "file.h"
#include "key_set.h"

#define RESOLV_CONF_MAX (256 * 1024)
#define NDOTS_MAX       15 /* RES_MAXNDOTS */

static const char blank[] = " \t\r";

void search_list_done(struct search_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->domains[i]);
    *list = (struct search_list){0};
}

/* Adds a domain, if it is one: "." and mistakes are left out. */
static int add(struct search_list *list, const char *domain)
{
    struct key_set key = {0};
    int r = 0;

    if (list->count < SNAPSHOT_SEARCH_MAX && domain[0] != '*' && key_set_add_domain(&key, domain)) {
        list->domains[list->count] =
            strndup((const char *)key_set_view(&key, 0), key.items[0].length);
        if (list->domains[list->count])
            list->count++;
        else
            r = ERROR_INTERNAL;
    }
    key_set_done(&key);
    return r;
}

static void clear(struct search_list *list)
{
    unsigned ndots = list->ndots;

    search_list_done(list);
    list->ndots = ndots;
}

static void read_options(struct search_list *list, char **rest)
{
    char *word;

    while ((word = strtok_r(NULL, blank, rest)))
        if (strncmp(word, "ndots:", 6) == 0 && word[6] >= '0' && word[6] <= '9') {
            unsigned long ndots = strtoul(word + 6, NULL, 10);

            list->ndots = ndots > NDOTS_MAX ? NDOTS_MAX : (unsigned)ndots;
        }
}

static int read_line(struct search_list *list, char *line, bool *is_given)
{
    char *rest = NULL, *word = strtok_r(line, blank, &rest);
    int r = 0;

    if (!word)
        return 0;
    bool is_search = strcmp(word, "search") == 0, is_domain = strcmp(word, "domain") == 0;
    if (strcmp(word, "options") == 0)
        read_options(list, &rest);
    if (!is_search && !is_domain)
        return 0;
    word = strtok_r(NULL, blank, &rest);
    if (!word)
        return 0;
    clear(list);
    *is_given = true;
    do
        r = add(list, word);
    while (r == 0 && is_search && (word = strtok_r(NULL, blank, &rest)));
    return r;
}

int search_list_parse(const char *text, const char *host_name, struct search_list *ret_list,
                      struct error *err)
{
    struct search_list list = {.ndots = 1};
    AUTO_FREE char *copy = strdup(text);
    bool is_given = false;
    int r = copy ? 0 : ERROR_INTERNAL;
    char *rest = NULL;

    for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; r == 0 && line;
         line = strtok_r(NULL, "\n", &rest))
        r = read_line(&list, line, &is_given);

    const char *dot = strchr(host_name, '.');
    if (r == 0 && !is_given && dot)
        r = add(&list, dot + 1);
    if (r < 0) {
        search_list_done(&list);
        return error_set(err, ERROR_INTERNAL, "out of memory for the search list");
    }
    search_list_done(ret_list);
    *ret_list = list;
    return 0;
}

int search_list_read(const char *path, const char *host_name, struct search_list *ret_list,
                     struct error *err)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    int r = file_read(path, RESOLV_CONF_MAX, &text, &size, err);

    if (r < 0 && r != ERROR_NOT_FOUND)
        return r;
    return search_list_parse(text ? text : "", host_name, ret_list, err);
}
