/* SPDX-License-Identifier: Apache-2.0 */
/* test_migrate.c — goal: a store of an older version becomes one of this version with every value that still has a place,
 * or stays as it was to the last byte.
 * Method: a file is made from the text of each old version (stores/vN.sql), opened, and asked; a copy, a refusal and a full
 * disk are looked at from outside. Runs in the repository's root. */
#include <sys/stat.h>

#include "harness/store/migrate.h"
#include "harness/store/schema.h"
#include "tests/harness/store_fixture.h"

static char backup[80];

static void make_old(const char *more)
{
    struct str text;
    struct db *db = NULL;
    struct err err = ERR_INIT;
    FILE *file = fopen("tests/harness/stores/v1.sql", "r");
    int c;
    str_init(&text);
    assert_non_null(file);
    while ((c = getc(file)) != EOF)
        str_append_char(&text, (char)c);
    (void)fclose(file);
    expect_status(db_open(&db, path, DB_WRITE, &err), STATUS_OK, &err);
    expect_status(db_exec(db, text.text, &err), STATUS_OK, &err);
    expect_status(db_exec(db, more, &err), STATUS_OK, &err);
    db_close(db);
    str_release(&text);
    (void)snprintf(backup, sizeof backup, "%s.v1.backup", path);
}

static int remove_both(void **state)
{
    (void)unlink(backup);
    return remove_store(state);
}

static char *content(const char *name, size_t *n)
{
    FILE *file = fopen(name, "rb");
    char *bytes = calloc(1, 1 << 21);
    assert_non_null(bytes);
    *n = file ? fread(bytes, 1, 1 << 21, file) : 0;
    if (file)
        (void)fclose(file);
    return bytes;
}

/* The same for questions that a user may not ask. */
static int64_t trusted(struct store *store, const char *sql)
{
    struct err err = ERR_INIT;
    int64_t value = -1;
    expect_status(db_integer(store->db, sql, &value, &err), STATUS_OK, &err);
    return value;
}

