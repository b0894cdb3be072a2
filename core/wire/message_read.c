/* message_read.c - msgpack into messages.
 *
 * pack_check walks the bytes before msgpack-c sees them. Each key is looked up in the table of the
 * kind; one that is not there is skipped, so that a newer peer may say more.
 */
#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "message.h"
#include "message_fields.h"
#include "pack.h"

static int refuse(struct error *err, const char *key, const char *allowed)
{
    error_set(err, ERROR_INVALID, "must be %s", allowed);
    return error_key(err, "%s", key), ERROR_INVALID;
}

static bool is_key(const msgpack_object *object, const char *key)
{
    return object->type == MSGPACK_OBJECT_STR && object->via.str.size == strlen(key) &&
           memcmp(object->via.str.ptr, key, object->via.str.size) == 0;
}

static bool read_number(const msgpack_object *object, uint64_t most, uint64_t *ret_number)
{
    if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER || object->via.u64 > most)
        return false;
    *ret_number = object->via.u64;
    return true;
}

/* Names and software are printable ASCII, so that they can be shown and logged as they are. */
static bool read_text(const msgpack_object *object, char *ret_text, size_t room)
{
    const msgpack_object_str *str = &object->via.str;

    if (object->type != MSGPACK_OBJECT_STR || str->size >= room)
        return false;
    for (uint32_t i = 0; i < str->size; i++) {
        if (str->ptr[i] < ' ' || str->ptr[i] > '~')
            return false;
    }
    memcpy(ret_text, str->ptr, str->size);
    memset(ret_text + str->size, 0, room - str->size);
    return true;
}

static bool read_bytes(const msgpack_object *object, void *ret_bytes, size_t size)
{
    if (object->type != MSGPACK_OBJECT_BIN || object->via.bin.size != size)
        return false;
    memcpy(ret_bytes, object->via.bin.ptr, size);
    return true;
}

static bool read_upsert(const msgpack_object *object, struct message_upsert *ret_upsert)
{
    bool has_revision = false, has_document = false;

    if (object->type != MSGPACK_OBJECT_MAP)
        return false;
    for (uint32_t i = 0; i < object->via.map.size; i++) {
        const msgpack_object_kv *entry = &object->via.map.ptr[i];

        if (is_key(&entry->key, "revision")) {
            if (has_revision || !read_number(&entry->val, UINT64_MAX, &ret_upsert->revision))
                return false;
            has_revision = true;
        } else if (is_key(&entry->key, "document")) {
            if (has_document || entry->val.type != MSGPACK_OBJECT_BIN)
                return false;
            ret_upsert->document.bytes = (const uint8_t *)entry->val.via.bin.ptr;
            ret_upsert->document.size = entry->val.via.bin.size;
            has_document = true;
        }
    }
    return has_revision && has_document;
}

/* The message owns the array from the start, so message_done frees it whatever follows. */
static bool read_upserts(const msgpack_object *object, struct message *message)
{
    if (object->type != MSGPACK_OBJECT_ARRAY)
        return false;

    const msgpack_object_array *array = &object->via.array;
    message->upserts = calloc((size_t)array->size + 1, sizeof(*message->upserts));
    if (!message->upserts)
        return false;
    for (uint32_t i = 0; i < array->size; i++) {
        if (!read_upsert(&array->ptr[i], &message->upserts[i]))
            return false;
    }
    message->upsert_count = array->size;
    return true;
}

static bool read_deletes(const msgpack_object *object, struct message *message)
{
    if (object->type != MSGPACK_OBJECT_ARRAY)
        return false;

    const msgpack_object_array *array = &object->via.array;
    message->deletes = calloc((size_t)array->size + 1, sizeof(*message->deletes));
    if (!message->deletes)
        return false;
    for (uint32_t i = 0; i < array->size; i++) {
        if (!read_text(&array->ptr[i], message->deletes[i], sizeof(*message->deletes)) ||
            message->deletes[i][0] == '\0')
            return false;
    }
    message->delete_count = array->size;
    return true;
}

static int read_field(const msgpack_object *object, const struct message_field *field,
                      struct message *message, struct error *err)
{
    void *at = (char *)message + field->offset;
    uint64_t number = 0;

