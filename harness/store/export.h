/* SPDX-License-Identifier: Apache-2.0 */
/* export.h — a table as a document for other programs or for people.
 *
 * Each writes the whole document to an open stream and leaves it open. STATUS_IO when the stream takes no
 * more, flushing included. */
#ifndef HARNESS_STORE_EXPORT_H
#define HARNESS_STORE_EXPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/base/err.h"
#include "engine/base/table.h"

/* As csv.h says. */
MUST_CHECK enum status export_csv(FILE *file, const struct table *table, struct err *err);

/* One object, {"schema": schema, "rows": [{column: value, …}, …]}, a row per line. Numbers read back the same
 * (an infinity as 1e999), NULL is null; bytes that are not UTF-8 become U+FFFD. */
MUST_CHECK enum status export_json(FILE *file, const struct table *table, const char *schema,
                                   struct err *err);

/* The same two in parts, for an answer that comes row by row (store_each). A struct is one document: init, rows as often
 * as there are tables (the first says what the columns are, and may have no rows), end. */
struct export {
    FILE *file;
    const char *schema; /* of a JSON document; NULL: CSV */
    struct str text;    /* not written yet */
    bool begun, any_rows;
};
void export_init(struct export *document, FILE *file, const char *schema);
void export_rows(struct export *document, const struct table *rows);
/* Writes what is left and releases the document. Another status than OK, of whoever had the rows, is passed on. */
MUST_CHECK enum status export_end(struct export *document, enum status status, struct err *err);

/* A pipe table; numbers are set to the right. Text cannot leave its cell or become markup. */
MUST_CHECK enum status export_markdown(FILE *file, const struct table *table, struct err *err);

/* Appends text as a JSON string, quotes included, for whoever writes another document. */
void export_json_string(struct str *out, const char *text);

#endif
