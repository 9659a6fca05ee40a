/* SPDX-License-Identifier: Apache-2.0 */
/* table.c — see table.h. Invariant: cells has capacity * n_columns slots, those past n_rows are unused. */
#include "engine/base/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"

static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    NEED_MEMORY(copy);
    return copy;
}

void table_init(struct table *table, int n_columns, const char *const *names)
{
    ASSERT(n_columns > 0);
    *table = (struct table){.n_columns = n_columns, .names = calloc((size_t)n_columns, sizeof(char *))};
    NEED_MEMORY(table->names);
    for (int i = 0; i < n_columns; i++)
        table->names[i] = copy_text(names[i]);
}

void table_clear(struct table *table)
{
    size_t n = (size_t)table->n_rows * (size_t)table->n_columns;
    for (size_t i = 0; i < n; i++)
        if (table->cells[i].kind == CELL_TEXT)
            free(table->cells[i].text);
    table->n_rows = 0;
}

void table_release(struct table *table)
{
    table_clear(table);
    for (int i = 0; i < table->n_columns; i++)
        free(table->names[i]);
    free(table->cells);
    free(table->names);
    *table = (struct table){0};
}

int table_add_row(struct table *table)
{
    if (table->n_rows == table->capacity) {
        int capacity = table->capacity ? 2 * table->capacity : 16;
        struct cell *cells = realloc(table->cells, (size_t)capacity * (size_t)table->n_columns * sizeof *cells);
        NEED_MEMORY(cells);
        table->cells = cells;
        table->capacity = capacity;
    }
    memset(table->cells + (size_t)table->n_rows * (size_t)table->n_columns, 0,
           (size_t)table->n_columns * sizeof *table->cells);
    return table->n_rows++;
}

static struct cell *slot(struct table *table, int row, int column)
{
    ASSERT(row >= 0 && row < table->n_rows && column >= 0 && column < table->n_columns);
    return table->cells + (size_t)row * (size_t)table->n_columns + column;
}

static struct cell *emptied(struct table *table, int row, int column)
{
    struct cell *cell = slot(table, row, column);
    if (cell->kind == CELL_TEXT)
        free(cell->text);
    *cell = (struct cell){CELL_NULL, {0}};
    return cell;
}

void table_set_integer(struct table *table, int row, int column, int64_t value)
{
    *emptied(table, row, column) = (struct cell){CELL_INTEGER, {.integer = value}};
}

void table_set_real(struct table *table, int row, int column, double value)
{
    struct cell *cell = emptied(table, row, column);
    if (!isnan(value))
        *cell = (struct cell){CELL_REAL, {.real = value}};
}

void table_set_text(struct table *table, int row, int column, const char *value)
{
    *emptied(table, row, column) = (struct cell){CELL_TEXT, {.text = copy_text(value)}};
}

void table_set_cell(struct table *table, int row, int column, const struct cell *value)
{
    if (value->kind == CELL_TEXT)
        table_set_text(table, row, column, value->text);
    else if (value->kind == CELL_REAL)
        table_set_real(table, row, column, value->real);
    else
        *emptied(table, row, column) = *value;
}

void table_rename(struct table *table, int column, const char *name)
{
    ASSERT(column >= 0 && column < table->n_columns);
    free(table->names[column]);
    table->names[column] = copy_text(name);
}

int table_column(const struct table *table, const char *name)
{
    for (int i = 0; i < table->n_columns; i++)
        if (strcmp(table->names[i], name) == 0)
            return i;
    return -1;
}

const struct cell *table_cell(const struct table *table, int row, int column)
{
    ASSERT(row >= 0 && row < table->n_rows && column >= 0 && column < table->n_columns);
    return table->cells + (size_t)row * (size_t)table->n_columns + column;
}

double table_number(const struct table *table, int row, int column)
{
    const struct cell *cell = table_cell(table, row, column);
    return cell->kind == CELL_REAL ? cell->real : cell->kind == CELL_INTEGER ? (double)cell->integer : NAN;
}

const char *table_text(const struct table *table, int row, int column)
{
    const struct cell *cell = table_cell(table, row, column);
    return cell->kind == CELL_TEXT ? cell->text : NULL;
}

/* What "%lld" would write, which is most of the work of writing a large table. */
static void append_integer(struct str *out, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        digits[--at] = '-';
    str_append_bytes(out, digits + at, sizeof digits - at);
}

void table_format_cell(const struct table *table, int row, int column, struct str *out)
{
    const struct cell *cell = table_cell(table, row, column);
    char number[32];
    switch (cell->kind) {
    case CELL_NULL:
        break;
    case CELL_INTEGER:
        append_integer(out, cell->integer);
        break;
    case CELL_REAL:
        str_from_double(number, sizeof number, cell->real);
        str_append(out, number);
        break;
    case CELL_TEXT:
        str_append(out, cell->text);
        break;
    }
}
