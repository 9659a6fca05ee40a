/* SPDX-License-Identifier: Apache-2.0 */
/* ask.c — questions asked of a store, in SQL that may read and nothing else; answers whole or row by row. */
#include <stdlib.h>

#include "engine/base/assert.h"
#include "harness/store/internal.h"

/* A prepared question and an empty table with its columns. */
static enum status ask(struct store *store, const char *sql, const char *const *parameters, int n, struct query **query,
                       struct table *table, struct err *err)
{
    const char **names;
    enum status status = db_prepare(store->db, sql, DB_READING, query, err);
    if (status != STATUS_OK)
        return status;
    if (query_parameters(*query) != n || query_columns(*query) == 0) {
        status = err_set(err, STATUS_USAGE, "%s: the SQL takes %d parameters and got %d, and must return columns",
                         db_path(store->db), query_parameters(*query), n);
        query_free(*query);
        return status;
    }
    names = calloc((size_t)query_columns(*query), sizeof *names);
    NEED_MEMORY(names);
    for (int i = 0; i < query_columns(*query); i++)
        names[i] = query_column_name(*query, i);
    table_init(table, query_columns(*query), names);
    for (int i = 0; i < n; i++)
        query_bind_text(*query, i + 1, parameters[i]);
    free(names);
    return STATUS_OK;
}

/* Adds all rows; STATUS_DONE then. */
static enum status fill(struct query *query, struct table *table, struct err *err)
{
    enum status status;
    while ((status = query_step(query, err)) == STATUS_OK) {
        int row = table_add_row(table);
        for (int i = 0; i < table->n_columns; i++) {
            status = query_column_cell(query, i, table, row, err);
            if (status != STATUS_OK)
                return status;
        }
    }
    return status;
}

enum status store_query(struct store *store, const char *sql, const char *const *parameters, int n,
                        struct table *out, struct err *err)
{
    struct query *query = NULL;
    struct table table;
    enum status status = ask(store, sql, parameters, n, &query, &table, err);
    if (status != STATUS_OK)
        return status;
    status = fill(query, &table, err);
    query_free(query);
    if (status != STATUS_DONE) {
        table_release(&table);
        return status;
    }
    *out = table;
    return STATUS_OK;
}

enum status store_each(struct store *store, const char *sql, void (*take)(void *context, const struct table *rows),
                       void *context, struct err *err)
{
    struct query *query = NULL;
    struct table row;
    enum status status = ask(store, sql, NULL, 0, &query, &row, err);
    if (status != STATUS_OK)
        return status;
    take(context, &row);
    (void)table_add_row(&row);
    while (status == STATUS_OK && (status = query_step(query, err)) == STATUS_OK) {
        for (int i = 0; i < row.n_columns && status == STATUS_OK; i++)
            status = query_column_view(query, i, &row.cells[i], err);
        if (status == STATUS_OK)
            take(context, &row);
    }
    row.n_rows = 0; /* its texts are the query's */
    query_free(query);
    table_release(&row);
    return status == STATUS_DONE ? STATUS_OK : status;
}
