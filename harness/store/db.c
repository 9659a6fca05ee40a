/* SPDX-License-Identifier: Apache-2.0 */
/* db.c — see db.h. Design: one function, fail(), turns a SQLite result code into a status and a text; every
 * other function goes through it. The guards are SQLite authorizers that are set only while a statement from
 * outside is being compiled, which is when SQLite asks them.
 * Invariant: a connection that db_open returned has all its settings, or it was not returned.
 * Length: no other file may see sqlite3.h. */
#include "harness/store/db.h"

#include <errno.h>
#include <glob.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "harness/store/patience.h"

enum { COMMIT_TRIES = 6, PATTERN_LIMIT = 100, TEXT_LIMIT = 1 << 20 };

struct db {
    sqlite3 *handle;
    char *path;
    struct patience patience;
    bool undo_failed; /* a transaction is still open that was to be rolled back */
};

struct query {
    sqlite3_stmt *statement;
    struct db *db;
    enum db_guard guard;
    int failed_bind; /* the first result code of a binding that was not SQLITE_OK */
};

/* What to do about a failure, where there is something to do. */
static const char *remedy(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "; another program is writing to it, try again when that has ended";
    case SQLITE_FULL:
        return "; free some space, what is finished is kept";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "; nothing was changed. Copy the file before trying sqlite3's .recover on the copy";
    default:
        break;
    }
    if (code == SQLITE_READONLY_ROLLBACK)
        return "; a writer was killed amid a transaction, the next `isoflop run` on this file undoes it";
    return "";
}

/* SQL that does not compile is the fault of whoever wrote it; when that was us, the tables are not ours. */
static enum status status_of(int code, enum db_guard guard)
{
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return STATUS_CORRUPT;
    case SQLITE_NOMEM:
        return STATUS_MEMORY;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        return STATUS_FORMAT;
    case SQLITE_ERROR:
    case SQLITE_AUTH:
    case SQLITE_RANGE:
        return guard == DB_TRUSTED ? STATUS_CORRUPT : STATUS_USAGE;
    case SQLITE_INTERRUPT:
        return STATUS_INTERRUPTED;
    default:
        return STATUS_IO;
    }
}

static enum status fail(struct db *db, int code, enum db_guard guard, struct err *err)
{
    const char *text = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code);
    int extended = db->handle ? sqlite3_extended_errcode(db->handle) : code;
    if ((extended & 0xff) != (code & 0xff)) { /* the connection speaks of something else */
        text = sqlite3_errstr(code);
        extended = code;
    }
    if (extended == SQLITE_ERROR) /* the number would say nothing that the text does not */
        return err_set(err, status_of(code, guard), "%s: %s", db->path, text);
    return err_set(err, status_of(code, guard), "%s: %s (SQLite code %d)%s", db->path, text, extended,
                   remedy(extended));
}

/* The path as a URI, so that no character in it can be taken for an option, a host or ":memory:". */
static void append_uri(struct str *uri, const char *path, const char *options)
{
    str_append(uri, *path == '/' ? "file://" : "file:./");
    for (const unsigned char *c = (const unsigned char *)path; *c; c++) {
        if (*c <= ' ' || *c >= 127 || strchr("%#?", *c))
            str_format(uri, "%%%02x", *c);
        else
            str_append_char(uri, (char)*c);
    }
    str_append(uri, options);
}

static enum status configure(struct db *db, enum db_mode mode, struct err *err)
{
    static const char *const settings[] = {
        [DB_READ] = "PRAGMA query_only = ON",
        [DB_WRITE] = "PRAGMA foreign_keys = ON; PRAGMA synchronous = EXTRA; PRAGMA cache_size = -65536",
        [DB_COPY] = "PRAGMA foreign_keys = ON",
        [DB_MEMORY] = "PRAGMA foreign_keys = ON",
    };
    int code = sqlite3_extended_result_codes(db->handle, 1);
    if (code == SQLITE_OK)
        code = sqlite3_busy_handler(db->handle, patience_wait, &db->patience);
    if (code == SQLITE_OK)
        code = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    if (code == SQLITE_OK)
        code = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
    if (code == SQLITE_OK)
        code = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, (int *)NULL);
    if (code != SQLITE_OK)
        return fail(db, code, DB_TRUSTED, err);
    if (mode == DB_MEMORY) { /* for expressions from a spec: no pattern and no text may be huge */
        (void)sqlite3_limit(db->handle, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_LIMIT);
        (void)sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, TEXT_LIMIT);
        (void)sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 0);
    } else {
        enum status status = db_exec(db, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0", err);
        if (status != STATUS_OK)
            return status;
    }
    return db_exec(db, settings[mode], err);
}

/* SQLite opens a file it may not write for reading instead, and would find out about a folder without room
 * for its journal only at the first transaction. */
