/* change.c - one change of the mesh's policies: all of it or nothing. */
#include "change.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output.h"

/* Finds the document that the controller's problem is about. */
static const struct source_document *blamed(const struct client *client,
                                            const struct source *source, const struct error *err)
{
    if (client->document >= 0 && (size_t)client->document < source->document_count)
        return &source->documents[client->document];
    for (size_t i = 0; i < source->document_count; i++) {
        const char *name = value_get_text(&source->documents[i].value, "policy");
        if (name && err->where[0] && strcmp(name, err->where) == 0)
            return &source->documents[i];
    }
    return NULL;
}

int change_send(struct client *client, const struct source *source, char *const *deletes,
                size_t count, struct value *ret_answer, struct error *err)
{
    AUTO_VALUE struct value body = {.type = VALUE_MAP};
    struct value upserts = {.type = VALUE_LIST}, names = {.type = VALUE_LIST}, item;
    int r = 0;

    for (size_t i = 0; r == 0 && source && i < source->document_count; i++) {
        r = value_copy(&source->documents[i].value, &item);
        if (r == 0)
            r = value_push(&upserts, &item);
    }
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = value_string(&item, deletes[i], strlen(deletes[i]));
        if (r == 0)
            r = value_push(&names, &item);
    }
    /* Both move into the body whatever comes before, so that nothing is lost. */
    if (value_put(&body, "upserts", &upserts) < 0 || value_put(&body, "deletes", &names) < 0 ||
        r < 0)
        return error_set(err, ERROR_INTERNAL, "no memory");

    r = client_call(client, "POST", "/v1/changes", &body, ret_answer, err);
    const struct source_document *document = r < 0 && source ? blamed(client, source, err) : NULL;
    if (document) {
        error_where(err, document->where);
        source_place(&document->value, err->key, &err->line, &err->column);
    }
    return r;
}

int change_show(const struct command_call *call, const struct value *answer, struct error *err)
{
    if (command_has(call, "json"))
        return output_json(answer, err);
    int64_t changed = value_get_integer(answer, "changed", 0);
    int64_t revision = value_get_integer(answer, "revision", 0);
    if (changed == 0)
        (void)printf("nothing changed; the mesh is at revision %" PRId64 "\n", revision);
    else
        (void)printf("revision %" PRId64 ": %" PRId64 " changed, %" PRId64 " unchanged\n", revision,
                     changed, value_get_integer(answer, "unchanged", 0));
    return 0;
}
