/* SPDX-License-Identifier: Apache-2.0 */
/* salvage.c — see salvage.h.
 *
 * A table is a tree, kept in the order of its key, which is its first columns. Where a page of it is damaged, reading from its beginning ends there, and reading from its end ends
 * there too: both ways together miss little more than what hangs from that page. Rows go into a new store one by one, so
 * that one that breaks a rule of the schema costs nothing but itself. */
#include "harness/store/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/str.h"
#include "harness/store/db.h"
#include "harness/store/schema.h"

/* The columns that both stores have, by commas; "" when the old one lacks the table. */
static void shared_columns(struct db *from, struct db *to, const char *table, struct str *out)
{
    static const char sql[] = "SELECT name FROM pragma_table_info(?1)";
    struct query *old = NULL, *new = NULL;
    if (db_prepare(from, sql, DB_TRUSTED, &old, NULL) == STATUS_OK && db_prepare(to, sql, DB_TRUSTED, &new, NULL) == STATUS_OK) {
        query_bind_text(new, 1, table);
        while (query_step(new, NULL) == STATUS_OK) {
            bool found = false;
            query_bind_text(old, 1, table);
            while (query_step(old, NULL) == STATUS_OK)
                found = found || strcmp(query_column_text(old, 0), query_column_text(new, 0)) == 0;
            if (found)
                str_format(out, "%s%s", out->length ? ", " : "", query_column_text(new, 0));
        }
    }
    query_free(old);
    query_free(new);
}

/* Copies rows until the end or the first that cannot be read; false in the latter case. */
static bool copy_rows(struct query *select, struct query *insert, struct table *row)
{
    enum status status;
    while ((status = query_step(select, NULL)) == STATUS_OK) {
        bool readable = true;
        table_clear(row);
        (void)table_add_row(row);
        for (int i = 0; i < row->n_columns; i++) {
            const struct cell *cell = table_cell(row, 0, i);
            readable = readable && query_column_cell(select, i, row, 0, NULL) == STATUS_OK;
            if (cell->kind == CELL_TEXT)
                query_bind_text(insert, i + 1, cell->text);
            else if (cell->kind == CELL_INTEGER)
                query_bind_integer(insert, i + 1, cell->integer);
            else
                query_bind_real(insert, i + 1, table_number(row, 0, i));
        }
        if (readable && query_run(insert, NULL) != STATUS_OK)
            continue; /* a value that the schema does not allow: damage, too */
    }
    return status == STATUS_DONE;
}

/* One way through a table. True when it could be read to its end. */
static bool copy_way(struct db *from, struct db *to, const char *table, const char *columns, const char *way)
{
    struct query *select = NULL, *insert = NULL;
    struct table row = {0};
    struct str sql;
    bool whole = false;
    int n = 1;
    str_init(&sql);
    for (const char *c = columns; *c; c++)
        n += *c == ',';
    str_format(&sql, "SELECT %s FROM %s %s", columns, table, way);
    if (db_prepare(from, sql.text, DB_TRUSTED, &select, NULL) == STATUS_OK) {
        const char *names[256];
        str_clear(&sql);
        str_format(&sql, "INSERT OR IGNORE INTO %s (%s) VALUES (?1", table, columns);
        for (int i = 2; i <= n; i++)
            str_format(&sql, ", ?%d", i);
        str_append(&sql, ")");
        for (int i = 0; i < n && i < 256; i++)
            names[i] = "";
        table_init(&row, n, names);
        if (db_prepare(to, sql.text, DB_TRUSTED, &insert, NULL) == STATUS_OK)
            whole = copy_rows(select, insert, &row);
        table_release(&row);
    }
    query_free(select);
    query_free(insert);
    str_release(&sql);
    return whole;
}

static enum status copy_table(struct db *from, struct db *to, const char *table, struct table *report, struct err *err)
{
    /* By the rows themselves, then by an index, which may be whole where they are not, or reach other parts of them. */
    static const char *const ways[] = {"NOT INDEXED", "ORDER BY 1 ASC", "ORDER BY 1 DESC"};
    struct str columns, sql;
    int64_t rows = 0;
    bool whole = false;
    enum status status;
    int at;
    str_init(&columns);
    str_init(&sql);
    shared_columns(from, to, table, &columns);
    for (size_t i = 0; columns.length && !whole && i < sizeof ways / sizeof *ways; i++)
        whole = copy_way(from, to, table, columns.text, ways[i]);
    str_format(&sql, "SELECT count(*) FROM %s", table);
    status = db_integer(to, sql.text, &rows, err);
    at = table_add_row(report);
    table_set_text(report, at, 0, table);
    table_set_integer(report, at, 1, rows);
    table_set_integer(report, at, 2, whole);
    str_release(&columns);
    str_release(&sql);
    return status;
}

