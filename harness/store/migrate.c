/* SPDX-License-Identifier: Apache-2.0 */
/* migrate.c — see migrate.h.
 *
 * Design: every table is made anew from the present schema and filled from the old one, column by column of the same
 * name. Columns that are gone are dropped, columns that are new, or mean something else now, get what the table of
 * fills says, NULL without an entry.
 * So one path serves every old version, and what results has exactly the constraints of a new store. Tables, views and
 * indexes of the user's own stay.
 * Invariant: user_version, the tables and the check of foreign keys are of one transaction. */
#include "harness/store/migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/str.h"
#include "harness/store/schema.h"

/* What a column that came after version `before` holds in rows that are older: an SQL expression over the old row. */
static const struct fill {
    int before;
    const char *table, *column, *value;
} fills[] = {
    {2, "spec", "command", "''"},
    /* Settings that could not be chosen yet were what their presets are. */
    {2, "trial", "junk_kind", "'letters'"},
    {2, "trial", "abilities", "'demo'"},
    {2, "trial", "ability_zipf", "0"},
    {2, "trial", "entities", "192"},
    {2, "trial", "cutoff_year", "0"},
    {2, "trial", "data_unique_tokens", "0"},
    {2, "trial", "parity_tasks", "100"},
    {2, "trial", "parity_places", "2"},
    {2, "trial", "shots", "0"},
    {2, "trial", "write_answers", "0"},
    {2, "trial", "tokenizer", "'bytes'"},
    {2, "trial", "vocabulary", "256"},
    {2, "trial", "tokenizer_path", "''"},
    {2, "trial", "qk_norm", "0"},
    {2, "trial", "shared_experts", "0"},
    {2, "trial", "capacity", "0"},
    {2, "trial", "threads", "1"},
    {2, "trial", "schedule", "'wsd'"},
    {2, "trial", "warmup_tokens", "0"},
    {2, "trial", "final_lr", "0"},
    /* There were no trunks, so every attempt did all its steps. */
    {2, "cost", "flops_marginal", "flops_executed"},
    {2, "cost", "train_marginal_s", "train_s"},
    /* What was minimised is its method now, and the number it came to its objective. */
    {2, "fit", "method", "objective"},
    {2, "fit", "objective", "residual"},
};

enum { OLDEST_VERSION = 1 };

static enum status read_version(struct db *db, int64_t *version, struct err *err)
{
    return db_integer(db, "PRAGMA user_version", version, err);
}

enum status migrate_wanted(struct db *db, bool *out, struct err *err)
{
    int64_t id = 0, version = 0;
    enum status status = db_integer(db, "PRAGMA application_id", &id, err);
    if (status == STATUS_OK)
        status = read_version(db, &version, err);
    if (status == STATUS_OK)
        *out = id == SCHEMA_APPLICATION_ID && version >= OLDEST_VERSION && version < SCHEMA_VERSION;
    return status;
}

enum status migrate_backup(struct db *db, struct err *err)
{
    struct str path, unfinished;
    int64_t version = 0;
    enum status status = read_version(db, &version, err);
    if (status != STATUS_OK)
        return status;
    str_init(&path);
    str_init(&unfinished);
    str_format(&path, "%s.v%" PRId64 ".backup", db_path(db), version);
    str_format(&unfinished, "%s.new", path.text);
    (void)remove(unfinished.text); /* of a migration that was killed; the store itself had not been touched */
    status = db_copy_to_file(db, unfinished.text, err);
    if (status == STATUS_OK && rename(unfinished.text, path.text) != 0)
        status = err_set(err, STATUS_IO, "%s: cannot be put in place; the store was not changed", path.text);
    if (status != STATUS_OK)
        (void)remove(unfinished.text);
    str_release(&path);
    str_release(&unfinished);
    return status;
}

static bool has_column(struct db *db, const char *table, const char *column)
{
    struct query *query = NULL;
    bool found = false;
    if (db_prepare(db, "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2", DB_TRUSTED, &query, NULL) == STATUS_OK) {
        query_bind_text(query, 1, table);
        query_bind_text(query, 2, column);
        found = query_step(query, NULL) == STATUS_OK;
    }
    query_free(query);
    return found;
}