static void check_values(struct store *store)
{
    assert_int_equal(trusted(store, "PRAGMA user_version"), SCHEMA_VERSION);
    assert_true(number(store, "SELECT count(*) FROM trial") == 3);
    assert_true(number(store, "SELECT count(*) FROM attempt") == 3);
    assert_true(number(store, "SELECT heldout_loss FROM v_points WHERE trial_id = 'wide'") == 2.1234567890123457);
    assert_true(number(store, "SELECT n_dropped FROM spec WHERE name = 'demo' AND command = ''") == 3);
    assert_true(number(store, "SELECT count(*) FROM v_trials WHERE spec = 'demo' AND lr IN (0.1, 0.2, 0.3)") == 3);
    assert_true(number(store, "SELECT sum(value) FROM metric") == 5.6);
    assert_true(number(store, "SELECT count(*) FROM metric WHERE value IS NULL") == 1);
    assert_true(number(store, "SELECT value FROM v_evals") == 0.25);
    assert_true(number(store, "SELECT p50_ms FROM v_latency") == 1.25);
    assert_true(number(store, "SELECT share FROM moe_load") == 0.5);
    assert_true(number(store, "SELECT value FROM prediction") == 2.5);
    assert_true(number(store, "SELECT value FROM v_bench WHERE baselines = 'main'") == 0.5);
    assert_true(number(store, "SELECT energy_j FROM v_costs WHERE energy_method = 'rapl'") == 5);
    /* What is new holds what was so before it could be chosen. */
    assert_true(number(store, "SELECT flops_marginal = flops_executed AND train_marginal_s = 59.5 FROM cost") == 1);
    assert_true(number(store, "SELECT count(*) FROM trial WHERE tokenizer = 'bytes' AND vocabulary = 256 AND qk_norm = 0"
                              " AND schedule = 'wsd' AND capacity = 0 AND threads = 1") == 3);
    assert_true(number(store, "SELECT count(*) FROM moe_metric") == 0);
    /* What nobody filled is gone. */
    assert_int_equal(trusted(store, "SELECT count(*) FROM pragma_table_info('cost') WHERE name LIKE '%tokens_per_s'"), 1);
    assert_int_equal(trusted(store, "SELECT count(*) FROM pragma_table_info('corpus') WHERE name = 'text_bytes'"), 0);
    assert_true(number(store, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'old\\_%' ESCAPE '\\'") == 0);
}

static void values_survive(void **state)
{
    struct store *store;
    struct stat file;
    (void)state;
    make_old("");
    store = opened(STORE_WRITE);
    check_values(store);
    store_close(store);
    assert_int_equal(stat(backup, &file), 0);
    store = opened(STORE_WRITE); /* nothing is left to do */
    check_values(store);
    store_close(store);
}

static void reading_migrates_in_memory_only(void **state)
{
    struct store *store;
    size_t before_n, after_n;
    char *before, *after;
    (void)state;
    make_old("");
    before = content(path, &before_n);
    store = opened(STORE_READ);
    check_values(store);
    store_close(store);
    after = content(path, &after_n);
    assert_int_equal(before_n, after_n);
    assert_memory_equal(before, after, before_n);
    assert_int_equal(access(backup, F_OK), -1);
    free(before);
    free(after);
}

/* Every table of the file that a store has, row by row, as one number. */
static void the_backup_is_what_was(void **state)
{
    struct store *store;
    struct db *db = NULL;
    struct err err = ERR_INIT;
    int64_t n = 0;
    (void)state;
    make_old("");
    store = opened(STORE_WRITE);
    store_close(store);
    expect_status(db_open(&db, backup, DB_READ, &err), STATUS_OK, &err);
    expect_status(db_quick_check(db, &err), STATUS_OK, &err);
    expect_status(db_integer(db, "PRAGMA user_version", &n, &err), STATUS_OK, &err);
    assert_int_equal(n, 1);
    expect_status(db_integer(db, "SELECT sum(prefill_tokens_per_s + decode_tokens_per_s) FROM cost", &n, &err), STATUS_OK, &err);
    assert_int_equal(n, 1100);
    db_close(db);
}

static void what_the_user_added_stays(void **state)
{
    struct store *store;
    (void)state;
    make_old("CREATE TABLE notes (a); INSERT INTO notes VALUES (7); CREATE VIEW mine AS SELECT max(heldout_loss) AS worst FROM"
             " v_points; CREATE INDEX by_width ON trial (width); CREATE INDEX by_speed ON cost (decode_tokens_per_s)");
    store = opened(STORE_WRITE);
    check_values(store);
    assert_true(number(store, "SELECT a FROM notes") == 7);
    assert_true(number(store, "SELECT worst FROM mine") == 2.1234567890123457);
    assert_true(number(store, "SELECT count(*) FROM sqlite_schema WHERE name = 'by_width'") == 1);
    assert_true(number(store, "SELECT count(*) FROM sqlite_schema WHERE name = 'by_speed'") == 0); /* its column is gone */
    store_close(store);
}

static void refused_unchanged(const char *harm, const char *says)
{
    struct store *store = NULL;
    struct err err = ERR_INIT;
    size_t before_n, after_n;
    char *before, *after;
    make_old(harm);
    before = content(path, &before_n);
    for (int mode = STORE_READ; mode <= STORE_WRITE; mode++)
        expect_status(store_open(&store, path, (enum store_mode)mode, &err), STATUS_CORRUPT, &err);
    if (!strstr(err.text, says) || !strstr(err.text, "not changed"))
        fail_msg("expected '%s' in '%s'", says, err.text);
    after = content(path, &after_n);
    assert_int_equal(before_n, after_n);
    assert_memory_equal(before, after, before_n);
    free(before);
    free(after);
    (void)remove_both(NULL);
}

static void a_broken_one_is_refused_unchanged(void **state)
{
    (void)state;
    refused_unchanged("PRAGMA foreign_keys = OFF; DELETE FROM host", "refer to rows that are not there");
    refused_unchanged("CREATE TRIGGER t AFTER INSERT ON trial BEGIN DELETE FROM trial; END", "triggers");
    refused_unchanged("ALTER TABLE spec DROP COLUMN question", "NOT NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(values_survive, remove_both),
        cmocka_unit_test_teardown(reading_migrates_in_memory_only, remove_both),
        cmocka_unit_test_teardown(the_backup_is_what_was, remove_both),
        cmocka_unit_test_teardown(what_the_user_added_stays, remove_both),
        cmocka_unit_test(a_broken_one_is_refused_unchanged),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
