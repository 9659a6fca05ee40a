/* SPDX-License-Identifier: Apache-2.0 */
/* import.c — see import.h.
 * Invariant: names of columns reach SQL only from the fixed tables that import_column looks into. */
#include "harness/store/import.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/hash.h"
#include "harness/store/facts.h"
#include "harness/store/internal.h"

static bool find_fact(const struct fact *(*at)(int i), const char *column, bool *integer)
{
    const struct fact *fact;
    for (int i = 0; (fact = at(i)) != NULL; i++) {
        if (strcmp(fact->column, column) == 0) {
            *integer = fact->integer;
            return true;
        }
    }
    return false;
}

bool import_column(const char *column, bool *cost, bool *integer, bool *text)
{
    *cost = *text = *integer = false;
    for (int i = 0; i < knob_count(); i++) {
        const struct knob *knob = knob_at(i);
        if (strcmp(knob->column, column) != 0)
            continue;
        *integer = knob->type == KNOB_INTEGER || knob->type == KNOB_BOOL;
        *text = knob->type == KNOB_CHOICE;
        return knob->type != KNOB_TEXT; /* a path of somebody else's machine means nothing here */
    }
    if (find_fact(fact_at, column, integer))
        return true;
    *cost = true;
    if (find_fact(cost_at, column, integer))
        return true;
    *text = true;
    return find_fact(cost_text_at, column, integer);
}

/* NULL when the cell is what the column takes. */
static const char *complaint(const char *column, const struct cell *cell)
{
    bool cost, integer, text;
    double value = cell->kind == CELL_REAL ? cell->real : (double)cell->integer;
    (void)import_column(column, &cost, &integer, &text);
    if (cell->kind == CELL_NULL)
        return NULL;
    if (text) {
        const struct knob *knob = knob_find(column);
        struct knobs knobs;
        if (cell->kind != CELL_TEXT)
            return "takes a word";
        return knob && knob_parse(knob, cell->text, &knobs, NULL) != STATUS_OK ? "does not know this word" : NULL;
    }
    if (cell->kind == CELL_TEXT)
        return "takes a number";
    if (value < 0 && strcmp(column, "excess_nats") != 0)
        return "takes no negative number";
    if (integer && !(value == trunc(value) && value < 0x1p63))
        return "takes a whole number";
    return NULL;
}

static enum status check_rows(const struct import *import, const struct table *rows, struct err *err)
{
    for (int row = 0; row < rows->n_rows; row++) {
        for (int i = 0; i < rows->n_columns; i++) {
            const char *wrong = complaint(rows->names[i], table_cell(rows, row, i));
            struct str value;
            enum status status = STATUS_OK;
            if (!wrong)
                continue;
            str_init(&value);
            table_format_cell(rows, row, i, &value);
            status = err_set(err, STATUS_FORMAT, "%s:%d: %s %s, not '%.60s'; nothing was imported", import->path, row + 2,
                             rows->names[i], wrong, value.text);
            str_release(&value);
            return status;
        }
    }
    return STATUS_OK;
}

/* "INSERT INTO table (first two, columns of this table) VALUES (...)"; parameters are numbered by column. */
static void insert_sql(struct str *sql, const struct table *rows, bool into_cost)
{
    str_append(sql, into_cost ? "INSERT INTO cost (trial_id, attempt" : "INSERT INTO trial (trial_id, state, final_attempt");
    for (int i = 0; i < rows->n_columns; i++) {
        bool cost, integer, text;
        if (import_column(rows->names[i], &cost, &integer, &text) && cost == into_cost)
            str_format(sql, ", %s", rows->names[i]);
    }
    str_append(sql, into_cost ? ") VALUES (?1, 1" : ") VALUES (?1, 'done', 1");
    for (int i = 0; i < rows->n_columns; i++) {
        bool cost, integer, text;
        if (import_column(rows->names[i], &cost, &integer, &text) && cost == into_cost)
            str_format(sql, ", ?%d", i + 2);
    }
    str_append(sql, ") ON CONFLICT DO NOTHING");
}