static enum status check_writable(struct db *db, struct err *err)
{
    const char *slash = strrchr(db->path, '/');
    char *folder = slash ? strndup(db->path, (size_t)(slash - db->path) + 1) : strdup(".");
    int refused;
    NEED_MEMORY(folder);
    refused = access(folder, W_OK | X_OK);
    free(folder);
    if (refused)
        return err_set(err, STATUS_IO, "%s: its folder cannot be written; choose another file with --db",
                       db->path);
    if (sqlite3_db_readonly(db->handle, "main") == 1)
        return err_set(err, STATUS_IO, "%s: cannot be written; choose another file with --db", db->path);
    return STATUS_OK;
}

/* A store of another name in the same folder is what a newcomer has. */
static enum status fail_missing(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char pattern[1100];
    glob_t found;
    enum status status;
    (void)snprintf(pattern, sizeof pattern, "%.*s*.db", slash ? (int)(slash - path + 1) : 0, path);
    if (glob(pattern, 0, NULL, &found) == 0)
        status = err_set(err, STATUS_NOT_FOUND, "%s: no such file; there is %s: give it with --db", path, found.gl_pathv[0]);
    else
        status = err_set(err, STATUS_NOT_FOUND, "%s: no such file; `isoflop run SPEC --db %s` makes one", path, path);
    globfree(&found);
    return status;
}

/* All pages of one database over those of another. */
static enum status copy_pages(struct db *to, struct db *from, struct err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to->handle, "main", from->handle, "main");
    int code = SQLITE_NOMEM;
    if (backup) {
        (void)sqlite3_backup_step(backup, -1);
        code = sqlite3_backup_finish(backup);
    }
    return code == SQLITE_OK ? STATUS_OK : fail(backup ? to : from, code, DB_TRUSTED, err);
}

static enum status fill_copy(struct db *copy, struct err *err)
{
    struct db *file = NULL;
    enum status status = db_open(&file, copy->path, DB_READ, err);
    if (status == STATUS_OK)
        status = copy_pages(copy, file, err);
    db_close(file);
    return status;
}

enum status db_copy_to_file(struct db *db, const char *path, struct err *err)
{
    struct db *file = NULL;
    enum status status = db_open(&file, path, DB_WRITE, err);
    if (status == STATUS_OK)
        status = copy_pages(file, db, err);
    db_close(file);
    return status;
}

