/* SPDX-License-Identifier: Apache-2.0 */
/* test_predict.c — goal: a prediction is what the stored law says, is made before a trial runs and never afterwards,
 * is never changed, and is held against what came out.
 *
 * Method: the command itself on a spec of three trials and a planted fit whose losses a line of arithmetic gives; then
 * a planted outcome, judged as after a sweep. */
#include <fcntl.h>

#include "harness/cli/commands.h"
#include "harness/cli/judge.h"
#include "tests/harness/store_fixture.h"

static char spec_path[96];

static void execute(const char *sql)
{
    struct store *store = opened(STORE_WRITE);
    struct err err = ERR_INIT;
    expect_status(db_exec(store->db, sql, &err), STATUS_OK, &err);
    store_close(store);
}

static double asked(const char *sql)
{
    struct store *store = opened(STORE_READ);
    double value = number(store, sql);
    store_close(store);
    return value;
}

/* L = E + 100 / N^0.5 + 200 / D^0.4 with N in all, known to 2 % on the largest runs. */
static void plant_fit(const char *id, double E, const char *created)
{
    const double values[] = {E, 100, 0.5, 200, 0.4};
    static const char *const letters[] = {"E", "A", "alpha", "B", "beta"};
    for (int i = 0; i < 5; i++) {
        char sql[512];
        (void)snprintf(
            sql, sizeof sql,
            "INSERT INTO fit (fit_id, law, method, params_convention, letter, value, n_points, heldout_error,"
            " created_at) VALUES ('%s', 'chinchilla', 'varpro', 'params_total', '%s', %.17g, 20, 0.02, '%s')",
            id, letters[i], values[i], created);
        execute(sql);
    }
}

static int write_spec(void **state)
{
    static const char text[] = "name: larger\nmodel: {depth: 1, context: 32}\ntrain: {batch_tokens: 256}\ngrids:\n"
                               "  - model: {width: [16, 32]}\n    train: {tokens: 8192}\n"
                               "  - model: {width: 16, experts: 4}\n    train: {tokens: 8192}\n";
    FILE *file;
    if (make_folder(state) != 0)
        return -1;
    (void)snprintf(spec_path, sizeof spec_path, "%s/larger.yaml", folder);
    file = fopen(spec_path, "w");
    return file && fputs(text, file) >= 0 && fclose(file) == 0 ? 0 : -1;
}

static int remove_spec(void **state)
{
    (void)unlink(spec_path);
    return remove_folder(state);
}

/* The exit code of  isoflop predict SPEC --db … [--fit ID], its words thrown away. */
static int predicted(const char *fit)
{
    char *words[] = {spec_path, "--db", path, "--csv", "--quiet", "--fit", (char *)(uintptr_t)fit};
    const struct command *command = command_find("predict");
    struct invocation invocation = {.program = "isoflop"};
    struct err err = ERR_INIT;
    bool help;
    int out = dup(STDOUT_FILENO), errors = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY), code;
    expect_status(command_read(command, fit ? 7 : 5, words, &invocation, &help, &err), STATUS_OK, &err);
    (void)fflush(stdout);
    assert_true(dup2(nowhere, STDOUT_FILENO) >= 0 && dup2(nowhere, STDERR_FILENO) >= 0);
    code = command->run(&invocation);
    (void)fflush(stdout);
    assert_true(dup2(out, STDOUT_FILENO) >= 0 && dup2(errors, STDERR_FILENO) >= 0);
    (void)close(out);
    (void)close(errors);
    (void)close(nowhere);
    options_release(&invocation.options);
    return code;
}

static void predictions_are_the_laws(void **state)
{
    double params, expected, half;
    (void)state;
    plant_fit("newest", 1, "2026-02-01");
    plant_fit("older", 9, "2026-01-01");
    assert_int_equal(predicted(NULL), EXIT_CODE_DONE);
    assert_true(asked("SELECT count(*) FROM prediction") == 2); /* the mixture is left out */
    assert_true(asked("SELECT count(*) FROM prediction WHERE fit_id = 'newest' AND metric = 'heldout_loss'") == 2);
    params = asked("SELECT params_total FROM trial WHERE width = 32");
    expected = 1 + 100 / sqrt(params) + 200 / pow(8192, 0.4);
    half = 1.959963984540054 * sqrt(M_PI / 2) * 0.02 * expected;
    assert_true(fabs(asked("SELECT value FROM prediction JOIN trial USING (trial_id) WHERE width = 32") - expected) <
                1e-9);
    assert_true(fabs(asked("SELECT high - value FROM prediction JOIN trial USING (trial_id) WHERE width = 32") - half) <
                1e-9);
    assert_true(fabs(asked("SELECT value - low FROM prediction JOIN trial USING (trial_id) WHERE width = 32") - half) <
                1e-9);
    assert_int_equal(predicted("older"), EXIT_CODE_DONE);
    assert_true(asked("SELECT min(value) FROM prediction WHERE fit_id = 'older'") > 9);
}

