/* sync.c - decides what to do about what the controller says, and what to say.
 *
 * Freshness. `current_ms` is when the documents in force were last proven to be the controller's:
 * by a welcome, a heartbeat or a delta of this revision and digest. Three periods without proof are
 * stale: a node that is frozen or cut off says so, and goes on serving.
 */
#include "sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "auto.h"
#include "catchup.h"
#include "message.h"
#include "refusal.h"
#include "session.h"

#define HELLO_RETRY_MS  5000
#define RETRY_LEAST_MS  500
#define RETRY_MOST_MS   30000
#define ACK_GAP_MS      1000 /* acks are merged to one a second */
#define HEARTBEAT_LEAST 100  /* ms; what a welcome says is taken within these */
#define HEARTBEAT_MOST  3600000
#define STALE_PERIODS   3
#define LAG_MS          3000 /* heartbeats may trail what was fetched: publishing is coalesced */

struct sync {
    struct sync_options options;
    struct session session;
    struct catchup catchup;
    struct buffer body, out;
    bool is_online, is_answered, was_fresh; /* a connection; the hello's welcome came by it */
    uint64_t hello_ms, ack_ms, acked_ms;    /* when due; when the last one went */
    uint64_t heartbeat_ms, started_ms, current_ms, known_revision;
    uint64_t below_ms; /* since when the controller says less than is in force; 0 = it does not */
    struct refusal_counts refused;
};

int sync_new(const struct sync_options *options, struct sync **ret_sync, struct error *err)
{
    struct sync *sync = calloc(1, sizeof *sync);

    if (!sync)
        return error_set(err, ERROR_INTERNAL, "out of memory");
    sync->options = *options;
    sync->catchup.mesh = options->mesh;
    sync->heartbeat_ms = options->report_ms;
    memcpy(sync->session.expected.mesh_id, options->mesh_id, SEAL_MESH_ID);
    memcpy(sync->session.expected.public_key, options->sign_key, KEY_SIGN_PUBLIC);
    *ret_sync = sync;
    return 0;
}

void sync_free(struct sync *sync)
{
    if (!sync)
        return;
    catchup_done(&sync->catchup);
    buffer_wipe(&sync->body);
    buffer_done(&sync->out);
    session_done(&sync->session);
    free(sync);
}

static void refuse(struct sync *sync, unsigned why, enum session_channel channel)
{
    sync->refused.counts[why]++;
    log_event(sync->options.log, why == REFUSAL_OVERTAKEN ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
              "message-refused", log_text("reason", refusal_name(why)),
              log_text("channel", channel == SESSION_NODE ? "node" : "broadcast"));
}

static bool send_message(struct sync *sync, const struct message *message)
{
    buffer_reset(&sync->out);
    message_write_node(message, &sync->out);
    return buffer_is_good(&sync->out) &&
           sync->options.send(sync->options.context, sync->out.bytes, sync->out.size);
}

/* A number below `most`, so that nodes do not all do the same thing at once. */
static uint64_t jitter(uint64_t most)
{
    uint64_t random = 0;

    (void)getrandom(&random, sizeof random, GRND_NONBLOCK);
    return most ? random % most : 0;
}

static uint64_t retry_ms(const struct sync *sync)
{
    uint64_t twice = sync->options.report_ms * 2;

    return twice < RETRY_LEAST_MS ? RETRY_LEAST_MS : twice > RETRY_MOST_MS ? RETRY_MOST_MS : twice;
}

static void say_hello(struct sync *sync, uint64_t now_ms)
{
    const struct state_head *mine = mesh_head(sync->options.mesh);
    struct message hello = {.kind = MESSAGE_HELLO,
                            .software = "meshdns-syncd " MESHDNS_VERSION,
                            .epoch = sync->session.expected.epoch,
                            .revision = mine->revision,
                            .has_floor = mine->has_floor};

    sync->hello_ms = now_ms + RETRY_LEAST_MS;
    if (!session_ask(&sync->session))
        return;
    memcpy(hello.nonce, sync->session.nonce, sizeof hello.nonce);
    memcpy(hello.digest, mine->digest, sizeof hello.digest);
    memcpy(hello.floor, mine->floor, sizeof hello.floor);
    if (send_message(sync, &hello))
        sync->hello_ms = now_ms + HELLO_RETRY_MS;
}

