/* api.c - the HTTPS API: from a request to its handler and back. */
#include "api.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <microhttpd.h>

#include "api_answer.h"
#include "api_route.h"
#include "api_slow.h"
#include "auto.h"
#include "json.h"
#include "policy.h"

#define CONNECTIONS_PER_IP 128
#define CONNECTIONS_MAX    512
#define BODY_DISCARDED_MAX (64 * 1024 * 1024) /* read to its end, to be answered in words */
#define PAGE_MOST          1000

struct api {
    struct control *control; /* the hub's thread's; here only its constant parts and the log */
    struct hub *hub;
    struct MHD_Daemon *daemon;
    struct api_slow *slow;
    struct buffer tokens;
    atomic_uint in_flight, refused_tokens; /* in_flight: acquire/release with is_closing */
    atomic_bool is_closing;
};

/* One request, from its first line to its completion. */
struct request {
    struct hub_job job; /* first: the hub gives it back by this address */
    struct api *api;
    struct MHD_Connection *connection;
    struct api_slow_entry *slow;
    const struct api_route *route;
    char allow[API_ROUTE_ALLOW], name[POLICY_NAME_MAX + 2], after[POLICY_NAME_MAX + 2],
        address[INET6_ADDRSTRLEN];
    struct buffer text;
    struct value body;
    struct api_call call;
    struct error err;
    int result; /* of the handler */
    bool is_refused, is_answered, is_done;
};

static void request_free(struct request *request)
{
    buffer_wipe(&request->text);
    value_done(&request->body);
    value_done(&request->call.answer);
    free(request);
}

/* Remembers why; the answer goes out when the body has been read (and forgotten): a client that is
 * still sending would see a broken connection instead. */
static void refuse(struct request *request, int code, const char *text, const char *hint)
{
    request->is_refused = true;
    error_set(&request->err, code, "%s", text);
    if (hint)
        error_hint(&request->err, "%s", hint);
}

static bool is_token_good(const struct api *api, struct MHD_Connection *connection)
{
    const char *header =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    uint8_t hash[KEY_TOKEN_HASH];
    bool is_good = false;

    if (!header || strncasecmp(header, "Bearer ", 7) != 0 || strlen(header) > 256)
        return false;
    key_token_hash(header + 7, hash);
    for (size_t at = 0; at < api->tokens.size; at += KEY_TOKEN_HASH)
        is_good |= key_is_equal(hash, api->tokens.bytes + at, KEY_TOKEN_HASH);
    return is_good;
}

static void find_address(struct request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *peer = info ? info->client_addr : NULL;

    (void)snprintf(request->address, sizeof(request->address), "unknown");
    if (peer && peer->sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)peer)->sin_addr,
                        request->address, sizeof(request->address));
    if (peer && peer->sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr,
                        request->address, sizeof(request->address));
}

/* 1..PAGE_MOST in plain digits; 0 for all else. */
static int64_t read_limit(const char *text)
{
    size_t length = strspn(text, "0123456789");

    if (length == 0 || length > 4 || text[length] != '\0')
        return 0;
    long limit = strtol(text, NULL, 10);
    return limit <= PAGE_MOST ? limit : 0;
}

/* ?after= and ?limit=. */
static int read_query(struct request *request)
{
    const char *after =
        MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, "after");
    const char *limit =
        MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, "limit");

    if (after && after[0] && !policy_is_name(after))
        return error_set(&request->err, ERROR_USAGE, "?after= must be a policy's name");
    (void)snprintf(request->after, sizeof(request->after), "%s", after ? after : "");
    request->call.limit = limit ? read_limit(limit) : 0;
    if (limit && request->call.limit == 0)
        return error_set(&request->err, ERROR_USAGE, "?limit= must be 1..%d", PAGE_MOST);
    return 0;
}

static unsigned long long announced_size(struct request *request)
{
    const char *length = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
                                                     MHD_HTTP_HEADER_CONTENT_LENGTH);

    return length ? strtoull(length, NULL, 10) : 0;
}

static void refuse_large(struct request *request)
{
    char text[96];

    (void)snprintf(text, sizeof(text), "the body is larger than %zu bytes, the most allowed here",
                   request->route->body_max);
    refuse(request, ERROR_TOO_LARGE, text, NULL);
}

/* Counted each, logged once a tick: whoever tries tokens does not fill the disk with our words. */
static void refuse_token(struct request *request)
{
    struct api *api = request->api;

    if (atomic_fetch_add_explicit(&api->refused_tokens, 1, memory_order_relaxed) == 0)
        log_event(api->control->log, LOG_LEVEL_WARNING, "refused", log_text("kind", "token"),
                  log_text("from", request->address),
                  log_text("reason", "no token, or a wrong one"));
    refuse(request, ERROR_UNAUTHENTICATED, "no token, or not one of this mesh",
           "send 'Authorization: Bearer mdt_...'");
}