    switch (field->type) {
    case MESSAGE_FIELD_NUMBER:
        return read_number(object, UINT64_MAX, at) ? 0 : refuse(err, field->key, "a number");
    case MESSAGE_FIELD_NUMBER_32:
        if (!read_number(object, UINT32_MAX, &number))
            return refuse(err, field->key, "a number of 32 bits");
        *(uint32_t *)at = (uint32_t)number;
        return 0;
    case MESSAGE_FIELD_FLAG:
        if (object->type != MSGPACK_OBJECT_BOOLEAN)
            return refuse(err, field->key, "true or false");
        *(bool *)at = object->via.boolean;
        return 0;
    case MESSAGE_FIELD_FLOOR:
        message->has_floor = true;
        return read_bytes(object, at, field->size) ? 0 : refuse(err, field->key, "64 bytes");
    case MESSAGE_FIELD_BYTES:
        return read_bytes(object, at, field->size) ? 0 : refuse(err, field->key, "bytes");
    case MESSAGE_FIELD_TEXT:
        return read_text(object, at, field->size) ? 0 : refuse(err, field->key, "short ASCII");
    case MESSAGE_FIELD_UPSERTS:
        return read_upserts(object, message) ? 0 : refuse(err, field->key, "a list of documents");
    case MESSAGE_FIELD_DELETES:
        return read_deletes(object, message) ? 0 : refuse(err, field->key, "a list of names");
    case MESSAGE_FIELD_END:
        break;
    }
    return ERROR_INTERNAL;
}

static int read_map(const msgpack_object *object, struct message *message, struct error *err)
{
    const struct message_field *fields = message_fields_of(message->kind);
    unsigned seen = 0;

    if (object->type != MSGPACK_OBJECT_MAP)
        return error_set(err, ERROR_INVALID, "the message is no map");
    for (uint32_t i = 0; i < object->via.map.size; i++) {
        const msgpack_object_kv *entry = &object->via.map.ptr[i];
        const struct message_field *field = fields;

        while (field->type != MESSAGE_FIELD_END && !is_key(&entry->key, field->key))
            field++;
        if (field->type == MESSAGE_FIELD_END)
            continue;

        unsigned bit = 1u << (field - fields);
        if (seen & bit)
            return refuse(err, field->key, "there once");
        seen |= bit;
        int r = read_field(&entry->val, field, message, err);
        if (r < 0)
            return r;
    }
    for (const struct message_field *f = fields; f->type != MESSAGE_FIELD_END; f++) {
        if (!f->is_optional && !(seen & 1u << (f - fields)))
            return refuse(err, f->key, "there");
    }
    return 0;
}

static int unknown_kind(unsigned kind, struct message *ret_message, struct error *err)
{
    *ret_message = (struct message){.kind = kind};
    return error_set(err, ERROR_UNSUPPORTED, "message kind %u is not known", kind);
}

static bool is_from_node(unsigned kind)
{
    return kind < MESSAGE_WELCOME;
}

/* Reads a map of `kind` into ret_message, which is touched on success only, or for an unknown
 * kind. */
static int read_kind(unsigned kind, const msgpack_object *object, struct message *ret_message,
                     struct error *err)
{
    if (!message_fields_of(kind))
        return unknown_kind(kind, ret_message, err);

    struct message message = {.kind = kind};
    int r = read_map(object, &message, err);
    if (r == 0)
        *ret_message = message;
    else
        message_done(&message);
    return r;
}

static int unpack(const void *bytes, size_t size, msgpack_unpacked *unpacked, struct error *err)
{
    int r = pack_check(bytes, size, err);

    if (r == 0 && msgpack_unpack_next(unpacked, bytes, size, NULL) != MSGPACK_UNPACK_SUCCESS)
        r = error_set(err, ERROR_INVALID, "is no msgpack object");
    return r;
}

static int read_envelope(const msgpack_object *object, struct message *ret_message,
                         struct error *err)
{
    const msgpack_object *items = object->via.array.ptr;
    uint64_t version, kind;

    if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size != 3 ||
        !read_number(&items[0], UINT64_MAX, &version) || !read_number(&items[1], UINT16_MAX, &kind))
        return error_set(err, ERROR_INVALID, "is no [version, kind, map]");
    if (version != MESSAGE_VERSION)
        return error_set(err, ERROR_INVALID, "version %llu is not spoken here; allowed is %d",
                         (unsigned long long)version, MESSAGE_VERSION);
    if (!is_from_node((unsigned)kind))
        return error_set(err, ERROR_INVALID, "kind %llu is the controller's to send",
                         (unsigned long long)kind);
    return read_kind((unsigned)kind, &items[2], ret_message, err);
}

int message_read_node(const void *bytes, size_t size, struct message *ret_message,
                      struct error *err)
{
    msgpack_unpacked unpacked;

    msgpack_unpacked_init(&unpacked);
    int r = unpack(bytes, size, &unpacked, err);
    if (r == 0)
        r = read_envelope(&unpacked.data, ret_message, err);
    msgpack_unpacked_destroy(&unpacked);
    return r;
}

int message_read_body(unsigned kind, const void *bytes, size_t size, struct message *ret_message,
                      struct error *err)
{
    if (is_from_node(kind) || !message_fields_of(kind))
        return unknown_kind(kind, ret_message, err);

    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    int r = unpack(bytes, size, &unpacked, err);
    if (r == 0)
        r = read_kind(kind, &unpacked.data, ret_message, err);
    msgpack_unpacked_destroy(&unpacked);
    return r;
}