void sync_online(struct sync *sync, uint64_t now_ms)
{
    sync->is_online = true;
    sync->is_answered = false;
    sync->session.is_asked = false; /* a new connection, a new nonce */
    say_hello(sync, now_ms);
}

void sync_offline(struct sync *sync, uint64_t now_ms)
{
    (void)now_ms;
    if (sync->is_online)
        log_event(sync->options.log, LOG_LEVEL_WARNING, "controller-lost",
                  log_number("revision", (int64_t)mesh_head(sync->options.mesh)->revision));
    sync->is_online = false;
    sync->is_answered = false;
}

static void ack_soon(struct sync *sync, uint64_t now_ms)
{
    uint64_t gap = sync->options.report_ms < ACK_GAP_MS ? sync->options.report_ms : ACK_GAP_MS;
    uint64_t due = sync->acked_ms + gap > now_ms ? sync->acked_ms + gap : now_ms;

    if (due < sync->ack_ms)
        sync->ack_ms = due;
}

/* What the controller says it has; decides whether something must be asked for. */
static void learn(struct sync *sync, enum session_channel channel, const struct message *message,
                  uint64_t now_ms)
{
    const struct state_head *mine = mesh_head(sync->options.mesh);

    if (message->revision > sync->known_revision)
        sync->known_revision = message->revision;
    if (message->revision >= mine->revision)
        sync->below_ms = 0;
    if (message->revision > mine->revision) {
        if (mesh_is_damaged(sync->options.mesh))
            catchup_pull(&sync->catchup, now_ms);
        else
            catchup_fetch(&sync->catchup, now_ms);
    } else if (message->revision < mine->revision) {
        if (sync->below_ms == 0)
            sync->below_ms = now_ms;
        if (now_ms - sync->below_ms >= LAG_MS)
            refuse(sync, REFUSAL_OLD_REVISION, channel);
        else if (mine->revision <= sync->known_revision)
            sync->current_ms = now_ms; /* it has said this revision itself a moment ago */
    } else if (memcmp(message->digest, mine->digest, SEAL_DIGEST) != 0) {
        refuse(sync, REFUSAL_OTHER_DIGEST, channel);
    } else if (mesh_is_damaged(sync->options.mesh)) {
        catchup_pull(&sync->catchup, now_ms);
    } else {
        sync->current_ms = now_ms;
        catchup_rest(&sync->catchup);
    }
}

/* A session begins: its welcome proves that it is fresh. */
static void on_welcome(struct sync *sync, const struct seal_header *header,
                       const struct message *message, uint64_t now_ms)
{
    if (session_welcome(&sync->session, header, message)) {
        sync->known_revision = message->revision;
        log_event(sync->options.log, LOG_LEVEL_NOTICE, "controller-connected",
                  log_number("revision", (int64_t)message->revision),
                  log_number("epoch", (int64_t)message->epoch));
    }
    sync->is_answered = sync->is_online;
    sync->heartbeat_ms = message->heartbeat_ms < HEARTBEAT_LEAST  ? HEARTBEAT_LEAST
                         : message->heartbeat_ms > HEARTBEAT_MOST ? HEARTBEAT_MOST
                                                                  : message->heartbeat_ms;
    if (sync->catchup.phase != CATCHUP_IDLE)
        sync->catchup.next_ms = now_ms; /* what was asked on the old connection is lost */
    learn(sync, SESSION_NODE, message, now_ms);
    ack_soon(sync, now_ms);
}

static void on_epoch(struct sync *sync, const struct message *message)
{
    int refusal = session_epoch(&sync->session, message);

    if (refusal != SESSION_TRUE)
        refuse(sync, (unsigned)refusal, SESSION_NODE);
    else
        log_event(sync->options.log, LOG_LEVEL_NOTICE, "epoch",
                  log_number("epoch", (int64_t)message->epoch));
}

