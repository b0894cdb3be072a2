/* message_fields.c - the one table of kinds and fields, from which messages are written and read.
 */
#include "message_fields.h"

#include "auto.h"
#include "message.h"

#define AT(name) offsetof(struct message, name), sizeof(((struct message *)0)->name)

/* clang-format off */
#define NUMBER(name)    {#name, MESSAGE_FIELD_NUMBER, AT(name)}
#define NUMBER_32(name) {#name, MESSAGE_FIELD_NUMBER_32, AT(name)}
#define BYTES(name)     {#name, MESSAGE_FIELD_BYTES, AT(name)}
#define TEXT(name)      {#name, MESSAGE_FIELD_TEXT, AT(name)}
#define STALE           {"stale", MESSAGE_FIELD_FLAG, AT(is_stale)}
#define FLOOR           {"floor", MESSAGE_FIELD_FLOOR, AT(floor)}
#define MAYBE_FLOOR     {"floor", MESSAGE_FIELD_FLOOR, AT(floor), .is_optional = true}
#define UPSERTS         {"upserts", MESSAGE_FIELD_UPSERTS, AT(upserts)}
#define DELETES         {"deletes", MESSAGE_FIELD_DELETES, AT(deletes)}

static const struct {
    unsigned kind;
    struct message_field fields[8]; /* up to MESSAGE_FIELD_END, which is 0 */
} kinds[] = {
    {MESSAGE_HELLO,       {TEXT(software), BYTES(nonce), NUMBER(epoch), NUMBER(revision),
                           BYTES(digest), MAYBE_FLOOR}},
    {MESSAGE_ACK,         {NUMBER(revision), BYTES(digest), NUMBER_32(unsupported), STALE}},
    {MESSAGE_FETCH,       {NUMBER(after)}},
    {MESSAGE_PULL,        {TEXT(cursor)}},
    {MESSAGE_WELCOME,     {BYTES(nonce), NUMBER(epoch), BYTES(key), NUMBER(revision),
                           BYTES(digest), NUMBER_32(heartbeat_ms)}},
    {MESSAGE_EPOCH,       {NUMBER(epoch), BYTES(key)}},
    {MESSAGE_HEARTBEAT,   {NUMBER(revision), BYTES(digest)}},
    {MESSAGE_DELTA,       {NUMBER(previous), NUMBER(revision), BYTES(digest), FLOOR, UPSERTS,
                           DELETES}},
    {MESSAGE_PULL_NEEDED, {NUMBER(revision)}},
    {MESSAGE_CHUNK_STATE, {NUMBER(revision), BYTES(digest), FLOOR, UPSERTS, TEXT(next)}},
};
/* clang-format on */

const struct message_field *message_fields_of(unsigned kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].kind == kind)
            return kinds[i].fields;
    }
    return NULL;
}
