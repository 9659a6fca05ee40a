/* SPDX-License-Identifier: Apache-2.0 */
/* test_merge.c — goal: stores that are merged lose nothing, double nothing, and never let one of two different results win
 * in silence.
 * Method: the trials of one plan are ended in several stores in every combination that matters, then merged; the result is
 * counted and compared with one store in which all of it happened. */
#include "harness/store/merge.h"
#include "tests/harness/store_fixture.h"

enum { TRIALS = 4, SHARDS = 3 };

static char shards[SHARDS][80];
static struct plan plan;

static int make_paths(void **state)
{
    if (make_folder(state))
        return -1;
    for (int i = 0; i < SHARDS; i++)
        (void)snprintf(shards[i], sizeof shards[i], "%s/shard%d.db", folder, i);
    plan = planned(TRIALS);
    return 0;
}

static int remove_paths(void **state)
{
    free(plan.trials);
    return remove_folder(state);
}

static int remove_stores(void **state)
{
    for (int i = 0; i < SHARDS; i++)
        (void)unlink(shards[i]);
    return remove_store(state);
}

static struct store *open_at(const char *at)
{
    struct store *store = NULL;
    struct err err = ERR_INIT;
    expect_status(store_open(&store, at, STORE_WRITE, &err), STATUS_OK, &err);
    return store;
}

/* Makes the plan's trials [from, to) end so in the store at this path. Different machines have different owners. */
static void end_trials(const char *at, int from, int to, enum outcome outcome, double loss)
{
    static int machine;
    struct record records[32];
    int n = sample_records(records), index, pending;
    struct store *store = open_at(at);
    struct owner owner = this_runner();
    struct host_info host = {.key = "a machine", .logical_cpus = 1 + machine % 4};
    struct build_info build = {.version = "1"};
    struct plan part = plan;
    struct err err = ERR_INIT;
    int64_t attempt;
    (void)snprintf(owner.token, sizeof owner.token, "machine %d", machine++);
    part.trials += from;
    part.n_trials = to - from;
    for (int i = 0; i < n; i++)
        if (strcmp(records[i].name, "heldout_loss") == 0)
            records[i].value = loss;
    expect_status(store_host(store, &host, &owner.host_id, &err), STATUS_OK, &err);
    expect_status(store_build(store, &build, &owner.build_id, &err), STATUS_OK, &err);
    expect_status(store_put_plan(store, &plan, &err), STATUS_OK, &err);
    expect_status(store_prepare(store, &part, STORE_RERUN_FAILED, &pending, &err), STATUS_OK, &err);
    for (int i = from; i < to; i++) {
        expect_status(store_claim(store, &part, &owner, &index, &attempt, &err), STATUS_OK, &err);
        expect_status(store_finish(store, part.trials[index].id, attempt, &owner, outcome, "because", records, n, &err), STATUS_OK,
                      &err);
    }
    store_close(store);
}

/* Merges n shards into the store at path; the figures of *out stay, its conflicts are released unless that fails. */
static enum status merge(int n, bool keep_here, struct merge_result *out, struct err *err)
{
    const char *paths[] = {shards[0], shards[1], shards[2]};
    struct store *store = opened(STORE_WRITE);
    enum status status = store_merge(store, paths, n, keep_here, out, err);
    store_close(store);
    return status;
}

static struct merge_result merged(int n)
{
    struct merge_result result = {0};
    struct err err = ERR_INIT;
    expect_status(merge(n, false, &result, &err), STATUS_OK, &err);
    assert_int_equal(result.conflicts.n_rows, 0);
    table_release(&result.conflicts);
    return result;
}

static double answer(const char *sql)
{
    struct store *store = opened(STORE_READ);
    double value = number(store, sql);
    store_close(store);
    return value;
}

