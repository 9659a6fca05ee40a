/* SPDX-License-Identifier: Apache-2.0 */
/* table.h — rows and named columns: how a query's answer travels from the store to a chart, a file or
 * a test without either side knowing the other.
 *
 * Cells are NULL (missing), numbers or text. Integers keep all 64 bits. The table owns its cells.
 * Running out of memory is treated as in str.h. */
#ifndef ENGINE_BASE_TABLE_H
#define ENGINE_BASE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/str.h"

enum cell_kind { CELL_NULL = 0, CELL_INTEGER, CELL_REAL, CELL_TEXT };

struct cell {
    enum cell_kind kind;
    union {
        int64_t integer;
        double real;
        char *text; /* owned by the table */
    };
};

struct table {
    char **names; /* n_columns, owned */
    int n_columns;
    struct cell *cells; /* (n_rows, n_columns), row-major */
    int n_rows;
    int capacity; /* rows */
};

/* Life cycle. Column names are copied. */
void table_init(struct table *table, int n_columns, const char *const *names);
void table_release(struct table *table);

/* Takes all rows away; the columns and the room for rows stay. */
void table_clear(struct table *table);

/* Operations. table_add_row appends a row of NULLs and returns its index. */
int table_add_row(struct table *table);
void table_set_integer(struct table *table, int row, int column, int64_t value);
void table_set_real(struct table *table, int row, int column, double value); /* NaN is stored as NULL */
void table_set_text(struct table *table, int row, int column, const char *value);
void table_set_cell(struct table *table, int row, int column, const struct cell *value); /* copies its text */

void table_rename(struct table *table, int column, const char *name);

/* The column's index, or -1. */
int table_column(const struct table *table, const char *name);
const struct cell *table_cell(const struct table *table, int row, int column);
/* The cell as a number; NaN when it is missing or text. */
double table_number(const struct table *table, int row, int column);
/* The cell's text, or NULL when it is not text. */
const char *table_text(const struct table *table, int row, int column);
/* Appends the cell as people read it and as it reads back: empty for NULL, shortest round-trip for reals. */
void table_format_cell(const struct table *table, int row, int column, struct str *out);

#endif
