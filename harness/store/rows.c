/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c — see rows.h.
 * Invariant: a name reaches SQL only after the schema was asked whether it has it. */
#include "harness/store/rows.h"

#include "harness/store/internal.h"

/* STATUS_OK when a row answers the question of the two names, STATUS_USAGE when none does. */
static enum status require_column(struct store *store, const char *table, const char *column, struct err *err)
{
    struct query *query = NULL;
    enum status status = db_prepare(store->db,
                                    "SELECT 1 FROM sqlite_schema m JOIN pragma_table_info(m.name) c"
                                    " WHERE m.type = 'table' AND m.name = ?1 AND c.name = ?2"
                                    " AND m.name NOT LIKE 'sqlite%'",
                                    DB_TRUSTED, &query, err);
    if (status == STATUS_OK) {
        query_bind_text(query, 1, table);
        query_bind_text(query, 2, column);
        status = query_step(query, err);
        if (status == STATUS_DONE)
            status = err_set(err, STATUS_USAGE, "the store has no column %s.%s", table, column);
    }
    query_free(query);
    return status;
}

static void insert_sql(struct str *sql, const struct rows *set)
{
    const struct table *rows = set->rows;
    str_format(sql, "INSERT INTO %s (", set->table);
    for (int i = 0; i < rows->n_columns; i++)
        str_format(sql, "%s%s", i ? ", " : "", rows->names[i]);
    str_append(sql, ") VALUES (");
    for (int i = 0; i < rows->n_columns; i++)
        str_format(sql, "%s?%d", i ? ", " : "", i + 1);
    str_append(sql, ") ON CONFLICT DO ");
    if (set->conflict == ROWS_KEEP) {
        str_append(sql, "NOTHING");
        return;
    }
    str_append(sql, "UPDATE SET ");
    for (int i = 0; i < rows->n_columns; i++)
        str_format(sql, "%s%s = excluded.%s", i ? ", " : "", rows->names[i], rows->names[i]);
}

static void bind_row(struct query *query, const struct table *rows, int row)
{
    for (int i = 0; i < rows->n_columns; i++) {
        const struct cell *cell = table_cell(rows, row, i);
        if (cell->kind == CELL_TEXT)
            query_bind_text(query, i + 1, cell->text);
        else if (cell->kind == CELL_INTEGER)
            query_bind_integer(query, i + 1, cell->integer);
        else
            query_bind_real(query, i + 1, table_number(rows, row, i));
    }
}

static enum status put_set(struct store *store, const struct rows *set, struct err *err)
{
    struct query *query = NULL;
    struct str sql;
    enum status status = STATUS_OK;
    for (int i = 0; i < set->rows->n_columns && status == STATUS_OK; i++)
        status = require_column(store, set->table, set->rows->names[i], err);
    if (status != STATUS_OK)
        return status;
    str_init(&sql);
    insert_sql(&sql, set);
    status = db_prepare(store->db, sql.text, DB_TRUSTED, &query, err);
    str_release(&sql);
    for (int row = 0; row < set->rows->n_rows && status == STATUS_OK; row++) {
        bind_row(query, set->rows, row);
        status = query_run(query, err);
        if (status != STATUS_OK)
            (void)err_prefix(err, "table %s, row %d", set->table, row + 1);
    }
    query_free(query);
    return status;
}

enum status store_put_rows(struct store *store, const struct rows *sets, int n, struct err *err)
{
    enum status status = db_begin(store->db, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < n && status == STATUS_OK; i++)
        status = put_set(store, &sets[i], err);
    return store_end(store, status, err);
}
