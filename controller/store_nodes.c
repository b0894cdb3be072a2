/* store_nodes.c - the machines of the mesh in the store, and the invitations that are out. */
#include "store_nodes.h"

#include "auto.h"
#include "clock.h"
#include "statement.h"
#include "store_db.h"

int store_nodes_each(struct store *store,
                     int (*visit)(void *context, const struct store_nodes_row *row), void *context,
                     struct error *err)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    int r = statement_make(store->db, &statement, err,
                           "SELECT public_key, name, zone, labels, joined_at, revoked_at FROM nodes"
                           " ORDER BY joined_at, rowid",
                           "");

    while (r == 0 && (r = statement_step(statement, err)) == 1) {
        struct store_nodes_row row = {
            .name = store_db_text(statement, 1),
            .zone = store_db_text(statement, 2),
            .labels = store_db_text(statement, 3),
            .joined_at = sqlite3_column_int64(statement, 4),
            .revoked_at = sqlite3_column_int64(statement, 5),
        };
        r = store_db_bytes(statement, 0, row.public_key, sizeof(row.public_key))
                ? visit(context, &row)
                : error_set(err, ERROR_IO, "node '%s' has no key in the store", row.name);
    }
    return r;
}

int store_nodes_put(struct store *store, const struct store_nodes_row *row, struct error *err)
{
    return statement_run(store->db, err, "INSERT INTO nodes VALUES (?, ?, ?, ?, ?, ?)", "btttii",
                         row->public_key, sizeof(row->public_key), row->name, row->zone,
                         row->labels, row->joined_at, row->revoked_at);
}

int store_nodes_revoke(struct store *store, const uint8_t public_key[static KEY_CURVE_PUBLIC],
                       struct error *err)
{
    return statement_run(store->db, err, "UPDATE nodes SET revoked_at = ? WHERE public_key = ?",
                         "ib", clock_wall_s(), public_key, (size_t)KEY_CURVE_PUBLIC);
}

int store_nodes_invite(struct store *store, const struct store_nodes_invitation *invitation,
                       const uint8_t secret_hash[static KEY_TOKEN_HASH], struct error *err)
{
    return statement_run(
        store->db, err, "INSERT OR REPLACE INTO invitations VALUES (?, ?, ?, ?, ?, ?, NULL)",
        "tbttii", invitation->node, secret_hash, (size_t)KEY_TOKEN_HASH, invitation->zone,
        invitation->labels, invitation->created_at, invitation->expires_at);
}

static int visit_row(sqlite3_stmt *statement, store_nodes_visit visit, void *context)
{
    struct store_nodes_invitation invitation = {
        .node = store_db_text(statement, 0),
        .zone = store_db_text(statement, 1),
        .labels = store_db_text(statement, 2),
        .created_at = sqlite3_column_int64(statement, 3),
        .expires_at = sqlite3_column_int64(statement, 4),
    };
    uint8_t used_by[KEY_CURVE_PUBLIC];

    if (store_db_bytes(statement, 5, used_by, sizeof(used_by)))
        invitation.used_by = used_by;
    return visit(context, &invitation);
}

#define COLUMNS "SELECT node, zone, labels, created_at, expires_at, used_by FROM invitations "

int store_nodes_invitations(struct store *store, store_nodes_visit visit, void *context,
                            struct error *err)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    int r = statement_make(store->db, &statement, err,
                           COLUMNS "WHERE used_by IS NULL ORDER BY node", "");

    while (r == 0 && (r = statement_step(statement, err)) == 1)
        r = visit_row(statement, visit, context);
    return r;
}

int store_nodes_invited(struct store *store, const uint8_t secret_hash[static KEY_TOKEN_HASH],
                        store_nodes_visit visit, void *context, struct error *err)
{
    AUTO(statement_done) sqlite3_stmt *statement = NULL;
    int r = statement_make(store->db, &statement, err, COLUMNS "WHERE secret_hash = ?", "b",
                           secret_hash, (size_t)KEY_TOKEN_HASH);

    if (r == 0)
        r = statement_step(statement, err);
    if (r != 1)
        return r;
    r = visit_row(statement, visit, context);
    return r < 0 ? r : 1;
}

int store_nodes_use(struct store *store, const char *node,
                    const uint8_t public_key[static KEY_CURVE_PUBLIC], struct error *err)
{
    return statement_run(store->db, err, "UPDATE invitations SET used_by = ? WHERE node = ?", "bt",
                         public_key, (size_t)KEY_CURVE_PUBLIC, node);
}

int store_nodes_uninvite(struct store *store, const char *node, struct error *err)
{
    int r = statement_run(store->db, err, "DELETE FROM invitations WHERE node = ?", "t", node);

    return r < 0 ? r : sqlite3_changes(store->db) > 0;
}