/* What can be said from the request's head alone, before a byte of the body is read. */
static void check_head(struct request *request, const char *method, const char *url)
{
    const char *name = NULL;

    find_address(request);
    request->route = api_route_find(method, url, &name, request->allow);
    if (!request->route && request->allow[0])
        refuse(request, ERROR_USAGE, "this path does not take that method", NULL);
    else if (!request->route)
        refuse(request, ERROR_NOT_FOUND, "there is no such path", "see meshdns-controller(8)");
    else if (request->route->needs_token && !is_token_good(request->api, request->connection))
        refuse_token(request);
    else if (name && !policy_is_name(name))
        refuse(request, ERROR_NOT_FOUND, "names consist of a-z, 0-9 and -, at most 63", NULL);
    else if (announced_size(request) > request->route->body_max)
        refuse_large(request);
    else if (read_query(request) < 0)
        request->is_refused = true;
    (void)snprintf(request->name, sizeof(request->name), "%s", name ? name : "");
    request->call.name = name ? request->name : NULL;
    request->call.after = request->after;
    request->call.address = request->address;
    request->call.document = SIZE_MAX;
}

static enum MHD_Result answer_refusal(struct request *request, unsigned status)
{
    const char *allow = request->route || !request->allow[0] ? NULL : request->allow;

    request->is_answered = true;
    return api_answer_problem(request->connection, &request->err,
                              allow ? MHD_HTTP_METHOD_NOT_ALLOWED : status, request->call.document,
                              allow);
}

/* In the hub's thread. */
static void run(struct hub_job *job, struct control *control)
{
    struct request *request = (struct request *)(void *)job;
    struct api *api = request->api;

    request->result = request->route->handler(control, &request->call, &request->err);
    request->is_done = true;
    api_slow_hold(api->slow, request->slow, false);
    MHD_resume_connection(request->connection); /* the request is libmicrohttpd's again */
    atomic_fetch_sub_explicit(&api->in_flight, 1, memory_order_release);
}

static enum MHD_Result submit(struct request *request)
{
    struct api *api = request->api;

    atomic_fetch_add_explicit(&api->in_flight, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&api->is_closing, memory_order_seq_cst)) {
        atomic_fetch_sub_explicit(&api->in_flight, 1, memory_order_release);
        refuse(request, ERROR_AGAIN, "the controller is stopping", NULL);
        return answer_refusal(request, 0);
    }
    request->job.run = run;
    api_slow_hold(api->slow, request->slow, true);
    MHD_suspend_connection(request->connection);
    hub_submit(api->hub, &request->job);
    return MHD_YES;
}

static enum MHD_Result answer_probe(struct request *request)
{
    bool is_ready = strcmp(request->route->path, "/livez") == 0 || hub_is_alive(request->api->hub);

    request->is_answered = true;
    return is_ready
               ? api_answer_text(request->connection, MHD_HTTP_OK, "ok\n")
               : api_answer_text(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE, "not ready\n");
}

/* The body as JSON, for its handler. */
static int read_body(struct request *request)
{
    const char *text = request->text.bytes ? (const char *)request->text.bytes : "";

    if (!buffer_is_good(&request->text))
        return error_set(&request->err, ERROR_INTERNAL, "no memory for the body");
    int r = json_read(text, request->text.size, &request->body, &request->err);
    if (r == 0 && request->body.type != VALUE_MAP)
        r = error_set(&request->err, ERROR_INVALID, "the body must be a JSON object");
    request->call.body = &request->body;
    return r;
}

/* The whole request is there; or the hub has done it. */
static enum MHD_Result finish(struct request *request)
{
    if (request->is_refused)
        return answer_refusal(request, 0);
    if (request->is_done && request->result < 0)
        return answer_refusal(request, 0);
    if (request->is_done) {
        request->is_answered = true;
        return api_answer_json(request->connection, &request->call.answer);
    }
    if (!request->route->handler)
        return answer_probe(request);
    if (request->route->body_max > 0 && read_body(request) < 0)
        return answer_refusal(request, MHD_HTTP_BAD_REQUEST);
    return submit(request);
}

static struct request *request_new(struct api *api, struct MHD_Connection *connection)
{
    struct request *request = calloc(1, sizeof(*request));
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    if (request) {
        request->api = api;
        request->connection = connection;
        request->slow = info ? info->socket_context : NULL;
    }
    return request;
}

