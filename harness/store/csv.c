/* SPDX-License-Identifier: Apache-2.0 */
/* csv.c — see csv.h; the only file that includes libcsv's header.
 *
 * Writing quotes a cell only where it must; it makes text, and export.c puts it into files. Reading feeds libcsv line by
 * line, so that its callbacks, which are not told where they are, can name the line; the first mistake is kept and ends
 * the reading.
 * Invariant of reading: until the first mistake, every row of the table is complete but the last. */
#include "harness/store/csv.h"

#include <csv.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

/* ---- writing ---- */

static void append_quoted(struct str *line, const char *text, size_t n)
{
    size_t room = 2 * n + 2;
    char *quoted = malloc(room);
    NEED_MEMORY(quoted);
    str_append_bytes(line, quoted, csv_write(quoted, room, text, n));
    free(quoted);
}

/* Characters that have a meaning in CSV wherever they stand, blanks at the ends, and what a reader would take for the mark
 * of the file's encoding. */
static bool needs_quotes(const char *text, size_t n)
{
    static const bool special[256] = {[','] = true, ['"'] = true, ['\r'] = true, ['\n'] = true};
    bool found = n == 0 || strchr(" \t", text[0]) || strchr(" \t", text[n - 1]) ||
                 strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0;
    for (size_t i = 0; i < n; i++)
        found |= special[(unsigned char)text[i]];
    return found;
}

static void append_text(struct str *line, const char *text)
{
    size_t n = strlen(text);
    struct str guarded;
    bool quote = needs_quotes(text, n);
    if (n == 0 || !strchr("=+-@\t\r", *text)) {
        if (quote)
            append_quoted(line, text, n);
        else
            str_append_bytes(line, text, n);
        return;
    }
    str_init(&guarded); /* a formula to a spreadsheet */
    str_append_char(&guarded, '\'');
    str_append_bytes(&guarded, text, n);
    if (quote)
        append_quoted(line, guarded.text, guarded.length);
    else
        str_append_bytes(line, guarded.text, guarded.length);
    str_release(&guarded);
}

static void append_cell(struct str *line, const struct table *table, int row, int column)
{
    const char *text = table_text(table, row, column);
    if (text || (table->n_columns == 1 && table_cell(table, row, column)->kind == CELL_NULL))
        append_text(line, text ? text : "");
    else
        table_format_cell(table, row, column, line);
}

void csv_append_header(struct str *out, const struct table *table)
{
    for (int i = 0; i < table->n_columns; i++) {
        if (i)
            str_append_char(out, ',');
        append_text(out, table->names[i]);
    }
    str_append_char(out, '\n');
}

void csv_append_row(struct str *out, const struct table *table, int row)
{
    for (int i = 0; i < table->n_columns; i++) {
        if (i)
            str_append_char(out, ',');
        append_cell(out, table, row, i);
    }
    str_append_char(out, '\n');
}

/* ---- reading ---- */

struct reader {
    const char *name;
    long line;
    bool in_rows; /* the header is complete and the table made */
    char *names[CSV_MOST_COLUMNS];
    int n_names;
    struct table table;
    int column;         /* of the next field of the present row */
    enum status status; /* the first mistake */
    struct err *err;
};

static void mistake(struct reader *reader, const char *what)
{
    if (reader->status == STATUS_OK)
        reader->status = err_set(reader->err, STATUS_FORMAT, "%s:%ld: %s", reader->name, reader->line, what);
}

static void header_field(struct reader *reader, const char *text)
{
    if (!text || !*text) {
        mistake(reader, "a column has no name");
        return;
    }
    if (reader->n_names == CSV_MOST_COLUMNS) {
        mistake(reader, "more than 512 columns");
        return;
    }
    for (int i = 0; i < reader->n_names; i++)
        if (strcmp(reader->names[i], text) == 0)
            mistake(reader, "two columns have the same name");
    reader->names[reader->n_names] = strdup(text);
    NEED_MEMORY(reader->names[reader->n_names]);
    reader->n_names++;
}

static void set_cell(struct table *table, int row, int column, const char *text)
{
    char *end;
    long long integer;
    double real;
    if (*text && strspn(text, "+-.0123456789eE") == strlen(text)) { /* no hex, no nan, no inf */
        errno = 0;
        integer = strtoll(text, &end, 10);
        if (!*end && errno == 0) {
            table_set_integer(table, row, column, integer);
            return;
        }
        real = strtod(text, &end);
        if (!*end && isfinite(real)) {
            table_set_real(table, row, column, real);
            return;
        }
    }
    table_set_text(table, row, column, text);
}