static const char *fill_for(const char *table, const char *column, int64_t version)
{
    for (size_t i = 0; i < sizeof fills / sizeof *fills; i++)
        if (version < fills[i].before && strcmp(fills[i].table, table) == 0 && strcmp(fills[i].column, column) == 0)
            return fills[i].value;
    return NULL;
}

/* Fills a new table from the old one of this name, which is called old_TABLE by now. */
static enum status refill(struct db *db, const char *table, int64_t version, struct err *err)
{
    struct query *query = NULL;
    struct str old, columns, values, sql;
    enum status status;
    str_init(&old);
    str_init(&columns);
    str_init(&values);
    str_init(&sql);
    str_format(&old, "old_%s", table);
    status = db_prepare(db, "SELECT name FROM pragma_table_info(?1)", DB_TRUSTED, &query, err);
    if (status == STATUS_OK)
        query_bind_text(query, 1, table);
    while (status == STATUS_OK && (status = query_step(query, err)) == STATUS_OK) {
        const char *name = query_column_text(query, 0);
        const char *value = fill_for(table, name, version); /* first: a name may have changed its meaning */
        if (!value && has_column(db, old.text, name))
            value = name;
        if (!value)
            continue;
        str_format(&columns, "%s%s", columns.length ? ", " : "", name);
        str_format(&values, "%s%s", values.length ? ", " : "", value);
    }
    query_free(query);
    str_format(&sql, "INSERT INTO %s (%s) SELECT %s FROM %s; DROP TABLE %s", table, columns.text, values.text, old.text,
               old.text);
    if (status == STATUS_DONE)
        status = db_exec(db, sql.text, err);
    str_release(&old);
    str_release(&columns);
    str_release(&values);
    str_release(&sql);
    return status;
}

/* The tables of the present schema that the old store has too. */
static enum status refill_all(struct db *db, int64_t version, struct err *err)
{
    struct query *query = NULL;
    struct table names = {0};
    const char *const columns[] = {"name"};
    enum status status = db_prepare(db,
                                    "SELECT substr(name, 5) FROM sqlite_schema WHERE type = 'table'"
                                    " AND substr(name, 1, 4) = 'old_'",
                                    DB_TRUSTED, &query, err);
    if (status != STATUS_OK)
        return status;
    table_init(&names, 1, columns);
    while ((status = query_step(query, err)) == STATUS_OK)
        table_set_text(&names, table_add_row(&names), 0, query_column_text(query, 0));
    query_free(query);
    status = status == STATUS_DONE ? STATUS_OK : status;
    for (int i = 0; i < names.n_rows && status == STATUS_OK; i++)
        status = refill(db, table_text(&names, i, 0), version, err);
    table_release(&names);
    return status;
}

#define OURS(type) "(SELECT name FROM temp.present WHERE type = '" type "')"

/* With the names of the present schema in temp.present: clears the old names out of the way, makes the new tables, fills them. */
static enum status rebuild(struct db *db, int64_t version, struct err *err)
{
    static const char drop_views[] =
        "SELECT 'DROP VIEW ' || name FROM main.sqlite_schema WHERE type = 'view' AND name IN " OURS("view");
    /* Both kinds of index go with their old table; ours come back with the schema, the user's by their own text. */
    static const char keep_indexes[] =
        "CREATE TEMP TABLE user_index AS SELECT name, sql FROM main.sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
        " AND tbl_name IN " OURS("table") " AND name NOT IN " OURS("index");
    static const char drop_indexes[] =
        "SELECT 'DROP INDEX \"' || replace(name, '\"', '\"\"') || '\"' FROM main.sqlite_schema WHERE type = 'index'"
        " AND sql IS NOT NULL AND tbl_name IN " OURS("table");
    static const char rename_tables[] =
        "SELECT 'ALTER TABLE ' || name || ' RENAME TO old_' || name FROM main.sqlite_schema WHERE type = 'table'"
        " AND name NOT LIKE 'sqlite%' AND name IN " OURS("table");
    enum status status = db_exec_each(db, drop_views, err);
    if (status == STATUS_OK)
        status = db_exec(db, keep_indexes, err);
    if (status == STATUS_OK)
        status = db_exec_each(db, drop_indexes, err);
    if (status == STATUS_OK)
        status = db_exec_each(db, rename_tables, err);
    if (status == STATUS_OK)
        status = db_exec(db, schema_text, err);
    if (status == STATUS_OK)
        status = refill_all(db, version, err);
    /* An index on a column that is gone goes with it. */
    if (status == STATUS_OK && db_exec_each(db, "SELECT sql FROM temp.user_index", NULL) != STATUS_OK)
        status = STATUS_OK;
    return status == STATUS_OK ? db_exec(db, "DROP TABLE temp.user_index", err) : status;
}

