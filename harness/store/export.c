/* SPDX-License-Identifier: Apache-2.0 */
/* export.c — see export.h. Rows are built as text and written a good many at a time; a stream that fails
 * is noticed at the end, where it cannot be missed.
 * Invariant: no byte of a cell reaches a document unescaped. */
#include "harness/store/export.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "harness/store/csv.h"

static enum status finished(FILE *file, const char *what, struct err *err)
{
    errno = 0;
    if (fflush(file) == 0 && !ferror(file))
        return STATUS_OK;
    return err_set(err, STATUS_IO, "cannot write %s: %s", what,
                   errno ? strerror(errno) : "the stream takes no more");
}

/* Length of the UTF-8 sequence at text, or 0 when it is none (overlong, surrogate, cut short). */
static int utf8_length(const unsigned char *text)
{
    static const struct {
        unsigned char low, high, second_low, second_high;
        int length;
    } forms[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (*text < forms[i].low || *text > forms[i].high)
            continue;
        if (forms[i].length > 1 && (text[1] < forms[i].second_low || text[1] > forms[i].second_high))
            return 0;
        for (int k = 2; k < forms[i].length; k++)
            if ((text[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].length;
    }
    return 0;
}

void export_json_string(struct str *out, const char *text)
{
    str_append_char(out, '"');
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        int length = utf8_length(c);
        if (*c == '"' || *c == '\\')
            str_format(out, "\\%c", *c);
        else if (*c < ' ' || *c == 0x7f)
            str_format(out, "\\u%04x", *c);
        else if (length)
            str_append_bytes(out, (const char *)c, (size_t)length);
        else
            str_append(out, "\\ufffd");
        c += length ? length : 1;
    }
    str_append_char(out, '"');
}

/* Below it a double holds every whole number. */
static const double WHOLE = 9007199254740992.0;

static void json_cell(struct str *out, const struct table *table, int row, int column)
{
    const struct cell *cell = table_cell(table, row, column);
    if (cell->kind == CELL_NULL)
        str_append(out, "null");
    else if (cell->kind == CELL_TEXT)
        export_json_string(out, cell->text);
    else if (cell->kind == CELL_REAL && cell->real == trunc(cell->real) && fabs(cell->real) < WHOLE)
        str_format(out, "%.0f", cell->real); /* counts are sums of doubles: 290000000000, not 2.9e+11 */
    else if (cell->kind == CELL_REAL && isinf(cell->real))
        str_append(out,
                   cell->real > 0 ? "1e999" : "-1e999"); /* JSON has no infinity; readers overflow to it */
    else
        table_format_cell(table, row, column, out);
}

static void json_row(struct export *document, const struct table *table, int row)
{
    struct str *out = &document->text;
    str_append(out, document->any_rows ? ",\n{" : "\n{");
    for (int i = 0; i < table->n_columns; i++) {
        str_append(out, i ? ", " : "");
        export_json_string(out, table->names[i]);
        str_append(out, ": ");
        json_cell(out, table, row, i);
    }
    str_append_char(out, '}');
}

void export_init(struct export *document, FILE *file, const char *schema)
{
    *document = (struct export){.file = file, .schema = schema};
    str_init(&document->text);
}

static void begin(struct export *document, const struct table *table)
{
    document->begun = true;
    if (!document->schema) {
        csv_append_header(&document->text, table);
        return;
    }
    str_append(&document->text, "{\"schema\": ");
    export_json_string(&document->text, document->schema);
    str_append(&document->text, ", \"rows\": [");
}

/* A stream that takes no more is noticed at the end. */
static void write_out(struct export *document)
{
    (void)fwrite(document->text.text, 1, document->text.length, document->file);
    str_clear(&document->text);
}

void export_rows(struct export *document, const struct table *rows)
{
    enum { ENOUGH_BYTES = 1 << 16 };
    if (!document->begun)
        begin(document, rows);
    for (int row = 0; row < rows->n_rows; row++) {
        if (document->schema)
            json_row(document, rows, row);
        else
            csv_append_row(&document->text, rows, row);
        document->any_rows = true;
        if (document->text.length >= ENOUGH_BYTES)
            write_out(document);
    }
}

enum status export_end(struct export *document, enum status status, struct err *err)
{
    if (status == STATUS_OK && document->schema)
        str_append(&document->text, document->any_rows ? "\n]}\n" : "]}\n");
    if (status == STATUS_OK) {
        write_out(document);
        status = finished(document->file, document->schema ? "JSON" : "CSV", err);
    }
    str_release(&document->text);
    return status;
}

static enum status export_table(FILE *file, const struct table *table, const char *schema, struct err *err)
{
    struct export document;
    export_init(&document, file, schema);
    export_rows(&document, table);
    return export_end(&document, STATUS_OK, err);
}

enum status export_csv(FILE *file, const struct table *table, struct err *err)
{
    return export_table(file, table, NULL, err);
}

enum status export_json(FILE *file, const struct table *table, const char *schema, struct err *err)
{
    return export_table(file, table, schema, err);
}

/* Text inside a cell: markup is escaped, line ends and other controls become spaces. An underscore between
 * letters or digits, as in our column names, is no markup. */
static void markdown_text(struct str *out, const char *text)
{
    bool after_word = false;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < ' ' || *c == 0x7f) {
            str_append_char(out, ' ');
            after_word = false;
            continue;
        }
        if (strchr("\\`*[]|~", *c) || (*c == '_' && !(after_word && isalnum(c[1]))))
            str_append_char(out, '\\');
        after_word = isalnum(*c) != 0;
        if (*c == '<' || *c == '&')
            str_append(out, *c == '<' ? "&lt;" : "&amp;");
        else
            str_append_char(out, (char)*c);
    }
}

static bool is_number_column(const struct table *table, int column)
{
    bool number = false;
    for (int row = 0; row < table->n_rows; row++) {
        enum cell_kind kind = table_cell(table, row, column)->kind;
        if (kind == CELL_TEXT)
            return false;
        number = number || kind != CELL_NULL;
    }
    return number;
}

enum status export_markdown(FILE *file, const struct table *table, struct err *err)
{
    struct str line;
    str_init(&line);
    for (int i = 0; i < table->n_columns; i++) {
        str_append(&line, "| ");
        markdown_text(&line, table->names[i]);
        str_append_char(&line, ' ');
    }
    str_append(&line, "|\n");
    for (int i = 0; i < table->n_columns; i++)
        str_append(&line, is_number_column(table, i) ? "| ---: " : "| --- ");
    str_append(&line, "|\n");
    (void)fputs(line.text, file);
    for (int row = 0; row < table->n_rows; row++) {
        str_clear(&line);
        for (int i = 0; i < table->n_columns; i++) {
            const char *text = table_text(table, row, i);
            str_append(&line, "| ");
            if (text)
                markdown_text(&line, text);
            else
                table_format_cell(table, row, i, &line);
            str_append_char(&line, ' ');
        }
        str_append(&line, "|\n");
        (void)fputs(line.text, file);
    }
    str_release(&line);
    return finished(file, "Markdown", err);
}
