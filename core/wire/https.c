/* https.c - one request to the controller's API, by libcurl.
 *
 * CURLOPT_PINNEDPUBLICKEY is checked by libcurl after each handshake whether or not the certificate
 * itself is verified; test_https proves it with a server that holds another key. Sessions are not
 * resumed, so each connection shows its key.
 */
#include "https.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "auto.h"

#define TIMEOUT_MS 30000
#define ANSWER_MAX ((size_t)1024 * 1024)
#define PIN_PREFIX "sha256//"

/* A handle of libcurl's, which keeps connections; opaque, so that callers need not know libcurl. */
struct https_session {
    CURL *curl;
};

struct https_session *https_session_new(void)
{
    struct https_session *session = malloc(sizeof(*session));
    CURL *curl = session ? curl_easy_init() : NULL;

    if (!curl) {
        free(session);
        return NULL;
    }
    session->curl = curl;
    return session;
}

void https_session_free(struct https_session *session)
{
    if (session)
        curl_easy_cleanup(session->curl);
    free(session);
}

/* Where libcurl puts the answer. */
struct sink {
    struct buffer body;
    size_t most;
    bool is_too_large;
};

static size_t sink_write(char *bytes, size_t size, size_t count, void *context)
{
    struct sink *sink = context;
    size_t more = size * count;

    if (more > sink->most - sink->body.size) {
        sink->is_too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    buffer_append(&sink->body, bytes, more);
    return buffer_is_good(&sink->body) ? more : CURL_WRITEFUNC_ERROR;
}

void https_answer_done(struct https_answer *answer)
{
    buffer_done(&answer->body);
    *answer = (struct https_answer){0};
}

int https_pin_check(const char *pin, struct error *err)
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *digits = pin + strlen(PIN_PREFIX);

    if (strncmp(pin, PIN_PREFIX, strlen(PIN_PREFIX)) == 0 && strspn(digits, base64) == 43 &&
        strcmp(digits + 43, "=") == 0)
        return 0;
    error_set(err, ERROR_INVALID, "'%.80s' is no pin; a pin is sha256// and 44 characters", pin);
    return error_hint(err, "take it from what `meshdns-controller init` printed"), ERROR_INVALID;
}

static int url_check(const char *url, struct error *err)
{
    if (strncmp(url, "https://", 8) == 0 && url[8] != '\0' && url[8] != '/')
        return 0;
    error_set(err, ERROR_INVALID, "'%.200s' is no address of a controller; allowed is https://",
              url);
    return error_hint(err, "write it like https://controller.example.net:7443"), ERROR_INVALID;
}

static void list_done(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

/* Appends a header. Returns whether there was memory. */
static bool list_add(struct curl_slist **list, const char *header)
{
    struct curl_slist *longer = curl_slist_append(*list, header);

    if (longer)
        *list = longer;
    return longer != NULL;
}

/* The token is not among these headers but in CURLOPT_XOAUTH2_BEARER, which libcurl never shows. */
static bool make_headers(const struct https_request *request, struct curl_slist **ret_list)
{
    return list_add(ret_list, "Accept: application/json, application/problem+json") &&
           list_add(ret_list, "Expect:") && /* no second of waiting for a 100 */
           (!request->body || list_add(ret_list, "Content-Type: application/json"));
}

static void set_options(CURL *curl, const struct https_request *request, struct curl_slist *headers,
                        struct sink *sink, char *reason)
{
    long timeout_ms = request->timeout_ms ? (long)request->timeout_ms : TIMEOUT_MS;

    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    /* Else the system's authorities are read and parsed, unused: 100 ms a call. */
    curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, request->pin);
    curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "meshdns/" MESHDNS_VERSION);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    if (request->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
    }
    if (request->token) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, request->token);
    }
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, sink_write);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
}

/* "host:port" of a URL that url_check has seen. */
static void set_where(const char *url, struct error *err)
{
    char host[256];

    (void)snprintf(host, sizeof(host), "%.*s", (int)strcspn(url + 8, "/?#"), url + 8);
    error_where(err, host);
}

static int tell(CURLcode code, const char *reason, const struct https_request *request,
                struct error *err)
{
    if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH) {
        error_set(err, ERROR_UNREACHABLE,
                  "another key answers than the pinned one; nothing was sent");
        error_hint(err, "somebody may be in between; if the controller was made anew, take the new "
                        "pin from where it was made");
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        error_set(err, ERROR_UNREACHABLE, "no answer within %u ms",
                  request->timeout_ms ? request->timeout_ms : TIMEOUT_MS);
        error_hint(err, "is the controller running and the way to it open?");
    } else if (code == CURLE_COULDNT_RESOLVE_HOST) {
        error_set(err, ERROR_UNREACHABLE, "there is no address for this host");
        error_hint(err, "check the server's name, or give its address");
    } else if (code == CURLE_COULDNT_CONNECT) {
        error_set(err, ERROR_UNREACHABLE, "the connection was refused or there is no way");
        error_hint(err, "is the controller running, and is this its API's port?");
    } else if (code == CURLE_OUT_OF_MEMORY) {
        error_set(err, ERROR_INTERNAL, "no memory");
    } else {
        error_set(err, ERROR_UNREACHABLE, "no answer: %.300s",
                  reason[0] ? reason : curl_easy_strerror(code));
    }
    set_where(request->url, err);
    return code == CURLE_OUT_OF_MEMORY ? ERROR_INTERNAL : ERROR_UNREACHABLE;
}

static int perform(CURL *curl, const struct https_request *request, struct sink *sink,
                   struct https_answer *ret_answer, struct error *err)
{
    __attribute__((cleanup(list_done))) struct curl_slist *headers = NULL;
    char reason[CURL_ERROR_SIZE] = "";
    long status = 0;

    if (!make_headers(request, &headers))
        return error_set(err, ERROR_INTERNAL, "no memory"), ERROR_INTERNAL;
    set_options(curl, request, headers, sink, reason);

    CURLcode code = curl_easy_perform(curl);
    if (sink->is_too_large) {
        error_set(err, ERROR_TOO_LARGE, "the answer is above %zu bytes, the most allowed",
                  sink->most);
        return set_where(request->url, err), ERROR_TOO_LARGE;
    }
    if (!buffer_is_good(&sink->body))
        code = CURLE_OUT_OF_MEMORY;
    if (code != CURLE_OK)
        return tell(code, reason, request, err);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    https_answer_done(ret_answer);
    *ret_answer = (struct https_answer){.status = (int)status, .body = sink->body};
    sink->body = (struct buffer){0};
    return 0;
}

int https_call(const struct https_request *request, struct https_answer *ret_answer,
               struct error *err)
{
    struct sink sink = {.most = request->most ? request->most : ANSWER_MAX};

    int r = url_check(request->url, err);
    if (r == 0)
        r = https_pin_check(request->pin, err);
    if (r < 0)
        return r;

    CURL *curl = request->session ? request->session->curl : curl_easy_init();
    if (!curl)
        return error_set(err, ERROR_INTERNAL, "libcurl does not start"), ERROR_INTERNAL;
    r = perform(curl, request, &sink, ret_answer, err);
    /* Forgets the options, the token and our stack among them, but not the connection. */
    if (request->session)
        curl_easy_reset(curl);
    else
        curl_easy_cleanup(curl);
    buffer_done(&sink.body);
    return r;
}
