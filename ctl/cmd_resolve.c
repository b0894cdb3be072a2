/* cmd_resolve.c - meshctl resolve: what a program would get, by the very code that runs in it. */
#include "cmd_resolve.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "auto.h"
#include "options.h"
#include "output.h"
#include "plain.h"
#include "resolve.h"
#include "tally.h"
#include "view.h"

#define COUNT_MAX 100000000

/* clang-format off */
static const struct command_option options[] = {
    {"count",  'n', "N",    "look up N times and show the shares"},
    {"family", 0,   "4|6",  "addresses of one family only"},
    {"as-nss", 0,   NULL,   "as through nsswitch.conf, where no port can be set"},
    OPTIONS_SNAPSHOT, OPTIONS_JSON, {0}};
/* clang-format on */

const struct command_details cmd_resolve_details = {
    .text = "Resolve NAME as a program on this machine would, from the snapshot alone, and\n"
            "print an address a line. With --count, show how often each destination comes\n"
            "first. A program's own name and user count for rules with `when`: here they are\n"
            "those of meshctl. NAME may be an address: then its name is looked up.\n\n"
            "Exits 1 when no policy gives an address.",
    .example = "meshctl resolve canary.shop.mesh\n"
               "meshctl resolve canary.shop.mesh --count 100000",
    .options = options,
};

static const char *result_name(enum resolve_result result)
{
    static const char *const names[] = {[RESOLVE_MISS] = "no-policy",
                                        [RESOLVE_FOUND] = "found",
                                        [RESOLVE_DENIED] = "denied",
                                        [RESOLVE_NO_DATA] = "no-data"};

    return names[result];
}

/* {address: [text], port, draws, share} */
static int destination_value(const struct tally *tally, int64_t count, struct value *ret_value)
{
    struct value item = {.type = VALUE_MAP}, list = {.type = VALUE_LIST}, text;
    char address[INET6_ADDRSTRLEN];

    if (tally->destination.has_v4 &&
        inet_ntop(AF_INET, &tally->destination.v4, address, sizeof(address)) &&
        value_string(&text, address, strlen(address)) == 0)
        (void)value_push(&list, &text);
    if (tally->destination.has_v6 &&
        inet_ntop(AF_INET6, tally->destination.v6, address, sizeof(address)) &&
        value_string(&text, address, strlen(address)) == 0)
        (void)value_push(&list, &text);
    int r = value_put(&item, "address", &list);
    value_put_integer(&item, "port", tally->destination.port);
    if (count > 1) {
        value_put_integer(&item, "draws", tally->draws);
        value_put_integer(&item, "share", (tally->draws * 1000000 + count / 2) / count);
    }
    *ret_value = item;
    return r;
}

/* The outcome as the object that --json shows. */
static int make_object(const char *name, enum resolve_result result, const char *canonical,
                       int64_t count, const struct tally_set *tallies, struct value *ret_object,
                       struct error *err)
{
    struct value object = {.type = VALUE_MAP}, list = {.type = VALUE_LIST}, item;
    int r = 0;

    value_put_text(&object, "name", name);
    value_put_text(&object, "result", result_name(result));
    value_put_text(&object, "canonical", canonical);
    value_put_integer(&object, "count", count);
    for (size_t i = 0; r == 0 && i < tallies->count; i++) {
        r = destination_value(tallies->items[i], count, &item);
        if (r == 0)
            r = value_push(&list, &item);
    }
    if (value_put(&object, "destinations", &list) < 0 || r < 0)
        return error_set(err, ERROR_INTERNAL, "no memory");
    *ret_object = object;
    return 0;
}

/* An address a line, as one would connect to it. */
static void put_addresses(const struct tally_set *tallies)
{
    for (size_t i = 0; i < tallies->count; i++) {
        const struct resolve_destination *destination = &tallies->items[i]->destination;
        char address[INET6_ADDRSTRLEN] = "", port[8] = "";

        if (destination->port)
            (void)snprintf(port, sizeof(port), ":%u", destination->port);
        if (destination->has_v4 && inet_ntop(AF_INET, &destination->v4, address, sizeof(address)))
            (void)printf("%s%s\n", address, port);
        if (destination->has_v6 && inet_ntop(AF_INET6, destination->v6, address, sizeof(address)))
            (void)printf("%s%s%s%s\n", port[0] ? "[" : "", address, port[0] ? "]" : "", port);
    }
}

static void put_shares(const struct value *object)
{
    struct output_table table = {.columns = 3};
    const struct value *list = value_get(object, "destinations");

    output_cell(&table, "DESTINATION");
    output_cell(&table, "%9s", "DRAWS");
    output_cell(&table, "%8s", "SHARE");
    for (size_t i = 0; list && i < list->list.count; i++) {
        char address[128], share[24];

        view_print_destination(&list->list.items[i], address, sizeof(address));
        view_print_share(value_get_integer(&list->list.items[i], "share", 0), share, sizeof(share));
        output_cell(&table, "%s", address);
        output_cell(&table, "%9" PRId64, value_get_integer(&list->list.items[i], "draws", 0));
        output_cell(&table, "%8s", share);
    }
    output_table_done(&table);
}

