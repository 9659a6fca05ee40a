/* SPDX-License-Identifier: Apache-2.0 */
/* db.h — SQLite, wrapped once: a connection, its prepared statements, its transactions.
 *
 * No other file includes sqlite3.h. Every failure comes back as an enum status whose text names the file,
 * SQLite's own words and its extended result code. A connection belongs to one thread and is never carried
 * across fork. A struct query belongs to whoever prepared it and must be freed before the connection closes.
 *
 *   STATUS_CORRUPT  damaged, or not our tables       STATUS_IO      full, read-only, busy, input/output
 *   STATUS_FORMAT   a constraint of the schema       STATUS_USAGE   foreign SQL that is wrong or refused */
#ifndef HARNESS_STORE_DB_H
#define HARNESS_STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/table.h"

struct db;
struct query;

enum db_mode {
    DB_READ,  /* an existing file, never changed; its schema is not trusted */
    DB_WRITE, /* synchronous EXTRA, foreign keys enforced; created when missing; its journal mode is left */
    DB_COPY,  /* the content of an existing file, in memory: may be changed, the file is not */
    DB_MEMORY /* private, gone with the connection; the path is only a name for messages */
};

/* Life cycle. db_open reads the file's header but does not judge the content. */
MUST_CHECK enum status db_open(struct db **out, const char *path, enum db_mode mode, struct err *err);
void db_close(struct db *db); /* NULL is fine */
const char *db_path(const struct db *db);

/* Runs statements that return nothing of interest. */
MUST_CHECK enum status db_exec(struct db *db, const char *sql, struct err *err);

/* Runs the statements that the rows of a question are. */
MUST_CHECK enum status db_exec_each(struct db *db, const char *question, struct err *err);

/* The first column of the first row as an integer; STATUS_DONE when there is no row. */
MUST_CHECK enum status db_integer(struct db *db, const char *sql, int64_t *out, struct err *err);

/* Writes everything to a new file, durably: STATUS_OK means that it will still be there after the power fails. */
MUST_CHECK enum status db_copy_to_file(struct db *db, const char *path, struct err *err);

/* Damage that SQLite can see: STATUS_CORRUPT with its first finding. Reads the whole file. */
MUST_CHECK enum status db_quick_check(struct db *db, struct err *err);

/* Transactions do not nest. db_begin takes the write lock at once, waiting up to 10 seconds for another
 * writer; db_commit waits up to a minute for readers. A failed commit is rolled back. db_rollback without a
 * transaction does nothing. */
MUST_CHECK enum status db_begin(struct db *db, struct err *err);
MUST_CHECK enum status db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);

/* What a statement from outside may do. */
enum db_guard {
    DB_TRUSTED,   /* our own SQL */
    DB_READING,   /* read anything in this file: no change, no attached file, no setting */
    DB_EXPRESSION /* one pass over table cells and pure functions of its columns: no subquery */
};

/* Compiles exactly one statement; text after it is STATUS_USAGE. */
MUST_CHECK enum status db_prepare(struct db *db, const char *sql, enum db_guard guard, struct query **out,
                                  struct err *err);
void query_free(struct query *query); /* NULL is fine */

/* Parameters count from 1. A binding that fails is reported by the next step. Text is copied. */
int query_parameters(const struct query *query);
void query_bind_integer(struct query *query, int parameter, int64_t value);
void query_bind_real(struct query *query, int parameter, double value);      /* NaN becomes NULL */
void query_bind_text(struct query *query, int parameter, const char *value); /* NULL becomes NULL */
void query_bind_null(struct query *query, int parameter);
void query_bind_column(struct query *query, int parameter, struct query *from, int column); /* of a row that is there */

/* STATUS_OK: a row is there. STATUS_DONE: none is left; the query is ready to be bound and run again. */
MUST_CHECK enum status query_step(struct query *query, struct err *err);
/* Steps to the end, whatever rows come, and resets: for statements that write. */
MUST_CHECK enum status query_run(struct query *query, struct err *err);
/* Gives up the remaining rows. Bindings stay. */
void query_reset(struct query *query);

/* Columns count from 0 and are read after a step that returned STATUS_OK. Text lives until the next step. */
int query_columns(const struct query *query);
const char *query_column_name(const struct query *query, int column);
int64_t query_column_integer(struct query *query, int column);
double query_column_real(struct query *query, int column);      /* NaN for NULL */
const char *query_column_text(struct query *query, int column); /* NULL for NULL */
/* The column of the present row. A blob is STATUS_FORMAT. Text is the query's and lives until the next step. */
MUST_CHECK enum status query_column_view(struct query *query, int column, struct cell *out, struct err *err);
/* The same into a table, which owns what it gets. */
MUST_CHECK enum status query_column_cell(struct query *query, int column, struct table *table, int row,
                                         struct err *err);

/* Rows the last INSERT, UPDATE or DELETE changed, and the rowid of the last INSERT. */
int db_changes(struct db *db);
int64_t db_last_id(struct db *db);

#endif
