/* authority.h - who this controller is: the mesh's id and the keys that speak for it.
 * Part of the controller. Immutable once loaded, so any thread may read it.
 */
#pragma once

#include "error.h"
#include "key.h"
#include "seal.h"
#include "tls.h"

struct authority {
    char mesh[64], mesh_id_text[2 * SEAL_MESH_ID + 1];
    uint8_t mesh_id[SEAL_MESH_ID];
    struct key_sign sign;
    struct key_curve curve;
    struct tls tls;
};

/* Loads the keys from the state folder; the mesh's name and id are the store's to fill in
 * (authority_name). err is not NULL. ERROR_CONFIG when there is no mesh. */
int authority_load(const char *folder, struct authority *ret_authority, struct error *err);
void authority_name(struct authority *authority, const char *mesh,
                    const uint8_t mesh_id[static SEAL_MESH_ID]);

/* Wipes all keys. */
void authority_done(struct authority *authority);

/* Holds the state folder for one process: *ret_fd is to be kept open. ERROR_AGAIN when another has
 * it. */
int authority_lock(const char *folder, int *ret_fd, struct error *err);
