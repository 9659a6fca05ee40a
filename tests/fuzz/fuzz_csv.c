/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: no bytes make the reader of CSV misbehave. Promises checked: all or nothing, within its limits; a refusal has a
 * line; what is accepted, written by us and read again, is the same table. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/store/csv.h"
#include "harness/store/export.h"
#include "tests/fuzz/fuzz.h"

/* A quote that we put before what a spreadsheet would run stays. */
static bool same(const struct cell *a, const struct cell *b)
{
    if (a->kind == CELL_TEXT && b->kind == CELL_TEXT)
        return strcmp(a->text, b->text) == 0 || (b->text[0] == '\'' && strcmp(a->text, b->text + 1) == 0);
    if (a->kind == CELL_REAL && b->kind == CELL_INTEGER)
        return a->real == (double)b->integer;
    return a->kind == b->kind && (a->kind == CELL_NULL || memcmp(&a->integer, &b->integer, sizeof a->integer) == 0);
}

static void check(const struct table *table)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    struct table again;
    struct err err = ERR_INIT;
    ASSERT(table->n_columns >= 1 && table->n_columns <= CSV_MOST_COLUMNS && file);
    ASSERT(export_csv(file, table, &err) == STATUS_OK);
    ASSERT(fclose(file) == 0);
    file = fmemopen(text, size, "r");
    ASSERT(file && csv_read_table(file, "again", &again, &err) == STATUS_OK);
    ASSERT(again.n_rows == table->n_rows && again.n_columns == table->n_columns);
    for (int row = 0; row < table->n_rows; row++)
        for (int i = 0; i < table->n_columns; i++) {
            bool alone = table->n_columns == 1 && table_cell(table, row, i)->kind == CELL_NULL; /* written as "" */
            ASSERT(alone || same(table_cell(table, row, i), table_cell(&again, row, i)));
        }
    (void)fclose(file);
    free(text);
    table_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct table table;
    struct err err = ERR_INIT;
    FILE *file = fopen(fuzz_file(data, size), "rbe");
    ASSERT(file);
    if (csv_read_table(file, "x.csv", &table, &err) == STATUS_OK) {
        check(&table);
        table_release(&table);
    } else {
        ASSERT(err.status == STATUS_FORMAT && strncmp(err.text, "x.csv:", 6) == 0);
    }
    (void)fclose(file);
    return 0;
}