static void predictions_are_never_changed(void **state)
{
    double before;
    (void)state;
    plant_fit("f", 1, "2026-02-01");
    assert_int_equal(predicted(NULL), EXIT_CODE_DONE);
    before = asked("SELECT sum(value) FROM prediction");
    execute("UPDATE fit SET value = 5 WHERE letter = 'E'");
    assert_int_equal(predicted(NULL), EXIT_CODE_DONE);
    assert_true(asked("SELECT sum(value) FROM prediction") == before);
}

static void begun_trials_are_not_predicted(void **state)
{
    (void)state;
    plant_fit("f", 1, "2026-02-01");
    assert_int_equal(predicted(NULL), EXIT_CODE_DONE);
    execute("INSERT INTO attempt (trial_id, attempt, state, owner) SELECT trial_id, 1, 'running', 'o' FROM trial"
            " WHERE width = 16; DELETE FROM prediction");
    assert_int_equal(predicted(NULL), EXIT_CODE_DONE);
    assert_true(asked("SELECT count(*) FROM prediction") == 1);
    assert_true(asked("SELECT width FROM prediction JOIN trial USING (trial_id)") == 32);
}

static void outcomes_are_held_against_them(void **state)
{
    struct store *store;
    struct err err = ERR_INIT;
    (void)state;
    plant_fit("f", 1, "2026-02-01");
    assert_int_equal(predicted(NULL), EXIT_CODE_DONE);
    execute(
        "BEGIN; UPDATE trial SET state = 'done', final_attempt = 1, heldout_loss = 4.5 WHERE width = 32;"
        "INSERT INTO attempt (trial_id, attempt, state, owner, started_at, ended_at) SELECT trial_id, 1, 'done', 'o',"
        " '9999-01-01', '9999-01-02' FROM trial WHERE width = 32; COMMIT");
    store = opened(STORE_WRITE);
    expect_status(judge_store(store, &err), STATUS_OK, &err);
    store_close(store);
    assert_true(asked("SELECT count(*) FROM prediction WHERE observed = 4.5 AND scored_at IS NOT NULL") == 1);
    assert_true(asked("SELECT count(*) FROM prediction WHERE observed IS NULL AND scored_at IS NULL") == 1);
    assert_true(asked("SELECT n_points FROM claim WHERE claim = 'own-predictions'") == 1);
    assert_true(asked("SELECT count(*) FROM v_validity WHERE check_name = 'prediction' AND verdict = 'pass'") == 1);
}

static void what_is_missing_is_said(void **state)
{
    (void)state;
    assert_int_equal(predicted(NULL), EXIT_CODE_RUNTIME); /* no store */
    assert_int_not_equal(access(path, F_OK), 0);
    store_close(opened(STORE_WRITE));
    assert_int_equal(predicted(NULL), EXIT_CODE_INSUFFICIENT); /* no fit */
    plant_fit("f", 1, "2026-02-01");
    assert_int_equal(predicted("g"), EXIT_CODE_INSUFFICIENT);
    execute("UPDATE fit SET value = NULL WHERE letter = 'B'");
    assert_int_equal(predicted(NULL), EXIT_CODE_INSUFFICIENT); /* half a law */
    execute("UPDATE fit SET value = 1, params_convention = 'wheels'");
    assert_int_equal(predicted(NULL), EXIT_CODE_INSUFFICIENT);
    assert_true(asked("SELECT count(*) FROM prediction") == 0 && asked("SELECT count(*) FROM trial") == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(predictions_are_the_laws, remove_store),
        cmocka_unit_test_teardown(predictions_are_never_changed, remove_store),
        cmocka_unit_test_teardown(begun_trials_are_not_predicted, remove_store),
        cmocka_unit_test_teardown(outcomes_are_held_against_them, remove_store),
        cmocka_unit_test_teardown(what_is_missing_is_said, remove_store),
    };
    return cmocka_run_group_tests(tests, write_spec, remove_spec);
}
