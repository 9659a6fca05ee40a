/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_open.c — goal: a file that is no healthy store of ours is refused with a message that says why,
 * and is not changed by a byte.
 * Method: every kind of wrong file is made, opened both ways, and compared with what it was before. A store
 * is damaged by cutting it and by turning bytes over throughout: opening must refuse it or read it, never
 * crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/store/internal.h"
#include "harness/store/schema.h"

static char folder[] = "/tmp/isoflop-open-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && snprintf(path, sizeof path, "%s/%%3f? #.db", folder) > 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int remove_store(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static char *content(size_t *n)
{
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(1 << 20);
    assert_non_null(file);
    assert_non_null(bytes);
    *n = fread(bytes, 1, 1 << 20, file);
    (void)fclose(file);
    return bytes;
}

static void put_content(const char *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* Every way of opening fails, says so, and leaves the file alone. */
static void refused(const char *says)
{
    size_t before_n, after_n;
    char *before = content(&before_n);
    for (int mode = STORE_READ; mode <= STORE_CHANGE; mode++) {
        struct store *store = NULL;
        struct err err = ERR_INIT;
        char *after;
        if (store_open(&store, path, (enum store_mode)mode, &err) != STATUS_CORRUPT)
            fail_msg("expected a refusal with '%s', got '%s'", says, err.text);
        assert_null(store);
        if (!strstr(err.text, says))
            fail_msg("expected '%s' in '%s'", says, err.text);
        after = content(&after_n);
        assert_int_equal(after_n, before_n);
        assert_memory_equal(after, before, before_n);
        free(after);
    }
    free(before);
}

/* A database of any other making: the SQL is run on a new file, or on a store when asked. */
static void database(bool store_first, const char *sql)
{
    struct db *db = NULL;
    struct err err = ERR_INIT;
    enum status status = db_open(&db, path, DB_WRITE, &err);
    if (status == STATUS_OK && store_first)
        status = schema_create(db, &err);
    if (status == STATUS_OK)
        status = db_exec(db, sql, &err);
    db_close(db);
    if (status != STATUS_OK)
        fail_msg("%s", err.text);
}

static enum status open_and_close(enum store_mode mode, struct err *err)
{
    struct store *store = NULL;
    enum status status = store_open(&store, path, mode, err);
    store_close(store);
    return status;
}

static void a_new_store_reads_back(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(open_and_close(STORE_READ, &err), STATUS_NOT_FOUND);
    assert_int_equal(open_and_close(STORE_CHANGE, &err), STATUS_NOT_FOUND);
    assert_int_equal(access(path, F_OK), -1); /* neither made anything */
    assert_int_equal(open_and_close(STORE_WRITE, &err), STATUS_OK);
    assert_int_equal(access(path, F_OK), 0); /* whatever is in the name */
    assert_int_equal(open_and_close(STORE_READ, &err), STATUS_OK);
    assert_int_equal(open_and_close(STORE_WRITE, &err), STATUS_OK);
}

static void an_empty_file_becomes_a_store(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    put_content("", 0); /* what a crash before the first commit leaves */
    assert_int_equal(open_and_close(STORE_READ, &err), STATUS_CORRUPT);
    assert_int_equal(open_and_close(STORE_WRITE, &err), STATUS_OK);
}

static void foreign_files_are_refused(void **state)
{
    (void)state;
    put_content("this is a text file, and a rather long one at that\n", 51);
    refused("not a database");
    (void)remove_store(NULL);
    database(false, "CREATE TABLE t (a)");
    refused("is not an Isoflop store");
    (void)remove_store(NULL);
    database(false, "CREATE TABLE t (a); PRAGMA journal_mode = WAL; PRAGMA wal_checkpoint(TRUNCATE)");
    refused("is not an Isoflop store");
}

static void stores_of_another_shape_are_refused(void **state)
{
    (void)state;
    database(true, "PRAGMA user_version = 3");
    refused("newer Isoflop");
    (void)remove_store(NULL);
    database(true, "DROP VIEW v_fits; CREATE VIEW v_fits AS SELECT no_column FROM fit");
    refused("no_column");
    (void)remove_store(NULL);
    database(true, "ALTER TABLE claim DROP COLUMN reason");
    refused("lacks 'table claim.reason TEXT 0 0'");
    (void)remove_store(NULL);
    database(true, "CREATE TRIGGER t AFTER INSERT ON trial BEGIN DELETE FROM trial; END");
    refused("triggers");
}

static void a_user_s_own_tables_are_welcome(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    database(
        true,
        "CREATE TABLE notes (a); CREATE VIEW aaa AS SELECT * FROM v_points; CREATE INDEX i ON trial (width)");
    assert_int_equal(open_and_close(STORE_WRITE, &err), STATUS_OK);
}

static void a_read_only_file_is_read_only(void **state)
{
    const uid_t nobody = 65534;
    struct err err = ERR_INIT;
    bool root = geteuid() == 0; /* who may write anything, and so becomes somebody else for a while */
    (void)state;
    if (root) {
        assert_int_equal(chown(folder, nobody, (gid_t)-1), 0);
        assert_int_equal(setresuid(nobody, nobody, 0), 0);
    }
    assert_int_equal(open_and_close(STORE_WRITE, &err), STATUS_OK);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(open_and_close(STORE_WRITE, &err), STATUS_IO);
    assert_int_equal(open_and_close(STORE_READ, &err), STATUS_OK);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(open_and_close(STORE_WRITE, &err), STATUS_IO);
    assert_int_equal(open_and_close(STORE_READ, &err), STATUS_OK);
    assert_int_equal(chmod(folder, 0755), 0);
    if (root)
        assert_int_equal(setresuid(0, 0, 0), 0);
}

/* A child is gone amid a transaction that has already reached the file. */
static void leave_hot_journal(void)
{
    int code = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = NULL;
        struct err err = ERR_INIT;
        _exit(store_open(&store, path, STORE_WRITE, &err) != STATUS_OK ||
              db_exec(store->db,
                      "PRAGMA cache_size = 5; BEGIN IMMEDIATE; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL"
                      " SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO trial (trial_id) SELECT 'half-' || i "
                      "FROM n",
                      &err) != STATUS_OK);
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
}

static void a_half_written_transaction_is_undone(void **state)
{
    struct store *store = NULL;
    struct err err = ERR_INIT;
    int64_t n = -1;
    (void)state;
    assert_int_equal(open_and_close(STORE_WRITE, &err), STATUS_OK);
    leave_hot_journal();
    assert_int_equal(open_and_close(STORE_READ, &err),
                     STATUS_IO); /* reading changes nothing, not even this */
    assert_non_null(strstr(err.text, "undoes it"));
    assert_int_equal(store_open(&store, path, STORE_WRITE, &err), STATUS_OK);
    assert_int_equal(db_integer(store->db, "SELECT count(*) FROM trial", &n, &err), STATUS_OK);
    assert_int_equal(n, 0);
    store_close(store);
    assert_int_equal(open_and_close(STORE_READ, &err), STATUS_OK);
}

/* What a damaged file does is refuse or open; what it must not do is crash, hang or say something else. */
static void judge_damaged(void)
{
    struct err err = ERR_INIT;
    enum status status = open_and_close(STORE_READ, &err);
    if (status != STATUS_OK && status != STATUS_CORRUPT && status != STATUS_IO)
        fail_msg("a damaged file is '%s': %s", status_name(status), err.text);
}

static void damaged_files_are_found_out(void **state)
{
    struct err err = ERR_INIT;
    size_t n;
    char *bytes, *copy;
    (void)state;
    assert_int_equal(open_and_close(STORE_WRITE, &err), STATUS_OK);
    bytes = content(&n);
    copy = malloc(n);
    assert_non_null(copy);
    put_content(bytes, n - 4096);
    refused("");
    put_content(bytes, 100);
    refused("");
    memcpy(copy, bytes, n);
    memset(copy + 5 * 4096, 0xa5, 4096); /* the sixth page: a tree of the schema */
    put_content(copy, n);
    refused("");
    for (size_t at = 16; at < n; at += 1021) {
        memcpy(copy, bytes, n);
        copy[at] = (char)~copy[at];
        put_content(copy, n);
        judge_damaged();
    }
    free(copy);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_new_store_reads_back, remove_store),
        cmocka_unit_test_teardown(an_empty_file_becomes_a_store, remove_store),
        cmocka_unit_test_teardown(foreign_files_are_refused, remove_store),
        cmocka_unit_test_teardown(stores_of_another_shape_are_refused, remove_store),
        cmocka_unit_test_teardown(a_user_s_own_tables_are_welcome, remove_store),
        cmocka_unit_test_teardown(a_read_only_file_is_read_only, remove_store),
        cmocka_unit_test_teardown(a_half_written_transaction_is_undone, remove_store),
        cmocka_unit_test_teardown(damaged_files_are_found_out, remove_store),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