/* libcsv's callback for a field; data is NULL for an empty one without quotes. */
static void on_field(void *data, size_t length, void *context)
{
    struct reader *reader = context;
    const char *text = data;
    if (reader->status != STATUS_OK)
        return;
    if (length > CSV_MOST_FIELD_BYTES) {
        mistake(reader, "a field is longer than 65536 bytes; is a quote missing?");
        return;
    }
    if (!reader->in_rows) {
        header_field(reader, text);
        return;
    }
    if (reader->column == 0) {
        if ((long long)(reader->table.n_rows + 1) * reader->table.n_columns > CSV_MOST_CELLS) {
            mistake(reader, "more than 10000000 cells");
            return;
        }
        (void)table_add_row(&reader->table);
    }
    if (reader->column == reader->table.n_columns) {
        mistake(reader, "more fields than the header names");
        return;
    }
    if (text)
        set_cell(&reader->table, reader->table.n_rows - 1, reader->column, text);
    reader->column++;
}

static void on_row(int terminator, void *context)
{
    struct reader *reader = context;
    (void)terminator;
    if (reader->status != STATUS_OK)
        return;
    if (!reader->in_rows) {
        table_init(&reader->table, reader->n_names, (const char *const *)reader->names);
        reader->in_rows = true;
        return;
    }
    if (reader->column < reader->table.n_columns)
        mistake(reader, "fewer fields than the header names");
    reader->column = 0;
}

/* Feeds one line, or a piece of a long one. */
static void feed(struct reader *reader, struct csv_parser *parser, const char *text, size_t n)
{
    if (memchr(text, 0, n)) {
        mistake(reader, "a NUL byte; this is not text");
        return;
    }
    if (csv_parse(parser, text, n, on_field, on_row, reader) != n)
        mistake(reader, csv_error(parser) == CSV_EPARSE ? "a quote where none may be"
                                                        : csv_strerror(csv_error(parser)));
    if (csv_get_buffer_size(parser) > 2 * CSV_MOST_FIELD_BYTES)
        mistake(reader, "a field is longer than 65536 bytes; is a quote missing?");
}

static void read_lines(struct reader *reader, struct csv_parser *parser, FILE *file)
{
    char block[4096];
    size_t n;
    bool first = true, ended = true;
    while (reader->status == STATUS_OK && (n = fread(block, 1, sizeof block, file)) > 0) {
        const char *at = block, *end = block + n;
        if (first && n >= strlen(BYTE_ORDER_MARK) && memcmp(block, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
            at += strlen(BYTE_ORDER_MARK);
        first = false;
        while (at < end && reader->status == STATUS_OK) {
            const char *newline = memchr(at, '\n', (size_t)(end - at));
            const char *stop = newline ? newline + 1 : end;
            reader->line += ended;
            ended = newline != NULL;
            feed(reader, parser, at, (size_t)(stop - at));
            at = stop;
        }
    }
    if (reader->status == STATUS_OK && ferror(file))
        reader->status = err_set(reader->err, STATUS_IO, "%s: cannot be read", reader->name);
    if (reader->status == STATUS_OK && csv_fini(parser, on_field, on_row, reader) != 0)
        mistake(reader, "the file ends inside quotes");
}

enum status csv_read_table(FILE *file, const char *name, struct table *out, struct err *err)
{
    struct reader *reader = calloc(1, sizeof *reader);
    struct csv_parser parser;
    enum status status;
    NEED_MEMORY(reader);
    reader->name = name;
    reader->err = err;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL | CSV_EMPTY_IS_NULL) != 0) {
        free(reader);
        return err_set(err, STATUS_MEMORY, "%s: no memory to read it", name);
    }
    read_lines(reader, &parser, file);
    if (!reader->in_rows)
        mistake(reader, "no header");
    status = reader->status;
    if (status == STATUS_OK)
        *out = reader->table;
    else
        table_release(&reader->table);
    for (int i = 0; i < reader->n_names; i++)
        free(reader->names[i]);
    csv_free(&parser);
    free(reader);
    return status;
}
