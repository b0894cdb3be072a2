/* sealer.c - the controller's voice. */
#include "sealer.h"

#include <string.h>

static int take_start(struct sealer *sealer, struct error *err)
{
    uint64_t start;
    int r = store_next_start(sealer->store, &start, err);

    if (r == 0)
        sealer->sequence = start << 32;
    return r;
}

int sealer_init(struct sealer *sealer, const struct authority *authority, struct store *store,
                const struct store_mesh *mesh, struct error *err)
{
    *sealer = (struct sealer){.authority = authority, .store = store, .epoch = mesh->epoch};
    memcpy(sealer->group_key, mesh->group_key, KEY_GROUP);
    return take_start(sealer, err);
}

void sealer_done(struct sealer *sealer)
{
    key_wipe(sealer->group_key, sizeof(sealer->group_key));
}

int sealer_next_epoch(struct sealer *sealer, uint64_t least, struct sealer_epoch *ret_epoch,
                      struct error *err)
{
    struct sealer_epoch next;

    key_random(next.group_key, sizeof(next.group_key));
    int r = store_next_epoch(sealer->store, least, next.group_key, &next.epoch, err);
    if (r == 0)
        *ret_epoch = next;
    key_wipe(&next, sizeof(next));
    return r;
}

void sealer_adopt(struct sealer *sealer, struct sealer_epoch *epoch)
{
    sealer->epoch = epoch->epoch;
    memcpy(sealer->group_key, epoch->group_key, KEY_GROUP);
    key_wipe(epoch, sizeof(*epoch));
}

int sealer_close(struct sealer *sealer, const struct message *message, bool is_for_all,
                 struct buffer *ret_sealed, struct error *err)
{
    struct buffer body = {0};
    struct seal_header header = {.kind = (uint16_t)message->kind};

    /* 2^32 messages in one life of the program: the next start number before the low half wraps. */
    if ((uint32_t)sealer->sequence == UINT32_MAX) {
        int r = take_start(sealer, err);
        if (r < 0)
            return r;
    }
    memcpy(header.mesh_id, sealer->authority->mesh_id, SEAL_MESH_ID);
    header.epoch = is_for_all ? sealer->epoch : 0;
    header.sequence = ++sealer->sequence;
    message_write_body(message, &body);
    buffer_reset(ret_sealed);
    int r = buffer_is_good(&body) ? seal_close(&header, is_for_all ? sealer->group_key : NULL,
                                               sealer->authority->sign.secret_key, body.bytes,
                                               body.size, ret_sealed, err)
                                  : error_set(err, ERROR_INTERNAL, "no memory for a message");
    buffer_wipe(&body); /* welcome and epoch carry the group key */
    return r;
}
