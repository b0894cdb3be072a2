/* api_policies.c - the API's handlers for policies. */
#include "api_policies.h"

#include <string.h>

#include "broadcast.h"
#include "clock.h"
#include "pack.h"
#include "store_documents.h"
#include "suggest.h"

#define PAGE_DEFAULT   100
#define PAGE_BYTES_MAX (4 * 1024 * 1024)

struct page {
    struct value list;
    int64_t count, most;
    size_t bytes;
    bool is_full;
    char last[64];
    struct error *err;
};

/* {name, revision, document} */
static int make_item(const char *name, uint64_t revision, const void *bytes, size_t size,
                     struct value *ret_item, struct error *err)
{
    AUTO_VALUE struct value item = {0};
    struct value document = {0};
    int r = pack_read(bytes, size, &document, err);

    if (r < 0)
        return r;
    value_put_text(&item, "name", name);
    value_put_integer(&item, "revision", (int64_t)revision);
    if (value_put(&item, "document", &document) < 0)
        return error_set(err, ERROR_INTERNAL, "no memory for the answer");
    *ret_item = item;
    item = (struct value){0};
    return 0;
}

static int add_to_page(void *context, const char *name, uint64_t revision, const void *bytes,
                       size_t size)
{
    struct page *page = context;
    struct value item = {0};

    if (page->count == page->most || (page->count > 0 && page->bytes + size > PAGE_BYTES_MAX)) {
        page->is_full = true;
        return 1;
    }
    int r = make_item(name, revision, bytes, size, &item, page->err);
    if (r < 0)
        return r;
    if (value_push(&page->list, &item) < 0)
        return error_set(page->err, ERROR_INTERNAL, "no memory for the answer");
    page->count++;
    page->bytes += size;
    (void)strncpy(page->last, name, sizeof(page->last) - 1);
    return 0;
}

int api_policies_list(struct control *control, struct api_call *call, struct error *err)
{
    struct page page = {
        .list = {.type = VALUE_LIST}, .most = call->limit ? call->limit : PAGE_DEFAULT, .err = err};
    int r = store_documents_from(control->store, call->after, add_to_page, &page, err);

    if (r >= 0) {
        value_put_integer(&call->answer, "revision", (int64_t)control->documents.revision);
        r = value_put(&call->answer, "policies", &page.list);
        value_put_text(&call->answer, "next", page.is_full ? page.last : "");
    }
    value_done(&page.list);
    return r < 0 ? r : 0;
}

struct one {
    struct value item;
    struct error *err;
};

static int take_one(void *context, const char *name, uint64_t revision, const void *bytes,
                    size_t size)
{
    struct one *one = context;

    return make_item(name, revision, bytes, size, &one->item, one->err);
}

static int no_policy(const char *name, struct error *err)
{
    error_set(err, ERROR_NOT_FOUND, "there is no policy '%s'", name);
    return error_where(err, name), ERROR_NOT_FOUND;
}

int api_policies_get(struct control *control, struct api_call *call, struct error *err)
{
    struct one one = {.err = err};
    int r = store_documents_get(control->store, call->name, take_one, &one, err);

    if (r == 0)
        return no_policy(call->name, err);
    if (r > 0)
        call->answer = one.item;
    return r < 0 ? r : 0;
}

/* Applies, answers and publishes. The answer lies ready only after the commit. */
static int apply(struct control *control, struct api_call *call, const struct value *upserts,
                 const struct value *deletes, struct documents_change *ret_change,
                 struct error *err)
{
    int r = control_check_writable(control, err);

    if (r == 0)
        r = documents_apply(&control->documents, upserts, deletes, ret_change, &call->document,
                            err);
    if (r < 0) {
        log_event(control->log, LOG_LEVEL_INFO, "change-refused", log_text("from", call->address),
                  log_text("reason", error_line(err)));
        return r;
    }
    if (ret_change->changed == 0)
        return 0;
    log_event(control->log, LOG_LEVEL_NOTICE, "change-committed",
              log_number("revision", (int64_t)ret_change->revision),
              log_number("documents", (int64_t)ret_change->changed),
              log_text("from", call->address));
    broadcast_changed(control, clock_boot_ms());
    return 0;
}

static void answer_change(struct api_call *call, const struct documents_change *change)
{
    value_put_integer(&call->answer, "revision", (int64_t)change->revision);
    value_put_integer(&call->answer, "changed", (int64_t)change->changed);
    value_put_integer(&call->answer, "unchanged", (int64_t)change->unchanged);
}

int api_policies_put(struct control *control, struct api_call *call, struct error *err)
{
    const char *name = value_get_text(call->body, "policy");
    struct documents_change change = {0};
    struct value upserts = {0}, copy = {0};

    if (name && strcmp(name, call->name) != 0) {
        error_set(err, ERROR_INVALID, "'%.64s' is not the name in the path, '%s'", name,
                  call->name);
        return error_key(err, "policy"), ERROR_INVALID;
    }
    int r = value_copy(call->body, &copy);
    if (r == 0)
        r = value_push(&upserts, &copy);
    r = r == 0 ? apply(control, call, &upserts, NULL, &change, err)
               : error_set(err, ERROR_INTERNAL, "no memory for the change");
    value_done(&upserts);
    if (r == 0)
        answer_change(call, &change);
    return r;
}

int api_policies_delete(struct control *control, struct api_call *call, struct error *err)
{
    struct documents_change change = {0};
    struct value deletes = {0}, name = {0};
    int r = value_string(&name, call->name, strlen(call->name));

    if (r == 0)
        r = value_push(&deletes, &name);
    r = r == 0 ? apply(control, call, NULL, &deletes, &change, err)
               : error_set(err, ERROR_INTERNAL, "no memory for the change");
    value_done(&deletes);
    if (r == 0 && change.changed == 0)
        return no_policy(call->name, err);
    if (r == 0)
        answer_change(call, &change);
    return r;
}

static int take_list(const struct value *body, const char *key, const struct value **ret_list,
                     struct error *err)
{
    const struct value *list = value_get(body, key);

    if (list && list->type != VALUE_LIST) {
        error_set(err, ERROR_INVALID, "must be a list, not %s", value_type_name(list->type));
        return error_key(err, "%s", key), ERROR_INVALID;
    }
    *ret_list = list;
    return 0;
}

int api_policies_change(struct control *control, struct api_call *call, struct error *err)
{
    static const char *const known[] = {"upserts", "deletes", NULL};
    const struct value *upserts, *deletes;
    struct documents_change change = {0};

    for (size_t i = 0; i < call->body->map.count; i++) {
        const char *key = call->body->map.entries[i].key;
        if (strcmp(key, known[0]) == 0 || strcmp(key, known[1]) == 0)
            continue;
        const char *near = suggest_word(key, known);
        error_set(err, ERROR_INVALID, "this key is not known; allowed are upserts and deletes");
        error_key(err, "%.100s", key);
        if (near)
            error_hint(err, "did you mean '%s'?", near);
        return ERROR_INVALID;
    }
    int r = take_list(call->body, "upserts", &upserts, err);
    if (r == 0)
        r = take_list(call->body, "deletes", &deletes, err);
    if (r == 0)
        r = apply(control, call, upserts, deletes, &change, err);
    if (r == 0)
        answer_change(call, &change);
    return r;
}
