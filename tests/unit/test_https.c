/* test_https.c - the HTTPS client against a real TLS server with a certificate of its own. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>

#include "auto.h"
#include "https.h"

#define SLOW_MS 1000

/* A server on loopback and what it saw last. */
struct server {
    struct MHD_Daemon *daemon;
    char key[4096], certificate[4096], pin[HTTPS_PIN_SIZE], url[64];
    char method[16], authorization[128], type[64], accept[128], body[256];
    unsigned calls, connections;
};

static void base64_pin(gnutls_x509_crt_t certificate, char *ret_pin)
{
    unsigned char id[32];
    size_t size = sizeof(id);
    gnutls_datum_t raw = {id, 0}, text;

    cr_assert_eq(gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, id, &size), 0);
    raw.size = (unsigned)size;
    cr_assert_eq(gnutls_base64_encode2(&raw, &text), 0);
    (void)snprintf(ret_pin, HTTPS_PIN_SIZE, "sha256//%s", text.data);
    gnutls_free(text.data);
}

static void make_certificate(struct server *server)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
    size_t key_size = sizeof(server->key), size = sizeof(server->certificate);

    gnutls_x509_privkey_init(&key);
    cr_assert_eq(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                              GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                 0);
    gnutls_x509_crt_init(&certificate);
    gnutls_x509_crt_set_version(certificate, 3);
    gnutls_x509_crt_set_serial(certificate, "\1", 1);
    gnutls_x509_crt_set_dn(certificate, "CN=nobody.example", NULL);
    /* Long expired: the pin alone counts. */
    gnutls_x509_crt_set_activation_time(certificate, 0);
    gnutls_x509_crt_set_expiration_time(certificate, 86400);
    gnutls_x509_crt_set_key(certificate, key);
    cr_assert_eq(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0), 0);
    base64_pin(certificate, server->pin);
    gnutls_x509_privkey_export(key, GNUTLS_X509_FMT_PEM, server->key, &key_size);
    gnutls_x509_crt_export(certificate, GNUTLS_X509_FMT_PEM, server->certificate, &size);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
}

static void note(struct MHD_Connection *connection, const char *header, char *field, size_t size)
{
    const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, header);

    (void)snprintf(field, size, "%s", text ? text : "");
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    static const char large[4096] = "";
    struct server *server = context;
    struct MHD_Response *response;
    unsigned status = 200;

    (void)version;
    if (!*state) {
        *state = server;
        server->body[0] = '\0';
        return MHD_YES;
    }
    if (*upload_size > 0) {
        size_t length = strlen(server->body);
        (void)snprintf(server->body + length, sizeof(server->body) - length, "%.*s",
                       (int)*upload_size, upload);
        *upload_size = 0;
        return MHD_YES;
    }
    server->calls++;
    (void)snprintf(server->method, sizeof(server->method), "%s", method);
    note(connection, "Authorization", server->authorization, sizeof(server->authorization));
    note(connection, "Content-Type", server->type, sizeof(server->type));
    note(connection, "Accept", server->accept, sizeof(server->accept));
    if (strcmp(url, "/large") == 0) {
        response = MHD_create_response_from_buffer(sizeof(large), (void *)(uintptr_t)large,
                                                   MHD_RESPMEM_PERSISTENT);
    } else {
        static char text[] = "{\"ok\":true}";
        if (strcmp(url, "/slow") == 0)
            usleep(SLOW_MS * 1000);
        status = strcmp(url, "/missing") == 0 ? 404 : strcmp(url, "/moved") == 0 ? 301 : 200;
        response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_PERSISTENT);
        if (status == 301)
            MHD_add_response_header(response, "Location", "http://127.0.0.1:1/");
    }
    enum MHD_Result r = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return r;
}

static void count_connection(void *context, struct MHD_Connection *connection, void **state,
                             enum MHD_ConnectionNotificationCode code)
{
    struct server *server = context;

    (void)connection, (void)state;
    server->connections += code == MHD_CONNECTION_NOTIFY_STARTED;
}

static void server_start(struct server *server)
{
    *server = (struct server){0};
    make_certificate(server);
    server->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL, NULL, answer, server,
        MHD_OPTION_NOTIFY_CONNECTION, count_connection, server, MHD_OPTION_HTTPS_MEM_KEY,
        server->key, MHD_OPTION_HTTPS_MEM_CERT, server->certificate, MHD_OPTION_END);
    cr_assert(server->daemon, "no server");
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    (void)snprintf(server->url, sizeof(server->url), "https://127.0.0.1:%u", info->port);
}

/* One call to a path of the server; the words of a failure are in err. */
static int call(const struct server *server, const char *path, struct https_request request,
                struct https_answer *ret_answer, struct error *err)
{
    char url[128];

    (void)snprintf(url, sizeof(url), "%s%s", server->url, path);
    request.url = url;
    if (!request.method)
        request.method = "GET";
    if (!request.pin)
        request.pin = server->pin;
    return https_call(&request, ret_answer, err);
}