/* What must hold before the transaction ends. */
static enum status verify(struct db *db, struct err *err)
{
    int64_t broken = 0;
    enum status status = db_integer(db, "SELECT count(*) FROM pragma_foreign_key_check", &broken, err);
    if (status == STATUS_OK && broken > 0)
        status = err_set(err, STATUS_CORRUPT, "%s: %" PRId64 " rows refer to rows that are not there", db_path(db), broken);
    return status == STATUS_OK ? schema_check(db, err) : status;
}

static enum status migrate_in_transaction(struct db *db, struct err *err)
{
    int64_t version = 0, triggers = 0;
    bool wanted = false;
    enum status status = db_begin(db, err);
    if (status != STATUS_OK)
        return status;
    status = migrate_wanted(db, &wanted, err); /* another program may have been faster */
    if (status == STATUS_OK && wanted)
        status = read_version(db, &version, err);
    if (status == STATUS_OK && wanted)
        status = db_integer(db, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'", &triggers, err);
    if (status == STATUS_OK && triggers > 0)
        status = err_set(err, STATUS_CORRUPT, "%s: has triggers, which could change what is stored; drop them first",
                         db_path(db));
    if (status == STATUS_OK && wanted)
        status = rebuild(db, version, err);
    if (status == STATUS_OK && wanted)
        status = verify(db, err);
    if (status == STATUS_OK)
        return db_commit(db, err);
    db_rollback(db);
    return status;
}

/* Lists what the present schema makes in a temporary table, by making it in memory. */
static enum status list_present(struct db *db, struct err *err)
{
    struct db *model = NULL;
    struct query *names = NULL, *insert = NULL;
    enum status status = db_open(&model, "schema", DB_MEMORY, err);
    if (status == STATUS_OK)
        status = db_exec(model, schema_text, err);
    if (status == STATUS_OK)
        status = db_exec(db, "CREATE TEMP TABLE present (type TEXT, name TEXT)", err);
    if (status == STATUS_OK)
        status = db_prepare(model, "SELECT type, name FROM sqlite_schema WHERE sql IS NOT NULL", DB_TRUSTED, &names, err);
    if (status == STATUS_OK)
        status = db_prepare(db, "INSERT INTO temp.present VALUES (?1, ?2)", DB_TRUSTED, &insert, err);
    while (status == STATUS_OK && (status = query_step(names, err)) == STATUS_OK) {
        query_bind_text(insert, 1, query_column_text(names, 0));
        query_bind_text(insert, 2, query_column_text(names, 1));
        status = query_run(insert, err);
    }
    query_free(insert);
    query_free(names);
    db_close(model);
    return status == STATUS_DONE ? STATUS_OK : status;
}

/* Renaming must not rewrite the texts of views and foreign keys (legacy_alter_table): what is renamed is the old table
 * alone. */
enum status migrate(struct db *db, struct err *err)
{
    struct err why = ERR_INIT;
    enum status status = list_present(db, err);
    if (status == STATUS_OK)
        status = db_exec(db, "PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON", err);
    if (status != STATUS_OK)
        return status;
    status = migrate_in_transaction(db, &why);
    if (status == STATUS_OK)
        return db_exec(db, "PRAGMA legacy_alter_table = OFF; PRAGMA foreign_keys = ON; DROP TABLE temp.present", err);
    if (status != STATUS_IO && status != STATUS_MEMORY)
        status = STATUS_CORRUPT;
    return err_set(err, status, "%s\n  This store is of an older version; it could not be brought to version %d, and was not changed",
                   why.text, SCHEMA_VERSION);
}