/* Everything that is done is whole, and nothing is done twice. */
static void whole(int done, int attempts)
{
    struct store *store = opened(STORE_READ);
    struct err err = ERR_INIT;
    int64_t loose = -1;
    assert_true(number(store, "SELECT count(*) FROM trial") == TRIALS);
    assert_true(number(store, "SELECT count(*) FROM v_points") == done);
    assert_true(number(store, "SELECT count(*) FROM attempt") == attempts);
    assert_true(number(store, "SELECT count(*) FROM (SELECT 1 FROM attempt WHERE state = 'done' GROUP BY trial_id HAVING count(*) > 1)")
                == 0);
    assert_true(number(store, "SELECT count(*) FROM metric") == 2 * attempts);
    assert_true(number(store, "SELECT count(*) FROM eval") == attempts);
    assert_true(number(store, "SELECT count(*) FROM latency_sample") == attempts);
    assert_true(number(store, "SELECT count(*) FROM moe_metric") == 3 * attempts);
    assert_true(number(store, "SELECT count(*) FROM moe_load") == attempts);
    assert_true(number(store, "SELECT count(*) FROM cost") == attempts);
    assert_true(number(store, "SELECT count(*) FROM v_costs") == done);
    assert_true(number(store, "SELECT count(*) FROM spec") == 1);
    assert_true(number(store, "SELECT count(*) FROM spec_trial") == TRIALS);
    expect_status(db_integer(store->db, "SELECT count(*) FROM pragma_foreign_key_check", &loose, &err), STATUS_OK, &err);
    assert_int_equal(loose, 0);
    store_close(store);
}

static void shards_become_the_sweep(void **state)
{
    struct merge_result result;
    (void)state;
    end_trials(shards[0], 0, 2, OUTCOME_DONE, 2.5);
    end_trials(shards[1], 2, 3, OUTCOME_DONE, 2.5);
    end_trials(shards[2], 3, 4, OUTCOME_DONE, 2.5);
    result = merged(3);
    assert_true(result.trials == TRIALS && result.results == TRIALS && result.agreeing == 0);
    whole(TRIALS, TRIALS);
    /* Each machine has the number it got here, not the one it had there, which was 1 everywhere. */
    assert_true(answer("SELECT count(*) FROM attempt JOIN host USING (host_id) WHERE owner = 'machine ' || (logical_cpus - 1)") ==
                TRIALS);
    assert_true(answer("SELECT count(DISTINCT host_id) FROM attempt") == SHARDS);
    assert_true(answer("SELECT count(*) FROM trial WHERE heldout_loss = 2.5 AND params_total = 4321 AND data_identity = 'world 1'")
                == TRIALS);
}

static void twice_is_once(void **state)
{
    struct merge_result result;
    (void)state;
    end_trials(shards[0], 0, 2, OUTCOME_DONE, 2.5);
    end_trials(shards[0], 2, 3, OUTCOME_FAILED, 2.5);
    (void)merged(1);
    result = merged(1);
    assert_true(result.trials == 0 && result.results == 0 && result.agreeing == 0);
    whole(2, 3);
    end_trials(shards[0], 2, 4, OUTCOME_DONE, 2.5); /* the shard went on */
    result = merged(1);
    assert_true(result.trials == 0 && result.results == 2 && result.agreeing == 0);
    whole(TRIALS, 5);
}

static void the_better_state_counts(void **state)
{
    (void)state;
    end_trials(path, 0, 2, OUTCOME_FAILED, 2.5);
    end_trials(path, 2, 4, OUTCOME_DONE, 2.5);
    end_trials(shards[0], 0, 1, OUTCOME_DONE, 2.5);
    end_trials(shards[0], 1, 3, OUTCOME_TIMEOUT, 2.5);
    (void)merged(1);
    whole(3, 7);
    assert_true(answer("SELECT count(*) FROM trial WHERE state = 'failed'") == 1); /* of two bad ends the one that was here */
    assert_true(answer("SELECT final_attempt FROM trial WHERE trial_id = '00000000000000000000000000000000'") == 2);
    assert_true(answer("SELECT count(*) FROM trial t JOIN attempt a ON a.trial_id = t.trial_id AND a.attempt = t.final_attempt"
                       " WHERE t.state = 'done' AND a.state = 'done'") == 3);
}