static enum status copy_all(struct db *from, struct db *to, struct table *report, struct err *err)
{
    struct query *tables = NULL;
    enum status status = db_prepare(to, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
                                        " ORDER BY rowid", DB_TRUSTED, &tables, err);
    while (status == STATUS_OK && (status = query_step(tables, err)) == STATUS_OK)
        status = copy_table(from, to, query_column_text(tables, 0), report, err);
    query_free(tables);
    return status == STATUS_DONE ? STATUS_OK : status;
}

/* Makes every reference lead somewhere. What is only named can be named again; whatever hangs in the air goes. */
static enum status mend(struct db *db, struct err *err)
{
    static const char kindly[] =
        "INSERT OR IGNORE INTO corpus (data_identity) SELECT data_identity FROM trial WHERE data_identity IS NOT NULL;"
        "UPDATE attempt SET host_id = NULL WHERE host_id NOT IN (SELECT host_id FROM host);"
        "UPDATE attempt SET build_id = NULL WHERE build_id NOT IN (SELECT build_id FROM build);"
        "UPDATE bench_sample SET host_id = NULL WHERE host_id NOT IN (SELECT host_id FROM host);"
        "UPDATE bench_sample SET build_id = NULL WHERE build_id NOT IN (SELECT build_id FROM build);"
        "UPDATE trial SET state = 'pending', final_attempt = NULL WHERE final_attempt IS NOT NULL AND NOT EXISTS (SELECT 1"
        " FROM attempt a WHERE a.trial_id = trial.trial_id AND a.attempt = trial.final_attempt);"
        "UPDATE trial SET state = 'pending' WHERE state = 'running' AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.trial_id ="
        " trial.trial_id AND a.state = 'running');";
    static const char dangling[] =
        "SELECT 'DELETE FROM ' || m.name || ' WHERE ' || group_concat(m.name || '.' || f.\"from\" || ' IS NOT NULL', ' AND ')"
        " || ' AND NOT EXISTS (SELECT 1 FROM ' || f.\"table\" || ' p WHERE '"
        " || group_concat('p.' || f.\"to\" || ' = ' || m.name || '.' || f.\"from\", ' AND ') || ')'"
        " FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' GROUP BY m.name, f.id";
    int64_t broken = 1;
    enum status status = db_exec(db, kindly, err);
    for (int round = 0; round < 8 && broken > 0 && status == STATUS_OK; round++) {
        status = db_exec_each(db, dangling, err);
        if (status == STATUS_OK)
            status = db_integer(db, "SELECT count(*) FROM pragma_foreign_key_check", &broken, err);
    }
    return status;
}

static enum status fill_new(struct db *from, struct db *to, struct table *report, struct err *err)
{
    int64_t tables = 0;
    enum status status = db_integer(from, "SELECT count(*) FROM sqlite_schema WHERE name IN ('trial', 'attempt')", &tables, err);
    if (status == STATUS_OK && tables < 2)
        status = err_set(err, STATUS_CORRUPT, "%s: has no trials and attempts; it is no store, or nothing can be saved of it",
                         db_path(from));
    if (status == STATUS_OK)
        status = schema_create(to, err);
    if (status == STATUS_OK)
        status = db_exec(to, "PRAGMA foreign_keys = OFF", err);
    if (status == STATUS_OK)
        status = db_begin(to, err);
    if (status != STATUS_OK)
        return status;
    status = copy_all(from, to, report, err);
    if (status == STATUS_OK)
        status = mend(to, err);
    return status == STATUS_OK ? db_commit(to, err) : status;
}

enum status salvage(const char *path, const char *out, struct table *report, struct err *err)
{
    static const char *const names[] = {"table", "rows", "whole"};
    struct db *from = NULL, *to = NULL;
    enum status status;
    int fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_set(err, STATUS_IO, "%s: %s; give a file that is not there yet", out, strerror(errno));
    (void)close(fd);
    table_init(report, 3, names);
    status = db_open(&from, path, DB_READ, err);
    if (status == STATUS_OK)
        status = db_open(&to, out, DB_WRITE, err);
    if (status == STATUS_OK)
        status = fill_new(from, to, report, err);
    db_close(from);
    db_close(to);
    if (status != STATUS_OK) {
        table_release(report);
        (void)unlink(out);
    }
    return status;
}