/* Counts and tells what became of documents. Returns ERROR_INTERNAL when the program should end. */
static int account(struct sync *sync, enum catchup_result result, enum session_channel channel,
                   const struct message *message, bool is_newest, uint64_t now_ms,
                   struct error *err)
{
    const struct state_head *mine = mesh_head(sync->options.mesh);

    if (message->revision > sync->known_revision)
        sync->known_revision = message->revision;
    switch (result) {
    case CATCHUP_APPLIED:
        log_event(sync->options.log, LOG_LEVEL_INFO, "applied",
                  log_number("revision", (int64_t)mine->revision),
                  log_number("documents", (int64_t)mesh_count(sync->options.mesh)));
        ack_soon(sync, now_ms);
        if (mine->revision < sync->known_revision)
            catchup_fetch(&sync->catchup, now_ms);
        else
            sync->current_ms = now_ms;
        return 0;
    case CATCHUP_KNOWN:
        if (mine->revision >= sync->known_revision && is_newest)
            sync->current_ms = now_ms;
        return 0;
    case CATCHUP_OLD:
        if (is_newest)
            refuse(sync, REFUSAL_OLD_REVISION, channel);
        return 0;
    case CATCHUP_DIGEST:
        refuse(sync, REFUSAL_BAD_DIGEST, channel);
        return 0;
    case CATCHUP_FAILED:
        log_event(sync->options.log, LOG_LEVEL_ERROR, "not-stored",
                  log_number("revision", (int64_t)message->revision),
                  log_text("reason", error_line(err)));
        return 0;
    case CATCHUP_FATAL:
        return ERROR_INTERNAL;
    case CATCHUP_PROGRESS:
    case CATCHUP_GAP:
        return 0;
    }
    return 0;
}

static bool has_floor(const struct sync *sync, const struct message *message)
{
    return seal_floor_check(sync->options.mesh_id, message->revision, message->digest,
                            sync->options.sign_key, message->floor) == 0;
}

/* Acts upon a message that is whole, authentic and in sequence. */
static int act(struct sync *sync, enum session_channel channel, const struct seal_header *header,
               const struct message *message, uint64_t now_ms)
{
    bool is_newest = session_advance(&sync->session, header), is_unicast = channel == SESSION_NODE;
    struct error err = {0};
    enum catchup_result result;

    switch (message->kind) {
    case MESSAGE_EPOCH:
        on_epoch(sync, message);
        return 0;
    case MESSAGE_HEARTBEAT:
        if (is_newest)
            learn(sync, channel, message, now_ms);
        return 0;
    case MESSAGE_PULL_NEEDED:
        catchup_pull_needed(&sync->catchup, message, is_unicast,
                            now_ms + (is_unicast ? 0 : jitter(sync->options.report_ms)));
        return 0;
    case MESSAGE_DELTA:
    case MESSAGE_CHUNK_STATE:
        if (!has_floor(sync, message)) {
            refuse(sync, REFUSAL_BAD_FLOOR, channel);
            return 0;
        }
        result = message->kind == MESSAGE_DELTA
                     ? catchup_delta(&sync->catchup, message, is_unicast, now_ms, &err)
                     : catchup_chunk(&sync->catchup, message, now_ms, &err);
        return account(sync, result, channel, message, is_newest, now_ms, &err);
    default:
        return 0;
    }
}

int sync_receive(struct sync *sync, enum session_channel channel, const void *bytes, size_t size,
                 uint64_t now_ms)
{
    AUTO(message_done) struct message message = {0};
    struct seal_header header = {0};
    int verdict =
        session_open(&sync->session, channel, bytes, size, &sync->body, &header, &message);
    int r = 0;

    if (verdict == SESSION_EARLY)
        return 0;
    if (verdict != SESSION_TRUE)
        refuse(sync, (unsigned)verdict, channel);
    else if (header.kind == MESSAGE_WELCOME)
        on_welcome(sync, &header, &message, now_ms);
    else
        r = act(sync, channel, &header, &message, now_ms);
    /* We have missed a new epoch: a hello brings its key. */
    if (verdict == SEAL_UNKNOWN_EPOCH && sync->is_answered && sync->hello_ms <= now_ms)
        say_hello(sync, now_ms);
    if (header.epoch == 0 && sync->body.bytes) /* may hold a group key */
        key_wipe(sync->body.bytes, sync->body.size);
    return r;
}

