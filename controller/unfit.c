/* unfit.c - a list as `status` shows it; it is empty but for the days after an upgrade. */
#include "unfit.h"

#include <stdint.h>
#include <string.h>

void unfit_done(struct unfit *unfit)
{
    value_done(&unfit->list);
}

int unfit_note(struct unfit *unfit, const char *name, const struct error *why, struct error *err)
{
    struct error words = *why;
    struct value item = {0};

    words.where[0] = '\0'; /* its name stands beside */
    value_put_text(&item, "policy", name);
    value_put_text(&item, "reason", error_line(&words));
    if (value_push(&unfit->list, &item) < 0)
        return error_set(err, ERROR_INTERNAL, "no memory for the policies");
    return 0;
}

size_t unfit_count(const struct unfit *unfit)
{
    return unfit->list.type == VALUE_LIST ? unfit->list.list.count : 0;
}

/* Its place in the list, or SIZE_MAX. */
static size_t find(const struct unfit *unfit, const char *name)
{
    for (size_t i = 0; i < unfit_count(unfit); i++) {
        const char *other = value_get_text(&unfit->list.list.items[i], "policy");

        if (other && strcmp(other, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

bool unfit_has(const struct unfit *unfit, const char *name)
{
    return find(unfit, name) != SIZE_MAX;
}

void unfit_forget(struct unfit *unfit, const char *name)
{
    size_t at = find(unfit, name);

    if (at == SIZE_MAX)
        return;
    struct value *items = unfit->list.list.items;
    value_done(&items[at]);
    memmove(&items[at], &items[at + 1], (--unfit->list.list.count - at) * sizeof(*items));
}
