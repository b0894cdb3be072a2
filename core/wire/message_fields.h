/* message_fields.h - which fields each kind of message has; for message.c and message_read.c only.
 * Floor: wire (knows base). Constant data; safe in any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum message_field_type {
    MESSAGE_FIELD_END,
    MESSAGE_FIELD_NUMBER,
    MESSAGE_FIELD_NUMBER_32,
    MESSAGE_FIELD_FLAG,
    MESSAGE_FIELD_BYTES,
    MESSAGE_FIELD_FLOOR, /* bytes whose presence is has_floor */
    MESSAGE_FIELD_TEXT,  /* printable ASCII that fits its array with a NUL */
    MESSAGE_FIELD_UPSERTS,
    MESSAGE_FIELD_DELETES,
};

struct message_field {
    const char *key;
    enum message_field_type type;
    size_t offset, size; /* in struct message */
    bool is_optional;
};

/* The fields of a kind, closed by MESSAGE_FIELD_END; NULL when it is not known, or reserved. */
const struct message_field *message_fields_of(unsigned kind);