static void send_ack(struct sync *sync, uint64_t now_ms)
{
    const struct state_head *mine = mesh_head(sync->options.mesh);
    const struct error *why;
    const char *name;
    struct message ack = {
        .kind = MESSAGE_ACK,
        .revision = mine->revision,
        .unsupported = (uint32_t)mesh_unsupported(sync->options.mesh, SIZE_MAX, &name),
        .is_stale = !sync_is_fresh(sync, now_ms) || mesh_is_behind(sync->options.mesh, &why),
    };

    memcpy(ack.digest, mine->digest, sizeof ack.digest);
    (void)send_message(sync, &ack); /* a lost one is followed by the next */
    sync->acked_ms = now_ms;
    sync->ack_ms = now_ms + sync->options.report_ms - jitter(sync->options.report_ms / 10 + 1);
}

static void notice_staleness(struct sync *sync, uint64_t now_ms)
{
    bool is_fresh = sync_is_fresh(sync, now_ms);

    if (is_fresh == sync->was_fresh)
        return;
    sync->was_fresh = is_fresh;
    log_event(sync->options.log, is_fresh ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING,
              is_fresh ? "fresh" : "stale",
              log_number("revision", (int64_t)mesh_head(sync->options.mesh)->revision));
}

uint64_t sync_tick(struct sync *sync, uint64_t now_ms)
{
    struct message request;
    uint64_t next_ms = now_ms + sync->options.report_ms;

    if (sync->started_ms == 0)
        sync->started_ms = now_ms;
    notice_staleness(sync, now_ms);
    if (!sync->is_online)
        return next_ms;
    if (!sync->is_answered || sync->session.is_asked) {
        if (sync->hello_ms <= now_ms)
            say_hello(sync, now_ms);
        return sync->hello_ms < next_ms ? sync->hello_ms : next_ms;
    }
    if (catchup_request(&sync->catchup, now_ms, retry_ms(sync), &request) > 0)
        (void)send_message(sync, &request);
    if (sync->ack_ms <= now_ms)
        send_ack(sync, now_ms);
    if (sync->catchup.phase != CATCHUP_IDLE && sync->catchup.next_ms < next_ms)
        next_ms = sync->catchup.next_ms;
    return sync->ack_ms < next_ms ? sync->ack_ms : next_ms;
}

bool sync_is_fresh(const struct sync *sync, uint64_t now_ms)
{
    uint64_t period =
        sync->heartbeat_ms > sync->options.report_ms ? sync->heartbeat_ms : sync->options.report_ms;

    return sync->current_ms > 0 && now_ms - sync->current_ms <= STALE_PERIODS * period;
}

bool sync_is_connected(const struct sync *sync)
{
    return sync->is_online && sync->is_answered;
}

void sync_describe(const struct sync *sync, uint64_t now_ms, struct value *map)
{
    AUTO_VALUE struct value counters = {0};
    uint64_t since = sync->current_ms ? sync->current_ms : sync->started_ms;
    bool is_fresh = sync_is_fresh(sync, now_ms);

    value_put_integer(map, "epoch", (int64_t)sync->session.expected.epoch);
    value_put_boolean(map, "connected", sync_is_connected(sync));
    value_put_boolean(map, "fresh", is_fresh);
    value_put_integer(map, "stale_for_s", is_fresh ? 0 : (int64_t)((now_ms - since) / 1000));
    for (unsigned i = 1; i < REFUSALS; i++)
        value_put_integer(&counters, refusal_name(i), (int64_t)sync->refused.counts[i]);
    (void)value_put(map, "counters", &counters);
}
