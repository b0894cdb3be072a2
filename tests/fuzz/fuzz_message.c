/* fuzz_message.c - any bytes as a message between controller and node.
 *
 * Input: the way, the kind, then bytes:
 *   0  a node's message, as the controller takes it
 *   1  the body of a controller's, of this kind
 *   2  the same, sealed here with the true key, then perhaps changed in one place
 *   3  a sealed message as it is, which nobody signed
 * What is read is written and read again; what is sealed is opened, and never when it was changed.
 */
#include <string.h>

#include "auto.h"
#include "cursor.h"
#include "document.h"
#include "fuzz.h"
#include "message.h"
#include "pack.h"

enum { HEARD, SAID, REFUSED, UNKNOWN, OPENED, SHUT, CARRIED, GOALS };
static struct fuzz_goal goals[GOALS] = {
    [HEARD] = {"node-message-read"},  [SAID] = {"body-read"},     [REFUSED] = {"message-refused"},
    [UNKNOWN] = {"kind-unknown"},     [OPENED] = {"seal-opened"}, [SHUT] = {"seal-refused"},
    [CARRIED] = {"document-carried"},
};

static struct key_sign sign;
static struct seal_expected expected;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_goals(goals, GOALS);
    fuzz_claim(key_init(NULL) == 0, "there is libsodium");
    key_sign_make(&sign);
    expected.epoch = 2;
    memset(expected.mesh_id, 0x4d, sizeof expected.mesh_id);
    memset(expected.group_key, 0x47, sizeof expected.group_key);
    memcpy(expected.public_key, sign.public_key, sizeof expected.public_key);
    return 0;
}

static void write_it(const struct message *message, bool is_from_node, struct buffer *ret)
{
    if (is_from_node)
        message_write_node(message, ret);
    else
        message_write_body(message, ret);
    fuzz_claim(buffer_is_good(ret), "a message that was read can be written");
}

/* Writes it, reads that, writes it again: both are alike. */
static void there_and_back(const struct message *message, bool is_from_node)
{
    AUTO_BUFFER struct buffer once = {0}, twice = {0};
    struct message back = {0};

    write_it(message, is_from_node, &once);
    int r = is_from_node ? message_read_node(once.bytes, once.size, &back, NULL)
                         : message_read_body(message->kind, once.bytes, once.size, &back, NULL);
    fuzz_claim(r == 0, "what is written can be read");
    write_it(&back, is_from_node, &twice);
    fuzz_claim(once.size == twice.size && memcmp(once.bytes, twice.bytes, once.size) == 0,
               "a message is the same there and back");
    message_done(&back);
}

static void use(const struct message *message)
{
    char name[MESSAGE_NAME_MAX + 1];

    for (size_t i = 0; i < message->upsert_count; i++) {
        const struct message_bytes *document = &message->upserts[i].document;
        goals[CARRIED].count += document_read(document->bytes, document->size, name, NULL) == 1;
    }
    for (size_t i = 0; i < message->delete_count; i++)
        fuzz_claim(message->deletes[i][0] && memchr(message->deletes[i], 0, sizeof name),
                   "a name that is deleted is one");
    fuzz_claim(memchr(message->cursor, 0, sizeof message->cursor) &&
                   memchr(message->next, 0, sizeof message->next) &&
                   memchr(message->software, 0, sizeof message->software),
               "texts end");
}

static void read_it(const void *bytes, size_t size, bool is_from_node, unsigned kind)
{
    struct message message = {0};
    struct error err = {0};
    int r = is_from_node ? message_read_node(bytes, size, &message, &err)
                         : message_read_body(kind, bytes, size, &message, &err);

    if (r == 0) {
        goals[is_from_node ? HEARD : SAID].count++;
        fuzz_claim(pack_check(bytes, size, NULL) == 0, "what is read was checked");
        use(&message);
        there_and_back(&message, is_from_node);
        message_done(&message);
        return;
    }
    goals[r == ERROR_UNSUPPORTED ? UNKNOWN : REFUSED].count++;
    fuzz_claim(err.text[0] != '\0', "a refusal has words");
}

static enum seal_refusal open_it(const void *bytes, size_t size, struct buffer *ret_body)
{
    struct seal_header header = {0};
    enum seal_refusal refusal = seal_open(bytes, size, &expected, &header, ret_body);

    fuzz_claim(refusal < SEAL_REFUSALS && seal_refusal_name(refusal)[0], "a refusal has a name");
    goals[refusal == SEAL_OK ? OPENED : SHUT].count++;
    return refusal;
}

/* The first four bytes say: epoch, whether and where a byte is changed, and how. */
static void seal(struct cursor *cursor, unsigned kind)
{
    AUTO_BUFFER struct buffer message = {0}, body = {0};
    uint8_t epoch = (uint8_t)cursor_number(cursor, 1) % 4, flip;
    size_t at = (size_t)cursor_number(cursor, 2), size;
    struct seal_header header = {.kind = (uint16_t)kind, .epoch = epoch, .sequence = 1};

    flip = (uint8_t)cursor_number(cursor, 1);
    size = cursor_left(cursor);
    const uint8_t *plain = cursor_take(cursor, size);
    memcpy(header.mesh_id, expected.mesh_id, sizeof header.mesh_id);
    fuzz_claim(
        seal_close(&header, expected.group_key, sign.secret_key, plain, size, &message, NULL) == 0,
        "any body can be sealed");
    message.bytes[at % message.size] ^= flip;
    AUTO_FREE void *copy = fuzz_copy(message.bytes, message.size);
    enum seal_refusal refusal = open_it(copy, message.size, &body);
    if (flip)
        fuzz_claim(refusal != SEAL_OK, "what was changed stays shut");
    else
        fuzz_claim(refusal == (epoch == 0 || epoch == 2 ? SEAL_OK
                               : epoch < 2              ? SEAL_OLD_EPOCH
                                                        : SEAL_UNKNOWN_EPOCH),
                   "what is sealed opens in its epoch");
    if (refusal != SEAL_OK)
        return;
    fuzz_claim(body.size == size && (size == 0 || memcmp(body.bytes, plain, size) == 0),
               "the body is as it was");
    read_it(body.bytes, body.size, false, kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct cursor cursor = cursor_view(bytes, size);
    unsigned way = (unsigned)cursor_number(&cursor, 1), kind = (unsigned)cursor_number(&cursor, 1);
    AUTO_BUFFER struct buffer body = {0};

    if (!cursor_is_good(&cursor))
        return 0;
    if (way % 4 == 2) {
        seal(&cursor, kind);
        return 0;
    }
    size_t length = cursor_left(&cursor);
    AUTO_FREE void *copy = fuzz_copy(cursor_take(&cursor, length), length);
    if (way % 4 == 3)
        fuzz_claim(open_it(copy, length, &body) != SEAL_OK, "what nobody signed stays shut");
    else
        read_it(copy, length, way % 4 == 0, kind);
    return 0;
}
