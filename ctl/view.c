/* view.c - a snapshot's records as people read them. */
#include "view.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "compile.h"
#include "name.h"
#include "output.h"
#include "snapshot_format.h"
#include "tell.h"

const char *view_path(const struct command_call *call)
{
    const char *path = command_get(call, "snapshot");

    if (!path)
        path = getenv("MESHDNS_SNAPSHOT");
    return path && path[0] ? path : SNAPSHOT_PATH;
}

int view_open(const char *path, struct snapshot_check **ret_check, struct error *err)
{
    int r = snapshot_check_open(path, ret_check, err);

    if (r == ERROR_NOT_FOUND)
        error_hint(err, "start meshdns-syncd, or say --snapshot FILE");
    return r;
}

/* The record of a key as {key, record}. Returns 1, 0 when there is none, or an error. */
static int get_record(struct snapshot_check *check, const uint8_t *key, size_t length,
                      struct value *ret_item, struct error *err)
{
    struct value item = {.type = VALUE_MAP}, record;
    const uint64_t *words;
    size_t count;
    char text[320];

    int r = snapshot_check_get(check, key, length, &words, &count, err);
    if (r <= 0)
        return r;
    r = compile_describe(words, count, &record, err);
    if (r < 0)
        return r;
    snapshot_check_print_key(key, length, text);
    value_put_text(&item, "key", text);
    if (value_put(&item, "record", &record) < 0) {
        value_done(&item);
        return error_set(err, ERROR_INTERNAL, "no memory");
    }
    *ret_item = item;
    return 1;
}

/* Adds the record of a key to a list. As get_record. */
static int add_record(struct snapshot_check *check, const uint8_t *key, size_t length,
                      struct value *list, struct error *err)
{
    struct value item;

    int r = get_record(check, key, length, &item, err);
    if (r > 0 && value_push(list, &item) < 0)
        return error_set(err, ERROR_INTERNAL, "no memory");
    return r;
}

static int refuse_name(const char *typed, struct error *err)
{
    return error_set(err, ERROR_INVALID, "'%.200s' is no name that a policy can cover", typed);
}

/* The key of an address as typed. Returns its length, 0 when it is no address. */
static size_t address_key(const char *typed, uint8_t ret_key[static 17])
{
    ret_key[0] = '@';
    return inet_pton(AF_INET, typed, ret_key + 1) == 1    ? 5
           : inet_pton(AF_INET6, typed, ret_key + 1) == 1 ? 17
                                                          : 0;
}

int view_record(struct snapshot_check *check, const char *typed, struct value *ret_item,
                struct error *err)
{
    bool is_wildcard = strncmp(typed, "*.", 2) == 0;
    uint8_t key[NAME_ROOM + 1] = ".";
    size_t length = address_key(typed, key);
    struct name name;

    if (length > 0)
        return get_record(check, key, length, ret_item, err);
    key[0] = '.';
    if (!name_fold(is_wildcard ? typed + 2 : typed, &name))
        return refuse_name(typed, err);
    memcpy(key + is_wildcard, name.bytes, name.length);
    return get_record(check, key, (size_t)name.length + is_wildcard, ret_item, err);
}

int view_records(struct snapshot_check *check, const char *typed, struct value *ret_list,
                 struct error *err)
{
    AUTO_VALUE struct value list = {.type = VALUE_LIST};
    uint8_t dots[NAME_LABELS];
    struct name name;
    uint8_t key[17];
    size_t length = address_key(typed, key);
    size_t labels = length > 0 ? 1 : name_fold(typed, &name) ? name_labels(&name, dots) : 0;

    if (labels == 0)
        return refuse_name(typed, err);
    int count = length > 0 ? add_record(check, key, length, &list, err)
                           : add_record(check, name.bytes, name.length, &list, err);
    for (size_t i = 0; count >= 0 && i + 1 < labels; i++) {
        int r = add_record(check, name.bytes + dots[i], name.length - dots[i], &list, err);
        count = r < 0 ? r : count + r;
    }
    if (count >= 0) {
        *ret_list = list;
        list = (struct value){.type = VALUE_NULL};
    }
    return count;
}

void view_print_destination(const struct value *destination, char *ret_text, size_t size)
{
    const struct value *addresses = value_get(destination, "address");
    int64_t port = value_get_integer(destination, "port", 0);
    struct buffer text = {0};

    if (addresses && addresses->type == VALUE_STRING)
        buffer_print(&text, "%s", addresses->string.text);
    for (size_t i = 0; addresses && addresses->type == VALUE_LIST && i < addresses->list.count;
         i++) {
        const struct value *address = &addresses->list.items[i];
        buffer_print(&text, "%s%s", i ? ", " : "",
                     address->type == VALUE_STRING ? address->string.text : "?");
    }
    if (port > 0)
        buffer_print(&text, " port %" PRId64, port);
    (void)snprintf(ret_text, size, "%s", text.bytes ? (const char *)text.bytes : "?");
    buffer_done(&text);
}

void view_print_share(int64_t millionths, char *ret_text, size_t size)
{
    int64_t hundredths = (millionths + 50) / 100;

    (void)snprintf(ret_text, size, "%" PRId64 ".%02" PRId64 " %%", hundredths / 100,
                   hundredths % 100);
}