static void equal_results_count_once(void **state)
{
    struct merge_result result;
    (void)state;
    end_trials(path, 0, 4, OUTCOME_DONE, 2.5);
    end_trials(shards[0], 0, 3, OUTCOME_DONE, 2.5);
    result = merged(1);
    assert_true(result.trials == 0 && result.results == 0 && result.agreeing == 3);
    whole(TRIALS, TRIALS);
}

/* One figure that differs, wherever it stands; nothing of the other shard is merged either. */
static void differs(const char *change, const char *figure)
{
    struct merge_result result = {0};
    struct err err = ERR_INIT;
    struct store *store;
    end_trials(path, 0, 2, OUTCOME_DONE, 2.5);
    end_trials(shards[0], 2, 4, OUTCOME_DONE, 2.5);
    end_trials(shards[1], 1, 2, OUTCOME_DONE, 2.5);
    store = open_at(shards[1]);
    expect_status(db_exec(store->db, change, &err), STATUS_OK, &err);
    store_close(store);
    expect_status(merge(2, false, &result, &err), STATUS_FORMAT, &err);
    assert_int_equal(result.conflicts.n_rows, 1);
    assert_string_equal(table_text(&result.conflicts, 0, 0), shards[1]);
    assert_string_equal(table_text(&result.conflicts, 0, 1), plan.trials[1].id);
    assert_string_equal(table_text(&result.conflicts, 0, 2), figure);
    assert_true(table_number(&result.conflicts, 0, 4) == 77);
    table_release(&result.conflicts);
    assert_true(answer("SELECT count(*) FROM v_points") == 2);
    assert_true(answer("SELECT count(*) FROM attempt") == 2);
    expect_status(merge(2, true, &result, &err), STATUS_OK, &err); /* when asked to, but it is said */
    assert_int_equal(result.conflicts.n_rows, 1);
    table_release(&result.conflicts);
    whole(TRIALS, TRIALS);
    assert_true(answer("SELECT count(*) FROM trial WHERE heldout_loss = 2.5") == TRIALS);
    (void)remove_stores(NULL);
}

static void different_results_are_named(void **state)
{
    (void)state;
    differs("UPDATE trial SET heldout_loss = 77 WHERE state = 'done'", "heldout_loss");
    differs("UPDATE eval SET value = 77", "copy exact_match");
    differs("UPDATE metric SET value = 77 WHERE name = 'train_loss'", "train_loss at step 8");
}

static void what_runs_is_left_alone(void **state)
{
    struct merge_result result;
    struct owner here = this_runner();
    struct err err = ERR_INIT;
    struct store *store;
    int index;
    (void)state;
    end_trials(shards[0], 0, 1, OUTCOME_DONE, 2.5);
    store = open_at(shards[0]); /* a trial that runs there is one that is not begun here */
    assert_int_equal(claimed(store, &plan, &here, &index), 1);
    store_close(store);
    (void)merged(1);
    whole(1, 1);
    assert_true(answer("SELECT count(*) FROM trial WHERE state = 'pending'") == 3);
    store = opened(STORE_WRITE); /* one that runs here, and is done there */
    (void)claimed(store, &plan, &here, &index);
    store_close(store);
    end_trials(shards[1], index, index + 1, OUTCOME_DONE, 2.5);
    expect_status(merge(2, false, &result, &err), STATUS_IO, &err);
    assert_non_null(strstr(err.text, "merge when they have ended"));
    store = opened(STORE_WRITE); /* its runner dies */
    expect_status(db_exec(store->db, "UPDATE attempt SET owner = 'nobody', pid = 0 WHERE state = 'running'", &err), STATUS_OK, &err);
    store_close(store);
    (void)merged(2);
    assert_true(answer("SELECT count(*) FROM v_points") == 2);
    assert_true(answer("SELECT count(*) FROM attempt WHERE state = 'stale'") == 1);
}