/* libmicrohttpd calls this for the head, for each piece of the body, and at the end. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *piece,
                              size_t *piece_size, void **ret_request)
{
    struct request *request = *ret_request;

    (void)version;
    if (!request) {
        request = *ret_request = request_new(context, connection);
        if (!request)
            return MHD_NO;
        check_head(request, method, url);
        return announced_size(request) > BODY_DISCARDED_MAX ? answer_refusal(request, 0) : MHD_YES;
    }
    if (*piece_size > 0) {
        if (!request->is_refused && request->text.size + *piece_size > request->route->body_max)
            refuse_large(request);
        if (!request->is_refused)
            buffer_append(&request->text, piece, *piece_size);
        *piece_size = 0;
        return MHD_YES;
    }
    return request->is_answered ? MHD_YES : finish(request);
}

static void completed(void *context, struct MHD_Connection *connection, void **request_at,
                      enum MHD_RequestTerminationCode code)
{
    struct api *api = context;
    struct request *request = *request_at;

    (void)connection;
    (void)code;
    if (!request)
        return;
    api_slow_restart(api->slow, request->slow);
    request_free(request);
    *request_at = NULL;
}

static void connection_changed(void *context, struct MHD_Connection *connection,
                               void **socket_context, enum MHD_ConnectionNotificationCode code)
{
    struct api *api = context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context = info ? api_slow_begin(api->slow, info->connect_fd) : NULL;
    } else {
        api_slow_end(api->slow, *socket_context);
        *socket_context = NULL;
    }
}

void api_tick(void *context)
{
    struct api *api = context;
    unsigned shut = api_slow_shut(api->slow, api->control->config->request_timeout_ms);

    api->control->refused[CONTROL_TOKEN] +=
        atomic_exchange_explicit(&api->refused_tokens, 0, memory_order_relaxed);
    if (shut > 0)
        log_event(api->control->log, LOG_LEVEL_INFO, "slow-requests-cut",
                  log_number("count", shut));
}

/* The address to listen on, as libmicrohttpd wants it. */
static unsigned make_address(const struct endpoint *endpoint, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;

    *ret_address = (struct sockaddr_storage){0};
    if (endpoint->is_v6) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(endpoint->port);
        (void)inet_pton(AF_INET6, endpoint->host, &v6->sin6_addr);
        return MHD_USE_DUAL_STACK;
    }
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint->port);
    (void)inet_pton(AF_INET, endpoint->host, &v4->sin_addr);
    return 0;
}

static struct MHD_Daemon *start(struct api *api)
{
    const struct config *config = api->control->config;
    const struct tls *tls = &api->control->authority->tls;
    struct sockaddr_storage address;
    unsigned flags = make_address(&config->api, &address) | MHD_USE_EPOLL_INTERNAL_THREAD |
                     MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TLS;
    unsigned timeout_s = (unsigned)((config->request_timeout_ms + 999) / 1000);

    return MHD_start_daemon(
        flags, 0, NULL, NULL, handle, api, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_HTTPS_MEM_KEY,
        tls->key, MHD_OPTION_HTTPS_MEM_CERT, tls->certificate, MHD_OPTION_HTTPS_PRIORITIES,
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", MHD_OPTION_NOTIFY_COMPLETED, completed, api,
        MHD_OPTION_NOTIFY_CONNECTION, connection_changed, api, MHD_OPTION_CONNECTION_LIMIT,
        CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT, CONNECTIONS_PER_IP,
        MHD_OPTION_CONNECTION_TIMEOUT, timeout_s, MHD_OPTION_END);
}

int api_open(struct control *control, struct hub *hub, struct api **ret_api, struct error *err)
{
    struct api *api = calloc(1, sizeof(*api));
    char address[ENDPOINT_TEXT];

    if (!api)
        return error_set(err, ERROR_INTERNAL, "no memory for the API");
    *api = (struct api){.control = control, .hub = hub, .slow = api_slow_new()};
    int r = api->slow ? store_tokens(control->store, &api->tokens, err)
                      : error_set(err, ERROR_INTERNAL, "no memory for the API");
    if (r == 0) {
        api->daemon = start(api);
        endpoint_write("https", control->config->api.host, control->config->api.port, address);
        if (!api->daemon)
            r = error_errno(err, address, "cannot listen");
    }
    if (r < 0)
        api_close(api);
    else
        *ret_api = api;
    return r;
}

void api_close(struct api *api)
{
    if (!api)
        return;
    /* libmicrohttpd must not be stopped while a connection is suspended. */
    atomic_store_explicit(&api->is_closing, true, memory_order_seq_cst);
    while (atomic_load_explicit(&api->in_flight, memory_order_seq_cst) > 0) {
        hub_drain(api->hub);
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    if (api->daemon)
        MHD_stop_daemon(api->daemon);
    api_slow_free(api->slow);
    buffer_wipe(&api->tokens);
    free(api);
}
