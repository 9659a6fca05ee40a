/* SPDX-License-Identifier: Apache-2.0 */
/* schema.c — see schema.h. Design: what a store must look like is asked of a database in memory that was
 * made from the very same text, so that there is no second list of tables to keep.
 * Invariant: both columns of a comparison come from one query, ordered by name. */
#include "harness/store/schema.h"

#include <inttypes.h>
#include <string.h>

static enum status is_empty(struct db *db, bool *out, struct err *err)
{
    int64_t objects = 0, id = 0;
    enum status status = db_integer(db, "SELECT count(*) FROM sqlite_schema", &objects, err);
    if (status == STATUS_OK)
        status = db_integer(db, "PRAGMA application_id", &id, err);
    if (status == STATUS_OK)
        *out = objects == 0 && id == 0;
    return status;
}

enum status schema_create(struct db *db, struct err *err)
{
    bool empty = false;
    enum status status = is_empty(db, &empty, err);
    if (status != STATUS_OK || !empty)
        return status;
    status = db_begin(db, err);
    if (status == STATUS_OK)
        status = is_empty(db, &empty, err); /* another runner may have been faster */
    if (status == STATUS_OK && empty)
        status = db_exec(db, schema_text, err);
    if (status == STATUS_OK)
        return db_commit(db, err);
    db_rollback(db);
    return status;
}

/* Every column of every table and view as one line of text; '' stands for what a constraint makes. */
static const char shape_sql[] =
    "SELECT m.type || ' ' || m.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || c.pk"
    "  FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) c"
    " WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    " ORDER BY 1";

/* Looks in db for every line of the reference; both lists are sorted, db's may be longer. */
static enum status compare(struct db *db, struct query *reference, struct query *actual, struct err *err)
{
    enum status status, more = STATUS_OK;
    while ((status = query_step(reference, err)) == STATUS_OK) {
        const char *wanted = query_column_text(reference, 0);
        int order = -1;
        while (order < 0 && (more = query_step(actual, err)) == STATUS_OK) {
            const char *found = query_column_text(actual, 0);
            order = found ? strcmp(found, wanted) : -1;
        }
        if (order != 0 && (more == STATUS_OK || more == STATUS_DONE))
            return err_set(err, STATUS_CORRUPT,
                           "%s: says it is an Isoflop store of version %d, but lacks '%s'; was it "
                           "made by a development version, or changed by hand?",
                           db_path(db), SCHEMA_VERSION, wanted);
        if (order != 0)
            return more;
    }
    return status == STATUS_DONE ? STATUS_OK : status;
}

static enum status check_shape(struct db *db, struct err *err)
{
    struct db *model = NULL;
    struct query *reference = NULL, *actual = NULL;
    int64_t triggers = 0;
    enum status status = db_open(&model, "schema", DB_MEMORY, err);
    if (status == STATUS_OK)
        status = db_exec(model, schema_text, err);
    if (status == STATUS_OK)
        status = db_prepare(model, shape_sql, DB_TRUSTED, &reference, err);
    if (status == STATUS_OK)
        status = db_prepare(db, shape_sql, DB_TRUSTED, &actual, err);
    if (status == STATUS_OK)
        status = compare(db, reference, actual, err);
    if (status == STATUS_OK)
        status = db_integer(db, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'", &triggers, err);
    if (status == STATUS_OK && triggers > 0)
        status = err_set(err, STATUS_CORRUPT,
                         "%s: has triggers, which could change what is stored; drop them first", db_path(db));
    query_free(actual);
    query_free(reference);
    db_close(model);
    return status;
}

enum status schema_check(struct db *db, struct err *err)
{
    int64_t id = 0, version = 0;
    enum status status = db_integer(db, "PRAGMA application_id", &id, err);
    if (status == STATUS_OK)
        status = db_integer(db, "PRAGMA user_version", &version, err);
    if (status != STATUS_OK)
        return status;
    if (id != SCHEMA_APPLICATION_ID)
        return err_set(err, STATUS_CORRUPT, "%s: is not an Isoflop store; choose another file with --db",
                       db_path(db));
    if (version > SCHEMA_VERSION)
        return err_set(err, STATUS_CORRUPT,
                       "%s: was written by a newer Isoflop (store version %" PRId64 ", this program "
                       "knows %d); use that one",
                       db_path(db), version, SCHEMA_VERSION);
    if (version < SCHEMA_VERSION)
        return err_set(err, STATUS_CORRUPT, "%s: store version %" PRId64 " is none that this program knows; it is damaged",
                       db_path(db), version);
    return check_shape(db, err);
}