static void a_damaged_store_spoils_nothing(void **state)
{
    struct merge_result result;
    struct err err = ERR_INIT;
    FILE *file;
    (void)state;
    end_trials(shards[0], 0, 4, OUTCOME_DONE, 2.5);
    file = fopen(shards[1], "w");
    assert_non_null(file);
    (void)fputs("this is a text file, and a rather long one at that\n", file);
    assert_int_equal(fclose(file), 0);
    expect_status(merge(2, false, &result, &err), STATUS_CORRUPT, &err);
    assert_non_null(strstr(err.text, shards[1]));
    expect_status(merge(3, false, &result, &err), STATUS_CORRUPT, &err);
    assert_true(answer("SELECT count(*) FROM trial") == 0);
    (void)unlink(shards[1]);
    expect_status(merge(2, false, &result, &err), STATUS_NOT_FOUND, &err);
    assert_true(answer("SELECT count(*) FROM trial") == 0);
}

static void fits_and_benches_come_along(void **state)
{
    struct err err = ERR_INIT;
    struct store *store;
    (void)state;
    end_trials(shards[0], 0, 1, OUTCOME_DONE, 2.5);
    store = open_at(shards[0]);
    expect_status(db_exec(store->db,
                          "INSERT INTO fit (fit_id, law, method, params_convention, letter, value, n_points) VALUES ('f', 'l', 'm', 'p',"
                          " 'E', 1.5, 9);"
                          "INSERT INTO prediction (fit_id, trial_id, metric, value) SELECT 'f', trial_id, 'heldout_loss', 2 FROM trial;"
                          "INSERT INTO bench_sample (run_id, host_id, build_id, bench, name, metric, unit, exact, block, value) VALUES"
                          " ('r', 1, 1, 'b', 'n', 'seconds', 's', 0, 0, 1), ('r', 1, 1, 'b', 'n', 'seconds', 's', 0, 1, 2);"
                          "INSERT INTO baseline (name, run_id) VALUES ('main', 'r')", &err), STATUS_OK, &err);
    store_close(store);
    end_trials(path, 1, 2, OUTCOME_DONE, 2.5); /* so that host 1 is another one here */
    for (int i = 0; i < 2; i++) {
        (void)merged(1);
        assert_true(answer("SELECT count(*) FROM fit WHERE value = 1.5") == 1);
        assert_true(answer("SELECT count(*) FROM prediction") == TRIALS);
        assert_true(answer("SELECT count(*) FROM bench_sample JOIN host USING (host_id) WHERE logical_cpus = (SELECT logical_cpus FROM"
                           " host JOIN attempt USING (host_id) WHERE trial_id LIKE '%0')") == 2);
        assert_true(answer("SELECT count(*) FROM baseline WHERE name = 'main' AND run_id = 'r'") == 1);
    }
}

static void a_store_is_not_merged_into_itself(void **state)
{
    const char *paths[] = {path};
    struct merge_result result;
    struct err err = ERR_INIT;
    struct store *store = opened(STORE_WRITE);
    (void)state;
    expect_status(store_merge(store, paths, 1, false, &result, &err), STATUS_USAGE, &err);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(shards_become_the_sweep, remove_stores),
        cmocka_unit_test_teardown(twice_is_once, remove_stores),
        cmocka_unit_test_teardown(the_better_state_counts, remove_stores),
        cmocka_unit_test_teardown(equal_results_count_once, remove_stores),
        cmocka_unit_test_teardown(different_results_are_named, remove_stores),
        cmocka_unit_test_teardown(what_runs_is_left_alone, remove_stores),
        cmocka_unit_test_teardown(a_damaged_store_spoils_nothing, remove_stores),
        cmocka_unit_test_teardown(fits_and_benches_come_along, remove_stores),
        cmocka_unit_test_teardown(a_store_is_not_merged_into_itself, remove_stores),
    };
    return cmocka_run_group_tests(tests, make_paths, remove_paths);
}