Test(https, a_request_carries_method_token_and_body_and_brings_status_and_body)
{
    struct server server;
    AUTO_HTTPS_ANSWER struct https_answer got = {0};
    struct error err = {0};

    server_start(&server);
    /* A proxy for the web must not stand between people and their controller. */
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    int r = call(&server, "/v1/changes",
                 (struct https_request){
                     .method = "POST", .token = "mdt_x", .body = "{\"a\":1}", .body_size = 7},
                 &got, &err);
    cr_assert_eq(r, 0, "%s", error_line(&err));
    cr_expect_eq(got.status, 200);
    cr_expect_str_eq((const char *)got.body.bytes, "{\"ok\":true}");
    cr_expect_str_eq(server.method, "POST");
    cr_expect_str_eq(server.authorization, "Bearer mdt_x");
    cr_expect_str_eq(server.type, "application/json");
    cr_expect_str_eq(server.body, "{\"a\":1}");
    cr_expect(strstr(server.accept, "application/problem+json") != NULL);

    cr_expect_eq(call(&server, "/missing", (struct https_request){.method = "DELETE"}, &got, &err),
                 0);
    cr_expect_eq(got.status, 404);
    cr_expect_str_eq(server.method, "DELETE");
    cr_expect_str_eq(server.authorization, "");
    cr_expect_str_eq(server.body, "");
    /* A redirection is an answer like any other: nobody sends the token elsewhere. */
    cr_expect_eq(call(&server, "/moved", (struct https_request){0}, &got, &err), 0);
    cr_expect_eq(got.status, 301);
    MHD_stop_daemon(server.daemon);
}

Test(https, a_session_keeps_its_connection_and_forgets_its_token)
{
    struct server server, other;
    struct https_session *session = https_session_new();
    AUTO_HTTPS_ANSWER struct https_answer got = {0};
    struct error err = {0};

    server_start(&server);
    make_certificate(&other);
    for (int i = 0; i < 3; i++) {
        struct https_request request = {.session = session, .token = i == 0 ? "mdt_x" : NULL};
        cr_assert_eq(call(&server, "/", request, &got, &err), 0, "%s", error_line(&err));
        cr_expect_str_eq(server.authorization, i == 0 ? "Bearer mdt_x" : "");
    }
    cr_expect_eq(server.calls, 3u);
    cr_expect_eq(server.connections, 1u);
    /* A connection that is open already does not serve who expects another key. */
    int r = call(&server, "/", (struct https_request){.session = session, .pin = other.pin}, &got,
                 &err);
    cr_expect_eq(r, ERROR_UNREACHABLE);
    cr_expect_eq(server.calls, 3u);
    https_session_free(session);
    https_session_free(NULL);
    MHD_stop_daemon(server.daemon);
}

Test(https, another_key_than_the_pinned_one_gets_no_request)
{
    struct server server, other;
    AUTO_HTTPS_ANSWER struct https_answer got = {0};
    struct error err = {0};

    server_start(&server);
    make_certificate(&other);
    int r =
        call(&server, "/", (struct https_request){.pin = other.pin, .token = "mdt_x"}, &got, &err);
    cr_expect_eq(r, ERROR_UNREACHABLE);
    cr_expect(strstr(err.text, "another key answers than the pinned one"), "%s", err.text);
    cr_expect(err.hint[0] != '\0');
    cr_expect_str_eq(err.where, server.url + 8);
    cr_expect_eq(server.calls, 0u, "the server saw a request");
    cr_expect_eq(got.status, 0);
    MHD_stop_daemon(server.daemon);
}

Test(https, what_does_not_answer_in_time_or_size_is_told_apart)
{
    struct server server;
    AUTO_HTTPS_ANSWER struct https_answer got = {0};
    struct error err = {0};
    char gone[64];

    server_start(&server);
    cr_expect_eq(call(&server, "/large", (struct https_request){.most = 4095}, &got, &err),
                 ERROR_TOO_LARGE);
    cr_expect_str_eq(err.text, "the answer is above 4095 bytes, the most allowed");
    cr_expect_eq(call(&server, "/large", (struct https_request){.most = 4096}, &got, &err), 0);
    cr_expect_eq(got.body.size, 4096u);

    cr_expect_eq(call(&server, "/slow", (struct https_request){.timeout_ms = 300}, &got, &err),
                 ERROR_UNREACHABLE);
    cr_expect_str_eq(err.text, "no answer within 300 ms");
    memcpy(gone, server.url, sizeof(gone));
    MHD_stop_daemon(server.daemon);

    struct https_request request = {.method = "GET", .url = gone, .pin = server.pin};
    cr_expect_eq(https_call(&request, &got, &err), ERROR_UNREACHABLE);
    cr_expect_str_eq(err.text, "the connection was refused or there is no way");
    cr_expect_str_eq(err.where, gone + 8);
}

Test(https, a_url_without_tls_and_a_pin_that_is_none_are_refused)
{
    static const char good[] = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    static const struct {
        const char *url, *pin, *says;
    } refused[] = {
        {"http://127.0.0.1:1/", good, "'http://127.0.0.1:1/' is no address of a controller"},
        {"https://", good, "'https://' is no address of a controller"},
        {"https://127.0.0.1:1/", "", "'' is no pin; a pin is sha256// and 44 characters"},
        {"https://127.0.0.1:1/", "/etc/hostname", "'/etc/hostname' is no pin"},
        {"https://127.0.0.1:1/", "sha256//AAAA", "'sha256//AAAA' is no pin"},
        {"https://127.0.0.1:1/",
         "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=;sha256//AAAA", "is no pin"},
    };
    struct https_answer got = {0};

    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct https_request request = {
            .method = "GET", .url = refused[i].url, .pin = refused[i].pin};
        struct error err = {0};

        cr_expect_eq(https_call(&request, &got, &err), ERROR_INVALID, "row %zu", i);
        cr_expect(strstr(err.text, refused[i].says), "row %zu: %s", i, err.text);
    }
    cr_expect_eq(https_pin_check(good, NULL), 0);
}