/* "nginx, php*" of a list of texts and numbers, or of one. */
static void print_list(const struct value *value, struct buffer *text)
{
    if (value->type == VALUE_STRING)
        buffer_print(text, "%s", value->string.text);
    else if (value->type == VALUE_INTEGER)
        buffer_print(text, "%" PRId64, value->integer);
    for (size_t i = 0; value->type == VALUE_LIST && i < value->list.count; i++) {
        buffer_print(text, "%s", i ? ", " : "");
        print_list(&value->list.items[i], text);
    }
    for (size_t i = 0; value->type == VALUE_MAP && i < value->map.count; i++) {
        buffer_print(text, "%s%s=", i ? ", " : "", value->map.entries[i].key);
        print_list(&value->map.entries[i].value, text);
    }
}

/* Whom a rule is for: a policy's `when` as it is written, or what a record keeps of it. */
static void print_askers(const struct value *rule, struct buffer *line)
{
    const struct value *when = value_get(rule, "when"), *list;
    const char *caller = value_get_text(rule, "caller");

    for (size_t i = 0; when && when->type == VALUE_MAP && i < when->map.count; i++) {
        buffer_print(line, ", when %s: ", when->map.entries[i].key);
        print_list(&when->map.entries[i].value, line);
    }
    if ((list = value_get(rule, "apps"))) {
        buffer_print(line, ", when app: ");
        print_list(list, line);
    }
    if ((list = value_get(rule, "uids"))) {
        buffer_print(line, ", when uid: ");
        print_list(list, line);
    }
    if (caller)
        buffer_print(line, ", only through %s",
                     strcmp(caller, "nss") == 0 ? "nsswitch.conf" : "the shim");
}

static void add_text(struct buffer *line, const struct value *rule, const char *key,
                     const char *before)
{
    const char *text = value_get_text(rule, key);

    if (text && text[0])
        buffer_print(line, "%s%s", before, text);
}

/* A rule's head: what it does and for whom. */
static void put_head(const struct value *rule, size_t number)
{
    const struct value *destinations = value_get(rule, "destinations");
    AUTO_BUFFER struct buffer line = {0};

    buffer_print(&line, "  rule %zu:", number);
    add_text(&line, rule, "verb", " ");
    add_text(&line, rule, "policy", ", policy ");
    if (value_get(rule, "rank"))
        buffer_print(&line, ", rank %" PRId64, value_get_integer(rule, "rank", 0));
    add_text(&line, rule, "canonical", ", alias of ");
    if (value_get_integer(rule, "answers", 1) > 1)
        buffer_print(&line, ", %" PRId64 " answers", value_get_integer(rule, "answers", 1));
    print_askers(rule, &line);
    if (destinations && destinations->type == VALUE_LIST && destinations->list.count == 0)
        buffer_print(&line, ": no address");
    if (!value_get_boolean(rule, "applies", true))
        buffer_print(&line, ": not here");
    add_text(&line, rule, "why", ", ");
    tell_text(stdout, line.bytes ? (const char *)line.bytes : "?");
    (void)putchar('\n');
}

/* "a; b" of a list of texts. */
static void join_texts(const struct value *list, char *ret_text, size_t size)
{
    AUTO_BUFFER struct buffer text = {0};

    for (size_t i = 0; list && list->type == VALUE_LIST && i < list->list.count; i++) {
        if (list->list.items[i].type == VALUE_STRING)
            buffer_print(&text, "%s%s", text.size ? "; " : "", list->list.items[i].string.text);
    }
    (void)snprintf(ret_text, size, "%s", text.bytes ? (const char *)text.bytes : "");
}

static void put_destinations(const struct value *destinations)
{
    struct output_table table = {.columns = 5};

    for (size_t i = 0; i < destinations->list.count; i++) {
        const struct value *destination = &destinations->list.items[i];
        char address[128], share[24] = "", reasons[512];

        view_print_destination(destination, address, sizeof(address));
        if (value_get(destination, "effective"))
            view_print_share(value_get_integer(destination, "effective", 0), share, sizeof(share));
        join_texts(value_get(destination, "reasons"), reasons, sizeof(reasons));
        output_cell(&table, "   ");
        output_cell(&table, "%s", address);
        if (value_get(destination, "weight"))
            output_cell(&table, "weight %" PRId64, value_get_integer(destination, "weight", 0));
        else
            output_cell(&table, "%s", "");
        output_cell(&table, "%8s", share);
        output_cell(&table, "%s", reasons);
    }
    output_table_done(&table);
}

void view_rules(const struct value *record)
{
    const struct value *rules = value_get(record, "rules"), *search = value_get(record, "search");

    if (search) {
        AUTO_BUFFER struct buffer line = {0};

        print_list(search, &line);
        (void)printf("  search %s, ndots %" PRId64 "\n",
                     line.bytes ? (const char *)line.bytes : "nothing",
                     value_get_integer(record, "ndots", 1));
    }
    for (size_t i = 0; rules && rules->type == VALUE_LIST && i < rules->list.count; i++) {
        const struct value *rule = &rules->list.items[i];
        const struct value *destinations = value_get(rule, "destinations");
        const struct value *warnings = value_get(rule, "warnings");

        put_head(rule, i + 1);
        if (destinations && destinations->type == VALUE_LIST)
            put_destinations(destinations);
        for (size_t j = 0; warnings && warnings->type == VALUE_LIST && j < warnings->list.count;
             j++) {
            (void)printf("    note: ");
            tell_text(stdout, warnings->list.items[j].type == VALUE_STRING
                                  ? warnings->list.items[j].string.text
                                  : "?");
            (void)putchar('\n');
        }
    }
}
