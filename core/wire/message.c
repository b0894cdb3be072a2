/* message.c - messages into msgpack: each field of the kind in the table's order. */
#include "message.h"

#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "key.h"
#include "message_fields.h"

void message_done(struct message *message)
{
    free(message->upserts);
    free(message->deletes);
    key_wipe(message, sizeof(*message));
}

static int append(void *context, const char *bytes, size_t size)
{
    struct buffer *buffer = context;

    buffer_append(buffer, bytes, size);
    return buffer_is_good(buffer) ? 0 : -1;
}

static void write_text(const char *text, msgpack_packer *packer)
{
    msgpack_pack_str_with_body(packer, text, strlen(text));
}

static void write_upserts(const struct message *message, msgpack_packer *packer)
{
    msgpack_pack_array(packer, message->upsert_count);
    for (size_t i = 0; i < message->upsert_count; i++) {
        const struct message_upsert *upsert = &message->upserts[i];

        msgpack_pack_map(packer, 2);
        write_text("revision", packer);
        msgpack_pack_uint64(packer, upsert->revision);
        write_text("document", packer);
        msgpack_pack_bin_with_body(packer, upsert->document.bytes, upsert->document.size);
    }
}

static void write_field(const struct message *message, const struct message_field *field,
                        msgpack_packer *packer)
{
    const void *at = (const char *)message + field->offset;

    write_text(field->key, packer);
    switch (field->type) {
    case MESSAGE_FIELD_NUMBER:
        msgpack_pack_uint64(packer, *(const uint64_t *)at);
        break;
    case MESSAGE_FIELD_NUMBER_32:
        msgpack_pack_uint32(packer, *(const uint32_t *)at);
        break;
    case MESSAGE_FIELD_FLAG:
        *(const bool *)at ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
        break;
    case MESSAGE_FIELD_BYTES:
    case MESSAGE_FIELD_FLOOR:
        msgpack_pack_bin_with_body(packer, at, field->size);
        break;
    case MESSAGE_FIELD_TEXT:
        write_text(at, packer);
        break;
    case MESSAGE_FIELD_UPSERTS:
        write_upserts(message, packer);
        break;
    case MESSAGE_FIELD_DELETES:
        msgpack_pack_array(packer, message->delete_count);
        for (size_t i = 0; i < message->delete_count; i++)
            write_text(message->deletes[i], packer);
        break;
    case MESSAGE_FIELD_END:
        break;
    }
}

static bool is_written(const struct message *message, const struct message_field *field)
{
    return !field->is_optional || message->has_floor;
}

static void write_map(const struct message *message, msgpack_packer *packer)
{
    const struct message_field *fields = message_fields_of(message->kind);
    size_t count = 0;

    for (const struct message_field *f = fields; f && f->type != MESSAGE_FIELD_END; f++)
        count += is_written(message, f);
    msgpack_pack_map(packer, count);
    for (const struct message_field *f = fields; f && f->type != MESSAGE_FIELD_END; f++) {
        if (is_written(message, f))
            write_field(message, f, packer);
    }
}

void message_write_node(const struct message *message, struct buffer *buffer)
{
    msgpack_packer packer;

    msgpack_packer_init(&packer, buffer, append);
    msgpack_pack_array(&packer, 3);
    msgpack_pack_unsigned_int(&packer, MESSAGE_VERSION);
    msgpack_pack_unsigned_int(&packer, message->kind);
    write_map(message, &packer);
}

void message_write_body(const struct message *message, struct buffer *buffer)
{
    msgpack_packer packer;

    msgpack_packer_init(&packer, buffer, append);
    write_map(message, &packer);
}
