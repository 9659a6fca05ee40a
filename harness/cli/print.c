/* SPDX-License-Identifier: Apache-2.0 */
/* print.c — see print.h. For people, columns are as wide as their widest cell, numbers stand to the right, and a text
 * in the last column is broken where the screen ends. */
#include "harness/cli/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/cli/help.h"
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

/* Text of the last column, broken at the screen's usual width when there is room for it beside the others. */
static void print_last(const char *text, int column)
{
    enum { LEAST_ROOM = 20 };
    struct str lines;
    str_init(&lines);
    if (column + LEAST_ROOM <= HELP_WIDTH)
        help_wrap(&lines, text, column, column);
    else
        str_format(&lines, "%s\n", text);
    (void)fputs(*text ? lines.text : "\n", stdout);
    str_release(&lines);
}

static void print_people(const struct table *table)
{
    int *widths = calloc((size_t)table->n_columns, sizeof *widths);
    int last = table->n_columns - 1, column = 0;
    struct str text;
    NEED_MEMORY(widths);
    str_init(&text);
    for (int c = 0; c < table->n_columns; c++) {
        widths[c] = (int)strlen(table->names[c]);
        for (int r = 0; r < table->n_rows; r++) {
            cell_text(table, r, c, &text);
            widths[c] = (int)text.length > widths[c] ? (int)text.length : widths[c];
        }
        column += c < last ? widths[c] + 2 : 0;
    }
    for (int r = -1; r < table->n_rows; r++) {
        for (int c = 0; c <= last; c++) {
            bool left = r < 0 || table_cell(table, r, c)->kind == CELL_TEXT;
            str_clear(&text);
            if (r < 0)
                str_append(&text, table->names[c]);
            else
                cell_text(table, r, c, &text);
            if (c == last && left)
                print_last(text.text, column);
            else
                (void)printf(left ? "%-*s%s" : "%*s%s", widths[c], text.text, c < last ? "  " : "\n");
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