/* Whether the snapshot has records for a name, so that it is their rules that do not hold here. */
static bool has_records(const char *path, const char *name)
{
    AUTO_VALUE struct value records = {.type = VALUE_NULL};
    struct snapshot_check *check = NULL;
    int found = 0;

    if (view_open(path, &check, NULL) == 0)
        found = view_records(check, name, &records, NULL);
    snapshot_check_close(check);
    return found > 0;
}

/* Says on standard error why there is no address. */
static void tell_none(const char *name, const char *path, enum resolve_result result)
{
    (void)fprintf(stderr, "%s: ", path);
    if (result == RESOLVE_DENIED)
        (void)fprintf(stderr, "a policy says that there is no '%s'\n", name);
    else if (result == RESOLVE_NO_DATA)
        (void)fprintf(stderr, "'%s' has no address of this family or for this way in\n", name);
    else if (has_records(path, name))
        (void)fprintf(stderr,
                      "no rule for '%s' holds for meshctl as this user; the standard resolvers are "
                      "asked\n  hint: `meshctl explain %s` shows the rules\n",
                      name, name);
    else
        (void)fprintf(stderr, "no policy covers '%s'; the standard resolvers are asked\n", name);
}

static int read_request(const struct command_call *call, struct resolve_request *ret_request,
                        long *ret_count, struct error *err)
{
    const char *family = command_get(call, "family");
    struct resolve_request request = {.name = call->arguments[0], .family = AF_UNSPEC};

    int r = command_number(call, "count", 1, COUNT_MAX, 1, ret_count, err);
    if (r < 0)
        return r;
    if (family && strcmp(family, "4") != 0 && strcmp(family, "6") != 0)
        return error_set(err, ERROR_USAGE, "--family: '%.40s' is neither 4 nor 6", family);
    if (family)
        request.family = family[0] == '4' ? AF_INET : AF_INET6;
    request.caller = command_has(call, "as-nss") ? RESOLVE_NSS : RESOLVE_SHIM;
    request.most = *ret_count > 1 || request.caller == RESOLVE_NSS ? 1 : SNAPSHOT_ANSWERS_MAX;
    *ret_request = request;
    return 0;
}

/* Looks up as often as wanted. What is not found at once is looked up once. */
static int look_up(struct snapshot_reader *reader, const struct resolve_request *request,
                   int64_t count, struct tally_set *tallies, struct resolve_answer *answer,
                   enum resolve_result *ret_result, struct error *err)
{
    enum resolve_result result = resolve_name(reader, request, answer);
    int r = 0;

    for (size_t i = 0; r == 0 && result == RESOLVE_FOUND && count == 1 && i < answer->count; i++)
        r = tally_add(tallies, &answer->destinations[i], 1, err);
    for (int64_t i = 0; r == 0 && result == RESOLVE_FOUND && count > 1 && i < count; i++) {
        result = resolve_name(reader, request, answer);
        if (result == RESOLVE_FOUND)
            r = tally_add(tallies, &answer->destinations[0], 1, err);
    }
    if (count > 1)
        tally_sort(tallies);
    *ret_result = result;
    return r;
}

/* An address instead of a name. Returns 1 when it is one. */
static int look_up_address(struct snapshot_reader *reader, const char *text,
                           struct resolve_answer *answer, enum resolve_result *ret_result)
{
    uint8_t address[16];
    size_t size = inet_pton(AF_INET, text, address) == 1    ? 4
                  : inet_pton(AF_INET6, text, address) == 1 ? 16
                                                            : 0;

    if (size > 0)
        *ret_result = resolve_address(reader, address, size, answer);
    return size > 0;
}

int cmd_resolve(const struct command_call *call, struct error *err)
{
    AUTO(tally_done) struct tally_set tallies = {0};
    AUTO_VALUE struct value object = {.type = VALUE_NULL};
    struct snapshot_reader reader = SNAPSHOT_READER(view_path(call));
    enum resolve_result result = RESOLVE_MISS;
    struct resolve_answer answer = {0};
    struct resolve_request request = {0};
    struct rng rng = {0};
    long count = 1;

    int r = read_request(call, &request, &count, err);
    if (r == 0 && !snapshot_reader_map(&reader)) {
        struct snapshot_check *check = NULL;
        r = view_open(reader.path, &check, err);
        snapshot_check_close(check);
        if (r == 0)
            r = error_set(err, ERROR_AGAIN, "the snapshot has just come; try again");
    }
    if (r < 0)
        return r;
    request.rng = &rng;
    bool is_address = look_up_address(&reader, request.name, &answer, &result);
    if (!is_address)
        r = look_up(&reader, &request, count, &tallies, &answer, &result, err);
    plain_make(answer.canonical); /* a damaged or hostile file may say anything */
    if (r == 0)
        r = make_object(request.name, result, result == RESOLVE_FOUND ? answer.canonical : "",
                        count, &tallies, &object, err);
    if (r < 0)
        return r;
    if (command_has(call, "json"))
        r = output_json(&object, err);
    else if (result != RESOLVE_FOUND)
        tell_none(request.name, reader.path, result);
    else if (is_address)
        (void)printf("%s\n", answer.canonical);
    else if (count > 1)
        put_shares(&object);
    else
        put_addresses(&tallies);
    return r < 0 ? r : result != RESOLVE_FOUND;
}
