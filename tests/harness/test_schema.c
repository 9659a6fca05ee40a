/* SPDX-License-Identifier: Apache-2.0 */
/* test_schema.c — goal: the knob table, the records' names, results/schema.sql, the views and
 * results/README.md say the same. Method: a database in memory is made from the compiled-in text and asked
 * for its columns; each list is then held against it. Runs in the repository's root, where the two files are
 * read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/spec/knobs.h"
#include "harness/store/db.h"
#include "harness/store/facts.h"
#include "harness/store/schema.h"

static struct db *memory;

static int open_memory(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    if (db_open(&memory, "test", DB_MEMORY, &err) != STATUS_OK || schema_create(memory, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return 0;
}

static int close_memory(void **state)
{
    (void)state;
    db_close(memory);
    return 0;
}

/* The column's type, "" for a view's expression, or NULL when the table has none of this name. */
static const char *column_type(const char *table, const char *column)
{
    static char type[32];
    struct query *query = NULL;
    enum status status;
    assert_int_equal(db_prepare(memory, "SELECT type FROM pragma_table_info(?1) WHERE name = ?2", DB_TRUSTED,
                                &query, NULL),
                     STATUS_OK);
    query_bind_text(query, 1, table);
    query_bind_text(query, 2, column);
    status = query_step(query, NULL);
    if (status == STATUS_OK)
        assert_true(str_copy(type, sizeof type, query_column_text(query, 0)));
    query_free(query);
    return status == STATUS_OK ? type : NULL;
}

static void require_type(const char *table, const char *column, const char *type)
{
    const char *found = column_type(table, column);
    if (!found || strcmp(found, type) != 0)
        fail_msg("%s.%s should be %s, is %s", table, column, type, found ? found : "missing");
}

static char *file_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    if (!file)
        fail_msg("%s: run the test in the repository's root", path);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    (void)fclose(file);
    return text;
}

static void text_is_the_file(void **state)
{
    char *text = file_text("results/schema.sql");
    (void)state;
    assert_string_equal(text, schema_text);
    free(text);
}

/* The columns from data_source to the first estimate are the knobs, all of them and in their order. */
static void trial_has_the_knobs(void **state)
{
    static const char *const types[] = {[KNOB_INTEGER] = "INTEGER",
                                        [KNOB_REAL] = "REAL",
                                        [KNOB_BOOL] = "INTEGER",
                                        [KNOB_CHOICE] = "TEXT",
                                        [KNOB_TEXT] = "TEXT"};
    struct query *query = NULL;
    (void)state;
    assert_int_equal(
        db_prepare(
            memory,
            "SELECT name, type FROM pragma_table_info('trial') WHERE cid BETWEEN"
            " (SELECT cid FROM pragma_table_info('trial') WHERE name = 'created_at') + 1 AND"
            " (SELECT cid FROM pragma_table_info('trial') WHERE name = 'params_total') - 1 ORDER BY cid",
            DB_TRUSTED, &query, NULL),
        STATUS_OK);
    for (int i = 0; i < knob_count(); i++) {
        if (query_step(query, NULL) != STATUS_OK)
            fail_msg("table trial lacks a column for knob %s", knob_at(i)->column);
        assert_string_equal(query_column_text(query, 0), knob_at(i)->column);
        assert_string_equal(query_column_text(query, 1), types[knob_at(i)->type]);
        assert_non_null(column_type("v_trials", knob_at(i)->column));
    }
    if (query_step(query, NULL) != STATUS_DONE)
        fail_msg("column trial.%s is no knob", query_column_text(query, 0));
    query_free(query);
}

static void records_have_columns(void **state)
{
    const struct fact *fact;
    int costs = 0;
    int64_t columns = 0;
    (void)state;
    for (int i = 0; (fact = fact_at(i)) != NULL; i++)
        require_type("trial", fact->column, fact->integer ? "INTEGER" : "REAL");
    for (int i = 0; (fact = trial_text_at(i)) != NULL; i++)
        require_type("trial", fact->column, "TEXT");
    for (int i = 0; (fact = cost_at(i)) != NULL; i++, costs++)
        require_type("cost", fact->column, fact->integer ? "INTEGER" : "REAL");
    for (int i = 0; (fact = cost_text_at(i)) != NULL; i++, costs++)
        require_type("cost", fact->column, "TEXT");
    assert_int_equal(db_integer(memory, "SELECT count(*) FROM pragma_table_info('cost')", &columns, NULL),
                     STATUS_OK);
    assert_int_equal(columns, costs + 2); /* and the key: nothing that no record can fill */
}