enum status db_open(struct db **out, const char *path, enum db_mode mode, struct err *err)
{
    static const int flags[] = {
        [DB_READ] = SQLITE_OPEN_READONLY,
        [DB_WRITE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
        [DB_COPY] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY,
        [DB_MEMORY] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY,
    };
    struct db *db = calloc(1, sizeof *db);
    struct str uri;
    enum status status = STATUS_OK;
    int code;
    str_init(&uri);
    NEED_MEMORY(db);
    db->path = strdup(path);
    NEED_MEMORY(db->path);
    if (mode >= DB_COPY)
        str_append(&uri, "file::memory:");
    else
        append_uri(&uri, path, mode == DB_READ ? "?mode=ro" : "?mode=rwc");
    if (mode == DB_READ && access(path, F_OK) != 0 && errno == ENOENT) {
        status = fail_missing(path, err);
        goto done;
    }
    code = sqlite3_open_v2(uri.text, &db->handle, flags[mode] | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    status = code == SQLITE_OK ? STATUS_OK : fail(db, code, DB_TRUSTED, err);
    if (status == STATUS_OK && mode == DB_WRITE)
        status = check_writable(db, err);
    if (status == STATUS_OK)
        status = configure(db, mode, err);
    if (status == STATUS_OK && mode == DB_COPY)
        status = fill_copy(db, err);
done:
    str_release(&uri);
    if (status == STATUS_OK)
        *out = db;
    else
        db_close(db);
    return status;
}

void db_close(struct db *db)
{
    int code;
    if (!db)
        return;
    db_rollback(db);
    code = sqlite3_close(db->handle);
    ASSERT(code == SQLITE_OK); /* it fails only when a query was not freed */
    free(db->path);
    free(db);
}

const char *db_path(const struct db *db)
{
    return db->path;
}

enum status db_exec(struct db *db, const char *sql, struct err *err)
{
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : fail(db, code, DB_TRUSTED, err);
}

enum status db_integer(struct db *db, const char *sql, int64_t *out, struct err *err)
{
    struct query *query = NULL;
    enum status status = db_prepare(db, sql, DB_TRUSTED, &query, err);
    if (status == STATUS_OK)
        status = query_step(query, err);
    if (status == STATUS_OK)
        *out = query_column_integer(query, 0);
    query_free(query);
    return status;
}

enum status db_exec_each(struct db *db, const char *question, struct err *err)
{
    struct query *query = NULL;
    struct str all;
    enum status status = db_prepare(db, question, DB_TRUSTED, &query, err);
    str_init(&all);
    while (status == STATUS_OK && (status = query_step(query, err)) == STATUS_OK)
        str_format(&all, "%s;\n", query_column_text(query, 0));
    query_free(query);
    if (status == STATUS_DONE)
        status = db_exec(db, all.text, err);
    str_release(&all);
    return status;
}

enum status db_quick_check(struct db *db, struct err *err)
{
    struct query *query = NULL;
    enum status status = db_prepare(db, "PRAGMA quick_check(1)", DB_TRUSTED, &query, err);
    if (status == STATUS_OK)
        status = query_step(query, err);
    if (status == STATUS_OK) {
        const char *finding = query_column_text(query, 0);
        if (!finding || strcmp(finding, "ok") != 0)
            status = err_set(err, STATUS_CORRUPT, "%s: is damaged (%s)%s", db->path,
                             finding ? finding : "no answer", remedy(SQLITE_CORRUPT));
    }
    query_free(query);
    return status;
}

enum status db_begin(struct db *db, struct err *err)
{
    if (db->undo_failed)
        db_rollback(db);
    if (db->undo_failed)
        return fail(db, SQLITE_NOMEM, DB_TRUSTED, err);
    ASSERT(sqlite3_get_autocommit(db->handle));
    return db_exec(db, "BEGIN IMMEDIATE", err);
}

/* A commit that finds readers in the way leaves the transaction whole, so it is worth trying again: what is
 * being committed may have taken hours. */
enum status db_commit(struct db *db, struct err *err)
{
    enum status status;
    int code = SQLITE_BUSY;
    for (int i = 0; i < COMMIT_TRIES && (code & 0xff) == SQLITE_BUSY; i++)
        code = sqlite3_exec(db->handle, "COMMIT", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        return STATUS_OK;
    status = fail(db, code, DB_TRUSTED, err);
    db_rollback(db);
    return status;
}

void db_rollback(struct db *db)
{
    if (db->handle && !sqlite3_get_autocommit(db->handle))
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL); /* fails if SQLite has done it, or without memory */
    db->undo_failed = db->handle && !sqlite3_get_autocommit(db->handle);
}

static bool is_listed(const char *const *list, const char *name)
{
    for (; *list; list++)
        if (sqlite3_stricmp(*list, name) == 0)
            return true;
    return false;
}

/* Compiling for DB_READING: statements that read, and settings that only tell. */
static int authorize_reading(void *context, int action, const char *first, const char *second,
                             const char *database, const char *trigger)
{
    static const char *const pragmas[] = {
        "application_id", "foreign_key_check", "integrity_check", "page_count",   "page_size",
        "quick_check",    "table_info",        "table_xinfo",     "user_version", NULL};
    (void)context, (void)database, (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION: /* the functions this program links are harmless but for this one */
        return sqlite3_stricmp(second, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA:
        return is_listed(pragmas, first) ? SQLITE_OK : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

/* Compiling for DB_EXPRESSION: context counts the SELECTs, of which the first is ours. */
static int authorize_expression(void *context, int action, const char *first, const char *second,
                                const char *database, const char *trigger)
{
    static const char *const functions[] = {"abs",    "ceil", "ceiling", "coalesce", "exp",   "floor", "glob",
                                            "ifnull", "iif",  "instr",   "length",   "like",  "ln",    "log",
                                            "log10",  "log2", "lower",   "ltrim",    "max",   "min",   "mod",
                                            "nullif", "pow",  "power",   "round",    "rtrim", "sign",  "sqrt",
                                            "substr", "trim", "trunc",   "upper",    NULL};
    int *selects = context;
    (void)database, (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
        return (*selects)++ == 0 ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_READ:
        return strcmp(first, "cells") == 0 ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:
        return is_listed(functions, second) ? SQLITE_OK : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

enum status db_prepare(struct db *db, const char *sql, enum db_guard guard, struct query **out,
                       struct err *err)
{
    sqlite3_stmt *statement = NULL;
    struct query *query;
    const char *tail = "";
    int selects = 0, code;
    if (guard == DB_READING)
        (void)sqlite3_set_authorizer(db->handle, authorize_reading, NULL);
    else if (guard == DB_EXPRESSION)
        (void)sqlite3_set_authorizer(db->handle, authorize_expression, &selects);
    code = sqlite3_prepare_v3(db->handle, sql, -1, guard == DB_TRUSTED ? SQLITE_PREPARE_PERSISTENT : 0,
                              &statement, &tail);
    (void)sqlite3_set_authorizer(db->handle, NULL, NULL);
    if (code != SQLITE_OK)
        return fail(db, code, guard, err);
    if (!statement || tail[strspn(tail, " \t\r\n;")]) {
        (void)sqlite3_finalize(statement);
        return err_set(err, STATUS_USAGE, "%s: expected one SQL statement, and nothing after it", db->path);
    }
    query = calloc(1, sizeof *query);
    NEED_MEMORY(query);
    *query = (struct query){.statement = statement, .db = db, .guard = guard};
    *out = query;
    return STATUS_OK;
}

void query_free(struct query *query)
{
    if (!query)
        return;
    (void)sqlite3_finalize(query->statement); /* repeats the last step's failure, which was reported */
    free(query);
}

int query_parameters(const struct query *query)
{
    return sqlite3_bind_parameter_count(query->statement);
}

static void note_bind(struct query *query, int code)
{
    if (query->failed_bind == SQLITE_OK)
        query->failed_bind = code;
}

void query_bind_integer(struct query *query, int parameter, int64_t value)
{
    note_bind(query, sqlite3_bind_int64(query->statement, parameter, value));
}

void query_bind_real(struct query *query, int parameter, double value)
{
    if (isnan(value))
        query_bind_null(query, parameter);
    else
        note_bind(query, sqlite3_bind_double(query->statement, parameter, value));
}

void query_bind_text(struct query *query, int parameter, const char *value)
{
    note_bind(query, sqlite3_bind_text(query->statement, parameter, value, -1, SQLITE_TRANSIENT));
}

void query_bind_null(struct query *query, int parameter)
{
    note_bind(query, sqlite3_bind_null(query->statement, parameter));
}

void query_bind_column(struct query *query, int parameter, struct query *from, int column)
{
    note_bind(query, sqlite3_bind_value(query->statement, parameter, sqlite3_column_value(from->statement, column)));
}

enum status query_step(struct query *query, struct err *err)
{
    enum status status;
    int code = query->failed_bind;
    query->failed_bind = SQLITE_OK;
    if (code == SQLITE_OK)
        code = sqlite3_step(query->statement);
    if (code == SQLITE_ROW)
        return STATUS_OK;
    if (code == SQLITE_DONE) {
        (void)sqlite3_reset(query->statement);
        return STATUS_DONE;
    }
    status = fail(query->db, code, query->guard, err); /* before the reset, which may change the text */
    (void)sqlite3_reset(query->statement);
    return status;
}

enum status query_run(struct query *query, struct err *err)
{
    enum status status;
    do
        status = query_step(query, err);
    while (status == STATUS_OK);
    return status == STATUS_DONE ? STATUS_OK : status;
}

void query_reset(struct query *query)
{
    (void)sqlite3_reset(query->statement);
}

int query_columns(const struct query *query)
{
    return sqlite3_column_count(query->statement);
}

const char *query_column_name(const struct query *query, int column)
{
    const char *name = sqlite3_column_name(query->statement, column);
    NEED_MEMORY(name); /* NULL only without memory */
    return name;
}

int64_t query_column_integer(struct query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

double query_column_real(struct query *query, int column)
{
    if (sqlite3_column_type(query->statement, column) == SQLITE_NULL)
        return NAN;
    return sqlite3_column_double(query->statement, column);
}

const char *query_column_text(struct query *query, int column)
{
    return (const char *)sqlite3_column_text(query->statement, column);
}

enum status query_column_view(struct query *query, int column, struct cell *out, struct err *err)
{
    struct cell cell = {CELL_NULL, {0}};
    /* An export reads millions of cells: this looks each up once. SQLite allows it where one thread uses a connection. */
    sqlite3_value *value = sqlite3_column_value(query->statement, column);
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        cell = (struct cell){CELL_INTEGER, {.integer = sqlite3_value_int64(value)}};
        break;
    case SQLITE_FLOAT:
        cell = (struct cell){CELL_REAL, {.real = sqlite3_value_double(value)}};
        break;
    case SQLITE_TEXT: /* a cell's text is no constant because tables own theirs; nobody writes through this one */
        cell = (struct cell){CELL_TEXT, {.text = (char *)sqlite3_value_text(value)}};
        if (!cell.text)
            return fail(query->db, SQLITE_NOMEM, query->guard, err);
        break;
    case SQLITE_BLOB:
        return err_set(err, STATUS_FORMAT, "%s: column %s holds bytes, not text or a number", query->db->path,
                       query_column_name(query, column));
    default:
        break;
    }
    *out = cell;
    return STATUS_OK;
}

enum status query_column_cell(struct query *query, int column, struct table *table, int row, struct err *err)
{
    struct cell cell;
    enum status status = query_column_view(query, column, &cell, err);
    if (status == STATUS_OK)
        table_set_cell(table, row, column, &cell);
    return status;
}

int db_changes(struct db *db)
{
    return sqlite3_changes(db->handle);
}

int64_t db_last_id(struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}
