/* session.c - seal, channel, nonce, sequence.
 *
 * The controller numbers all its messages upwards, over restarts too: the high half of a sequence
 * is the count of its starts. Each channel must rise by itself, since the two connections overtake
 * each other. A welcome with our nonce is fresh by itself and starts a new count: a controller that
 * was restored from an older copy counts fewer starts than before.
 *
 * A welcome is the floor of both channels, so that nothing of before can be played again. But a
 * broadcast that was sealed just before it may come just after it: that is dropped like a replay,
 * and counted apart, because nobody has to look into it. It is told by what was really heard.
 */
#include "session.h"

#include <string.h>
#include <sys/random.h>

#define REVISION_MOST INT64_MAX /* what the store can hold */

void session_done(struct session *session)
{
    key_wipe(session, sizeof *session);
}

bool session_ask(struct session *session)
{
    if (!session->is_asked &&
        getrandom(session->nonce, sizeof session->nonce, GRND_NONBLOCK) != sizeof session->nonce)
        return false;
    session->is_asked = true;
    return true;
}

static bool is_of_channel(enum session_channel channel, const struct seal_header *header)
{
    if (channel == SESSION_NODE)
        return true;
    return header->epoch != 0 && header->kind != MESSAGE_WELCOME && header->kind != MESSAGE_EPOCH &&
           header->kind != MESSAGE_CHUNK_STATE;
}

/* Whether the welcome has overtaken a broadcast: sealed before it in the same life of the
 * controller, and not heard yet. */
static bool is_overtaken(const struct session *session, enum session_channel channel,
                         uint64_t sequence)
{
    return channel == SESSION_BROADCAST && sequence > session->heard[channel] &&
           sequence >> 32 == session->last[channel] >> 32;
}

/* What the sequence says. The welcome that was asked for is not measured by it. */
static int check_sequence(struct session *session, enum session_channel channel,
                          const struct seal_header *header, const struct message *message,
                          bool is_readable)
{
    bool is_welcome = is_readable && header->kind == MESSAGE_WELCOME;
    bool is_ours = is_welcome && (session->is_asked || session->is_welcome) &&
                   memcmp(message->nonce, session->nonce, sizeof session->nonce) == 0;

    if (is_welcome && !is_ours)
        return REFUSAL_WRONG_NONCE;
    if (is_ours && session->is_asked)
        return SESSION_TRUE;
    if (!session->is_welcome)
        return SESSION_EARLY;
    bool is_new = header->sequence > session->last[channel];

    if (!is_new && !is_overtaken(session, channel, header->sequence))
        return REFUSAL_REPLAYED;
    session->heard[channel] = header->sequence;
    if (!is_new)
        return REFUSAL_OVERTAKEN;
    session->last[channel] = header->sequence;
    return SESSION_TRUE;
}

int session_open(struct session *session, enum session_channel channel, const void *bytes,
                 size_t size, struct buffer *body, struct seal_header *ret_header,
                 struct message *ret_message)
{
    struct seal_header header = {0};

    if (size > MESSAGE_MAX)
        return REFUSAL_TOO_LARGE;
    enum seal_refusal refusal = seal_open(bytes, size, &session->expected, &header, body);
    if (refusal == SEAL_UNKNOWN_EPOCH && !session->is_welcome)
        return SESSION_EARLY; /* before the first welcome that is any broadcast */
    if (refusal != SEAL_OK)
        return (int)refusal;
    if (!is_of_channel(channel, &header))
        return REFUSAL_WRONG_CHANNEL;

    int r = message_read_body(header.kind, body->bytes, body->size, ret_message, NULL);
    int verdict = check_sequence(session, channel, &header, ret_message, r == 0);
    if (verdict != SESSION_TRUE)
        return verdict;
    if (r == ERROR_UNSUPPORTED)
        return REFUSAL_UNKNOWN_KIND;
    if (r < 0 || ret_message->revision > REVISION_MOST || ret_message->previous > REVISION_MOST)
        return SEAL_MALFORMED;
    *ret_header = header;
    return SESSION_TRUE;
}

bool session_welcome(struct session *session, const struct seal_header *header,
                     const struct message *message)
{
    bool was_asked = session->is_asked;

    for (unsigned i = 0; was_asked && i < SESSION_CHANNELS; i++) {
        bool is_same_start = session->last[i] >> 32 == header->sequence >> 32;

        if (!is_same_start)
            session->heard[i] = 0;
        if (!is_same_start || session->last[i] < header->sequence)
            session->last[i] = header->sequence;
    }
    if (was_asked)
        session->newest = header->sequence;
    session->is_asked = false;
    session->is_welcome = true;
    session->expected.epoch = message->epoch;
    memcpy(session->expected.group_key, message->key, KEY_GROUP);
    return was_asked;
}

int session_epoch(struct session *session, const struct message *message)
{
    if (message->epoch <= session->expected.epoch)
        return SEAL_OLD_EPOCH;
    session->expected.epoch = message->epoch;
    memcpy(session->expected.group_key, message->key, KEY_GROUP);
    return SESSION_TRUE;
}

bool session_advance(struct session *session, const struct seal_header *header)
{
    if (header->sequence <= session->newest)
        return false;
    session->newest = header->sequence;
    return true;
}