/* What DESIGN.md promises to scripts. */
static void views_have_what_scripts_rely_on(void **state)
{
    static const struct {
        const char *view, *columns;
    } promised[] = {
        {"v_trials",
         "trial_id spec state width depth experts experts_per_token params_total params_active "
         "params_non_embedding params_matmul tokens seed heldout_loss entropy_floor bits_per_byte "
         "excess_nats weight_bytes"},
        {"v_points",
         "trial_id spec seed params_total params_active params_non_embedding params_matmul tokens "
         "flops_executed flops_formula flops_6nd train_flops heldout_loss heldout_stderr entropy_floor "
         "experts experts_per_token granularity wall_s"},
        {"v_costs", "trial_id flops_executed flops_formula flops_6nd wall_s cpu_s peak_rss_bytes energy_j "
                    "energy_method"},
        {"v_evals", "trial_id step task metric value n stderr chance"},
        {"v_moe", "trial_id step layer max_over_mean effective_share dead_share dropped_share"},
        {"v_latency", "trial_id phase batch prompt_tokens p50_ms p95_ms p99_ms tokens_per_s"},
        {"v_fits", "law objective letter value low high n_points"},
        {"v_bench", "run_id bench name metric unit exact block value host_key git baselines"},
        {"attempt", "trial_id attempt state reason"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof promised / sizeof *promised; i++) {
        char list[512];
        char *rest = list;
        assert_true(str_copy(list, sizeof list, promised[i].columns));
        for (char *name = strsep(&rest, " "); name; name = strsep(&rest, " "))
            if (!column_type(promised[i].view, name))
                fail_msg("%s lacks %s", promised[i].view, name);
    }
}

static void tables_are_strict_and_keyed(void **state)
{
    int64_t n = -1;
    (void)state;
    assert_int_equal(
        db_integer(memory,
                   "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
                   " AND name NOT LIKE 'sqlite%' AND NOT strict",
                   &n, NULL),
        STATUS_OK);
    assert_int_equal(n, 0);
    assert_int_equal(
        db_integer(memory,
                   "SELECT count(*) FROM pragma_table_list l WHERE l.schema = 'main' AND l.type ="
                   " 'table' AND l.name NOT LIKE 'sqlite%' AND NOT EXISTS"
                   " (SELECT 1 FROM pragma_table_info(l.name) WHERE pk > 0)",
                   &n, NULL),
        STATUS_OK);
    assert_int_equal(n, 0);
    assert_int_equal(db_integer(memory, "PRAGMA application_id", &n, NULL), STATUS_OK);
    assert_int_equal(n, SCHEMA_APPLICATION_ID);
    assert_int_equal(db_integer(memory, "PRAGMA user_version", &n, NULL), STATUS_OK);
    assert_int_equal(n, SCHEMA_VERSION);
}

/* Whether a line of the text's part from begin on, up to the next blank line after it, starts with prefix and,
 * when wanted, holds a comment. */
static bool has_line(const char *begin, const char *stop, const char *prefix, const char *also)
{
    const char *end = strstr(begin, stop);
    size_t n = strlen(prefix);
    for (const char *line = begin; line && (!end || line < end); line = strchr(line, '\n')) {
        const char *next;
        line += *line == '\n';
        next = strchr(line, '\n');
        if (strncmp(line, prefix, n) == 0) {
            const char *found = strstr(line, also);
            return found && (!next || found < next);
        }
    }
    return false;
}

/* Every column of every table has its comment in schema.sql; every column of every table and view its row in
 * README.md. */
static void everything_is_explained(void **state)
{
    char *schema = file_text("results/schema.sql"), *readme = file_text("results/README.md");
    struct query *query = NULL;
    (void)state;
    assert_int_equal(
        db_prepare(memory,
                   "SELECT m.type, m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c"
                   " WHERE m.type IN ('table', 'view')",
                   DB_TRUSTED, &query, NULL),
        STATUS_OK);
    while (query_step(query, NULL) == STATUS_OK) {
        const char *type = query_column_text(query, 0), *table = query_column_text(query, 1);
        const char *column = query_column_text(query, 2), *part;
        char text[160];
        (void)snprintf(text, sizeof text, "\n### %s\n", table);
        part = strstr(readme, text);
        if (!part)
            fail_msg("results/README.md has no section on %s", table);
        (void)snprintf(text, sizeof text, "| `%s` |", column);
        if (!has_line(part + 1, "\n\n#", text, " |"))
            fail_msg("results/README.md does not explain %s.%s", table, column);
        if (strcmp(type, "table") != 0)
            continue;
        (void)snprintf(text, sizeof text, "CREATE TABLE %s (", table);
        part = strstr(schema, text);
        (void)snprintf(text, sizeof text, "    %s ", column);
        if (!part || !has_line(part, "STRICT", text, "-- "))
            fail_msg("results/schema.sql has no comment on %s.%s", table, column);
    }
    query_free(query);
    free(schema);
    free(readme);
}

static void constraints_hold(void **state)
{
    static const char *const refused[] = {
        "INSERT INTO trial (trial_id, state) VALUES ('a', 'perhaps')",
        "INSERT INTO trial (trial_id, state) VALUES ('a', 'done')", /* done needs the attempt that did it */
        "INSERT INTO trial (trial_id) VALUES ('../a')",
        "INSERT INTO trial (trial_id, width) VALUES ('a', 'wide')",
        "INSERT INTO attempt (trial_id, attempt, state, owner) VALUES ('nobody', 1, 'running', 'o')",
        "INSERT INTO cost (trial_id, attempt, energy_j) VALUES ('t', 1, 5)", /* no method, no number */
        "INSERT INTO attempt (trial_id, attempt, state, owner) VALUES ('t', 2, 'running', 'o')", /* a second
                                                                                                    runs */
        "INSERT INTO latency_sample VALUES ('t', 1, 'thinking', 1, 1, 0, 1.0)",
    };
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(
        db_exec(memory,
                "INSERT INTO trial (trial_id, state) VALUES ('t', 'running');"
                "INSERT INTO attempt (trial_id, attempt, state, owner) VALUES ('t', 1, 'running', 'o')",
                &err),
        STATUS_OK);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (db_exec(memory, refused[i], &err) != STATUS_FORMAT)
            fail_msg("was not refused: %s", refused[i]);
    assert_int_equal(db_exec(memory,
                             "INSERT INTO cost (trial_id, attempt, energy_j, energy_method)"
                             " VALUES ('t', 1, 5, 'rapl')",
                             &err),
                     STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_the_file),
        cmocka_unit_test(trial_has_the_knobs),
        cmocka_unit_test(records_have_columns),
        cmocka_unit_test(views_have_what_scripts_rely_on),
        cmocka_unit_test(tables_are_strict_and_keyed),
        cmocka_unit_test(everything_is_explained),
        cmocka_unit_test(constraints_hold),
    };
    return cmocka_run_group_tests(tests, open_memory, close_memory);
}
