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

/* STATUS_IO when the stream takes no more. */
MUST_CHECK enum status csv_write_table(FILE *file, const struct table *table, struct err *err);

/* The same in parts, for a table that comes in blocks of rows. Errors of the stream show at the end. */
void csv_write_header(FILE *file, const struct table *table);
void csv_write_rows(FILE *file, const struct table *table);
MUST_CHECK enum status csv_write_end(FILE *file, struct err *err);

enum { CSV_MOST_COLUMNS = 512, CSV_MOST_CELLS = 10000000, CSV_MOST_FIELD_BYTES = 65536 };

/* Reads a header and rows; LF, CRLF and a byte order mark are understood. A field that is a whole number or a
 * decimal number becomes one, an empty field NULL, anything else text. All or nothing: any mistake is a
 * STATUS_FORMAT error that begins "name:line: ". *out is the caller's to release. */
MUST_CHECK enum status csv_read_table(FILE *file, const char *name, struct table *out, struct err *err);

#endif
