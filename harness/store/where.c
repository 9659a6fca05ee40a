/* SPDX-License-Identifier: Apache-2.0 */
/* where.c — a spec's `where`: an SQL expression over the cells of a grid.
 *
 * The expression comes from a stranger's file. It is evaluated in a database of its own in memory that holds
 * nothing but the cells, compiled under DB_EXPRESSION: it can read the cells' columns and call pure functions.
 * It stands in parentheses; the newline and the empty comment before the closing one end whatever comment the
 * expression may have left open, so that it cannot swallow what follows.
 * Invariant: exactly one answer per cell, or an error; keep is written only on success. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/store/internal.h"

static void append_identifier(struct str *sql, const char *name)
{
    str_append_char(sql, '"');
    for (const char *c = name; *c; c++) {
        if (*c == '"')
            str_append_char(sql, '"');
        str_append_char(sql, *c);
    }
    str_append_char(sql, '"');
}

static enum status make_cells(struct db *db, const struct table *cells, struct err *err)
{
    struct str sql;
    enum status status;
    str_init(&sql);
    str_append(&sql, "CREATE TABLE cells (");
    for (int i = 0; i < cells->n_columns; i++) { /* no type: a value stays what it is */
        str_append(&sql, i ? ", " : "");
        append_identifier(&sql, cells->names[i]);
    }
    str_append(&sql, ")");
    status = db_exec(db, sql.text, err);
    str_release(&sql);
    return status;
}

static void bind_cell(struct query *query, int parameter, const struct cell *cell)
{
    switch (cell->kind) {
    case CELL_NULL:
        query_bind_null(query, parameter);
        break;
    case CELL_INTEGER:
        query_bind_integer(query, parameter, cell->integer);
        break;
    case CELL_REAL:
        query_bind_real(query, parameter, cell->real);
        break;
    case CELL_TEXT:
        query_bind_text(query, parameter, cell->text);
        break;
    }
}

static enum status fill_cells(struct db *db, const struct table *cells, struct err *err)
{
    struct query *query = NULL;
    struct str sql;
    enum status status;
    str_init(&sql);
    str_append(&sql, "INSERT INTO cells VALUES (");
    for (int i = 0; i < cells->n_columns; i++)
        str_append(&sql, i ? ", ?" : "?");
    str_append(&sql, ")");
    status = db_prepare(db, sql.text, DB_TRUSTED, &query, err);
    str_release(&sql);
    for (int row = 0; row < cells->n_rows && status == STATUS_OK; row++) {
        for (int i = 0; i < cells->n_columns; i++)
            bind_cell(query, i + 1, table_cell(cells, row, i));
        status = query_run(query, err);
    }
    query_free(query);
    return status;
}

static enum status evaluate(struct db *db, const char *expression, char *answers, int n, struct err *err)
{
    struct query *query = NULL;
    struct str sql;
    int rows = 0;
    enum status status;
    str_init(&sql);
    str_format(&sql, "SELECT _rowid_, ((%s\n/**/)) IS TRUE FROM cells", expression);
    status = db_prepare(db, sql.text, DB_EXPRESSION, &query, err);
    str_release(&sql);
    if (status == STATUS_OK && (query_columns(query) != 2 || query_parameters(query) != 0))
        status = err_set(err, STATUS_USAGE, "%s: expected one expression without parameters", db_path(db));
    while (status == STATUS_OK && (status = query_step(query, err)) == STATUS_OK) {
        int64_t row = query_column_integer(query, 0) - 1;
        if (row < 0 || row >= n) /* an aggregate over no cells */
            break;
        answers[row] = query_column_integer(query, 1) != 0;
        rows++;
    }
    if (status == STATUS_DONE || status == STATUS_OK)
        status = rows == n ? STATUS_OK
                           : err_set(err, STATUS_USAGE,
                                     "%s: must give one answer per cell; an aggregate "
                                     "such as max(width) speaks of all of them",
                                     db_path(db));
    query_free(query);
    return status;
}

enum status store_where(const char *expression, const struct table *cells, char *keep, struct err *err)
{
    struct db *db = NULL;
    char *answers = calloc((size_t)cells->n_rows + 1, 1);
    enum status status;
    NEED_MEMORY(answers);
    status = db_open(&db, "where", DB_MEMORY, err);
    if (status == STATUS_OK)
        status = make_cells(db, cells, err);
    if (status == STATUS_OK)
        status = db_exec(db, "BEGIN", err);
    if (status == STATUS_OK)
        status = fill_cells(db, cells, err);
    if (status == STATUS_OK)
        status = evaluate(db, expression, answers, cells->n_rows, err);
    if (status == STATUS_OK)
        memcpy(keep, answers, (size_t)cells->n_rows);
    db_close(db);
    free(answers);
    return status;
}
