/* SPDX-License-Identifier: Apache-2.0 */
/* print.c — see print.h. For people, columns are as wide as their widest cell and numbers stand to the right. */
#include "harness/cli/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/store/export.h"

/* A cell as text, numbers at five digits: whoever wants them all asks for --csv or --json. */
static void cell_text(const struct table *table, int row, int column, struct str *out)
{
    const struct cell *cell = table_cell(table, row, column);
    str_clear(out);
    if (cell->kind == CELL_REAL) {
        str_format(out, "%.5g", cell->real);
    } else {
        table_format_cell(table, row, column, out);
        for (char *c = out->text; *c; c++)
            if ((unsigned char)*c < ' ' || *c == 127)
                *c = ' ';
    }
}

static void print_people(const struct table *table)
{
    int *widths = calloc((size_t)table->n_columns, sizeof *widths);
    struct str text;
    NEED_MEMORY(widths);
    str_init(&text);
    for (int c = 0; c < table->n_columns; c++) {
        widths[c] = (int)strlen(table->names[c]);
        for (int r = 0; r < table->n_rows; r++) {
            cell_text(table, r, c, &text);
            widths[c] = (int)text.length > widths[c] ? (int)text.length : widths[c];
        }
    }
    for (int r = -1; r < table->n_rows; r++) {
        for (int c = 0; c < table->n_columns; c++) {
            bool left = r < 0 || table_cell(table, r, c)->kind == CELL_TEXT;
            if (r < 0)
                (void)printf("%-*s", widths[c], table->names[c]);
            else
                cell_text(table, r, c, &text);
            if (r >= 0)
                (void)printf(left ? "%-*s" : "%*s", widths[c], text.text);
            (void)fputs(c + 1 < table->n_columns ? "  " : "\n", stdout);
        }
    }
    str_release(&text);
    free(widths);
}

void print_count_text(char *out, size_t size, double count)
{
    static const struct { double factor; const char *suffix; } units[] = {{1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (count >= units[i].factor) {
            double value = count / units[i].factor;
            (void)snprintf(out, size, value < 9.95 ? "%.1f%s" : "%.0f%s", value, units[i].suffix);
            return;
        }
    }
    (void)snprintf(out, size, "%.0f", count);
}

int print_table(const struct invocation *invocation, const struct table *table, const char *schema)
{
    struct err err = ERR_INIT;
    enum status status = STATUS_OK;
    if (invocation->json)
        status = export_json(stdout, table, schema, &err);
    else if (invocation->csv)
        status = export_csv(stdout, table, &err);
    else
        print_people(table);
    return written(status, &err);
}
