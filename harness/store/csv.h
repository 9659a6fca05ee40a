/* SPDX-License-Identifier: Apache-2.0 */
/* csv.h — comma-separated values (RFC 4180), libcsv wrapped once: writing tables, and reading other people's.
 *
 * Written: LF line ends, a header, numbers so that they read back the same, nothing for NULL and "" for empty
 * text (and for NULL where it is the only column, since a blank line would be no row). Text that a spreadsheet
 * would take for a formula (it begins with = + - @, TAB or CR) gets a leading single quote. */
#ifndef HARNESS_STORE_CSV_H
#define HARNESS_STORE_CSV_H

#include <stdio.h>

#include "engine/base/err.h"
#include "engine/base/table.h"

/* Appends the line with the columns' names, or that of a row. */
void csv_append_header(struct str *out, const struct table *table);
void csv_append_row(struct str *out, const struct table *table, int row);

enum { CSV_MOST_COLUMNS = 512, CSV_MOST_CELLS = 10000000, CSV_MOST_FIELD_BYTES = 65536 };

/* Reads a header and rows; LF, CRLF and a byte order mark are understood. A field that is a whole number or a
 * decimal number becomes one, an empty field NULL, anything else text. All or nothing: any mistake is a
 * STATUS_FORMAT error that begins "name:line: ". *out is the caller's to release. */
MUST_CHECK enum status csv_read_table(FILE *file, const char *name, struct table *out, struct err *err);

#endif