static enum status insert_row(struct store *store, const char *sql, const char *id, const struct table *rows, int row,
                              bool into_cost, struct err *err)
{
    struct query *query = NULL;
    enum status status = db_prepare(store->db, sql, DB_TRUSTED, &query, err);
    if (status != STATUS_OK)
        return status;
    query_bind_text(query, 1, id);
    for (int i = 0; i < rows->n_columns; i++) {
        const struct cell *cell = table_cell(rows, row, i);
        bool cost, integer, text;
        if (!import_column(rows->names[i], &cost, &integer, &text) || cost != into_cost)
            continue;
        if (cell->kind == CELL_TEXT)
            query_bind_text(query, i + 2, cell->text);
        else if (cell->kind != CELL_NULL && integer)
            query_bind_integer(query, i + 2, cell->kind == CELL_REAL ? (int64_t)cell->real : cell->integer);
        else
            query_bind_real(query, i + 2, table_number(rows, row, i));
    }
    status = query_run(query, err);
    query_free(query);
    return status;
}

static enum status import_row(struct store *store, const struct import *import, const struct table *rows, int row,
                              const char *spec_id, int *n_new, struct err *err)
{
    char key[128], digits[HASH_TEXT_SIZE], id[64], position[16];
    const char *member[] = {id, spec_id, position};
    struct str sql;
    enum status status;
    (void)snprintf(key, sizeof key, "%.64s row %d", import->file_hash, row);
    hash_text(hash_bytes(key, strlen(key)), digits);
    (void)snprintf(id, sizeof id, "import-%.24s", digits);
    (void)snprintf(position, sizeof position, "%d", row);
    str_init(&sql);
    insert_sql(&sql, rows, false);
    status = insert_row(store, sql.text, id, rows, row, false, err);
    if (status == STATUS_OK && db_changes(store->db) == 1) {
        ++*n_new;
        status = store_run(store,
                           "INSERT INTO attempt (trial_id, attempt, state, owner, ended_at)"
                           " VALUES (?1, 1, 'done', 'import', " SQL_NOW ")",
                           member, 1, err);
    }
    str_clear(&sql);
    insert_sql(&sql, rows, true);
    if (status == STATUS_OK)
        status = insert_row(store, sql.text, id, rows, row, true, err);
    str_release(&sql);
    if (status == STATUS_OK)
        status = store_run(store,
                           "INSERT INTO spec_trial (trial_id, spec_id, position) VALUES (?1, CAST(?2 AS INTEGER), CAST(?3 AS"
                           " INTEGER)) ON CONFLICT DO NOTHING",
                           member, 3, err);
    return status;
}

enum status store_import(struct store *store, const struct import *import, const struct table *rows, int *n_new,
                         struct err *err)
{
    struct plan plan = {.command = (char *)import->mapping};
    const char *values[] = {NULL, import->path, import->file_hash, import->source, import->mapping};
    char spec_id[24];
    int64_t id = 0;
    int added = 0;
    enum status status = check_rows(import, rows, err);
    if (status != STATUS_OK)
        return status;
    if (!str_copy(plan.name, sizeof plan.name, import->name))
        return err_set(err, STATUS_USAGE, "'%.40s…' is too long for a name", import->name);
    status = db_begin(store->db, err);
    if (status != STATUS_OK)
        return status;
    status = store_put_spec(store, &plan, &id, err);
    (void)snprintf(spec_id, sizeof spec_id, "%lld", (long long)id);
    values[0] = spec_id;
    if (status == STATUS_OK)
        status = store_run(store,
                           "INSERT INTO import (spec_id, path, file_hash, source, mapping)"
                           " VALUES (CAST(?1 AS INTEGER), ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                           values, 5, err);
    for (int row = 0; row < rows->n_rows && status == STATUS_OK; row++)
        status = import_row(store, import, rows, row, spec_id, &added, err);
    status = store_end(store, status, err);
    if (status == STATUS_OK)
        *n_new = added;
    return status;
}
