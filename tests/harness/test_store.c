/* SPDX-License-Identifier: Apache-2.0 */
/* test_store.c — goal: a finished trial is never lost, never doubled, never half there.
 * Method: plans made by hand in a store of their own; two connections, or forked children, where two runners
 * are needed; a limit on the file's pages where the disk must be full. */
#include <sys/wait.h>

#include "tests/harness/store_fixture.h"

static void a_plan_is_put_once(void **state)
{
    struct plan plan = planned(3);
    struct store *store = with_plan(&plan);
    struct err err = ERR_INIT;
    (void)state;
    expect_status(store_put_plan(store, &plan, &err), STATUS_OK, &err);
    assert_true(number(store, "SELECT count(*) FROM trial") == 3);
    assert_true(number(store, "SELECT count(*) FROM spec_trial") == 3);
    assert_true(number(store, "SELECT count(*) FROM spec") == 1);
    assert_true(number(store, "SELECT width FROM v_trials WHERE trial_id LIKE '%1' AND spec = 'test'") == 16);
    assert_true(number(store, "SELECT lr FROM v_trials LIMIT 1") == plan.trials[0].knobs.lr);
    assert_true(
        isnan(number(store, "SELECT predicted_seconds FROM v_trials LIMIT 1"))); /* 0 means not known */
    store_close(store);
    free(plan.trials);
}

static void trials_are_claimed_largest_first_and_once(void **state)
{
    struct plan plan = planned(4);
    struct store *first = with_plan(&plan), *second = opened(STORE_WRITE);
    struct owner owner = this_runner();
    struct err err = ERR_INIT;
    int64_t attempt = 0;
    (void)state;
    for (int i = 0; i < 4; i++) {
        int index = -1;
        assert_int_equal(claimed(i % 2 ? second : first, &plan, &owner, &index), 1);
        assert_int_equal(index, i);
    }
    for (int i = 0; i < 2; i++) {
        int index = -1;
        expect_status(store_claim(i ? second : first, &plan, &owner, &index, &attempt, &err), STATUS_DONE,
                      &err);
        assert_int_equal(index, -1);
    }
    store_close(first);
    store_close(second);
    free(plan.trials);
}

static void a_late_result_is_refused(void **state)
{
    struct plan plan = planned(1);
    struct store *store = with_plan(&plan);
    struct owner owner = this_runner(), other = owner;
    struct record records[32];
    struct err err = ERR_INIT;
    int index, n = sample_records(records);
    int64_t attempt = claimed(store, &plan, &owner, &index);
    (void)state;
    other.token[0] = other.token[0] == '0' ? '1' : '0';
    expect_status(store_finish(store, plan.trials[0].id, attempt, &other, OUTCOME_DONE, "", records, n, &err),
                  STATUS_CORRUPT, &err);
    expect_status(
        store_finish(store, plan.trials[0].id, attempt + 1, &owner, OUTCOME_DONE, "", records, n, &err),
        STATUS_CORRUPT, &err);
    assert_true(number(store, "SELECT count(*) FROM metric") == 0);
    finished(store, plan.trials[0].id, attempt, OUTCOME_DONE, records, n);
    expect_status(
        store_finish(store, plan.trials[0].id, attempt, &owner, OUTCOME_FAILED, "", records, n, &err),
        STATUS_CORRUPT, &err);
    assert_true(number(store, "SELECT count(*) FROM trial WHERE state = 'done'") == 1);
    store_close(store);
    free(plan.trials);
}

static void an_end_and_a_claim_go_together_or_not_at_all(void **state)
{
    struct plan plan = planned(2);
    struct store *store = with_plan(&plan);
    struct owner owner = this_runner(), other = owner;
    struct record records[32];
    struct err err = ERR_INIT;
    int index, n = sample_records(records);
    int64_t attempt = claimed(store, &plan, &owner, &index);
    struct ended ended = {plan.trials[index].id, attempt, OUTCOME_DONE, "", records, n};
    static const char running[] = "SELECT count(*) FROM trial WHERE state = 'running'";
    (void)state;
    other.token[0] = other.token[0] == '0' ? '1' : '0';
    expect_status(store_finish_and_claim(store, &ended, &plan, &other, &index, &attempt, &err), STATUS_CORRUPT, &err);
    assert_true(number(store, running) == 1);
    expect_status(store_finish_and_claim(store, &ended, &plan, &owner, &index, &attempt, &err), STATUS_OK, &err);
    assert_int_equal(index, 1);
    assert_true(number(store, running) == 1);
    assert_true(number(store, "SELECT count(*) FROM trial WHERE state = 'done'") == 1);
    ended.trial_id = plan.trials[1].id;
    expect_status(store_finish_and_claim(store, &ended, &plan, &owner, &index, &attempt, &err), STATUS_DONE, &err);
    assert_true(number(store, running) == 1); /* nothing was left to claim, so the end is not stored either */
    store_close(store);
    free(plan.trials);
}

static void failures_are_kept_apart(void **state)
{
    struct plan plan = planned(1);
    struct store *store = with_plan(&plan);
    struct owner owner = this_runner();
    struct record records[32];
    int index, n = sample_records(records);
    const char *id = plan.trials[0].id;
    (void)state;
    finished(store, id, claimed(store, &plan, &owner, &index), OUTCOME_FAILED, records, n);
    assert_true(
        number(store, "SELECT count(*) FROM v_trials WHERE state = 'failed' AND reason = 'because'") == 1);
    assert_true(number(store, "SELECT count(*) FROM v_evals") == 0);
    assert_int_equal(prepared(store, &plan, STORE_RERUN_NONE), 0);
    assert_int_equal(prepared(store, &plan, STORE_RERUN_FAILED), 1);
    records[3].value = 0.75;
    assert_int_equal(claimed(store, &plan, &owner, &index), 2);
    finished(store, id, 2, OUTCOME_DONE, records, n);
    assert_true(number(store, "SELECT count(*) FROM eval") == 2);
    assert_true(number(store, "SELECT value FROM v_evals") == 0.75);
    assert_int_equal(prepared(store, &plan, STORE_RERUN_FAILED), 0);
    assert_int_equal(prepared(store, &plan, STORE_RERUN_ALL), 1);
    assert_int_equal(claimed(store, &plan, &owner, &index), 3);
    finished(store, id, 3, OUTCOME_DIVERGED, records,
             2); /* tells no loss: the old one must not stay beside it */
    assert_true(isnan(number(store, "SELECT heldout_loss FROM v_trials")));
    assert_true(number(store, "SELECT count(*) FROM v_points") == 0);
    assert_int_equal(prepared(store, &plan, STORE_RERUN_FAILED), 0); /* the same seed would diverge again */
    store_close(store);
    free(plan.trials);
}

static void an_interrupted_trial_is_pending_again(void **state)
{
    struct plan plan = planned(2);
    struct store *store = with_plan(&plan);
    struct owner owner = this_runner();
    int index;
    int64_t attempt = claimed(store, &plan, &owner, &index);
    (void)state;
    finished(store, plan.trials[index].id, attempt, OUTCOME_INTERRUPTED, NULL, 0);
    assert_true(number(store, "SELECT count(*) FROM trial WHERE state = 'pending'") == 2);
    assert_true(number(store, "SELECT count(*) FROM attempt WHERE state = 'interrupted'") == 1);
    assert_int_equal(claimed(store, &plan, &owner, &index), 2);
    assert_int_equal(index, 0);
    store_close(store);
    free(plan.trials);
}

static void a_dead_runner_s_trial_is_taken_back(void **state)
{
    struct plan plan = planned(2);
    struct store *store = with_plan(&plan);
    struct owner owner = this_runner();
    int index, exit_code;
    pid_t child;
    (void)state;
    assert_int_equal(claimed(store, &plan, &owner, &index), 1); /* this one lives and keeps its trial */
    store_close(store);                                         /* no connection is carried across a fork */
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct owner mine = this_runner();
        int64_t attempt;
        struct err err = ERR_INIT;
        _exit(store_open(&store, path, STORE_WRITE, &err) != STATUS_OK ||
              store_claim(store, &plan, &mine, &index, &attempt, &err) != STATUS_OK);
    }
    assert_int_equal(waitid(P_PID, (id_t)child, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
    store = opened(STORE_WRITE);
    assert_int_equal(prepared(store, &plan, STORE_RERUN_NONE), 1); /* dead already as a zombie */
    assert_int_equal(waitpid(child, &exit_code, 0), child);
    assert_int_equal(exit_code, 0);
    assert_int_equal(prepared(store, &plan, STORE_RERUN_NONE), 1);
    assert_true(
        number(store, "SELECT count(*) FROM attempt WHERE state = 'stale' AND ended_at IS NOT NULL") == 1);
    assert_int_equal(claimed(store, &plan, &owner, &index), 2);
    assert_int_equal(index, 1);
    store_close(store);
    free(plan.trials);
}

/* Takes and ends trials until none is left; the exit code says whether all went well. */
static void run_all(const struct plan *plan)
{
    struct store *store = NULL;
    struct owner owner = this_runner();
    struct err err = ERR_INIT;
    enum status status = store_open(&store, path, STORE_WRITE, &err);
    while (status == STATUS_OK) {
        int64_t attempt;
        int index;
        status = store_claim(store, plan, &owner, &index, &attempt, &err);
        if (status == STATUS_OK)
            status =
                store_finish(store, plan->trials[index].id, attempt, &owner, OUTCOME_DONE, "", NULL, 0, &err);
    }
    store_close(store);
    if (status != STATUS_DONE)
        (void)fprintf(stderr, "a runner failed: %s\n", err.text);
    _exit(status != STATUS_DONE);
}

static void many_runners_share_a_plan(void **state)
{
    enum { RUNNERS = 8, TRIALS = 200 };
    struct plan plan = planned(TRIALS);
    struct store *store = with_plan(&plan);
    (void)state;
    store_close(store);
    for (int i = 0; i < RUNNERS; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            run_all(&plan);
    }
    for (int i = 0; i < RUNNERS; i++) {
        int code = -1;
        assert_true(wait(&code) > 0);
        assert_int_equal(code, 0);
    }
    store = opened(STORE_READ);
    assert_true(number(store, "SELECT count(*) FROM trial WHERE state = 'done'") == TRIALS);
    assert_true(number(store, "SELECT count(*) FROM attempt WHERE state = 'done' AND attempt = 1") == TRIALS);
    assert_true(number(store, "SELECT count(*) FROM attempt") == TRIALS);
    store_close(store);
    free(plan.trials);
}

static void a_full_disk_leaves_nothing_half(void **state)
{
    struct plan plan = planned(1);
    struct store *store = with_plan(&plan);
    struct owner owner = this_runner();
    struct record *records = calloc(20000, sizeof *records);
    struct err err = ERR_INIT;
    int index;
    int64_t attempt = claimed(store, &plan, &owner, &index), pages = 0;
    char sql[64];
    (void)state;
    assert_non_null(records);
    for (int i = 0; i < 20000; i++)
        records[i] = (struct record){.kind = RECORD_METRIC, .step = i, .name = "train_loss", .value = i};
    expect_status(db_integer(store->db, "PRAGMA page_count", &pages, &err), STATUS_OK, &err);
    (void)snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld", (long long)pages + 20);
    expect_status(db_exec(store->db, sql, &err), STATUS_OK, &err);
    expect_status(
        store_finish(store, plan.trials[0].id, attempt, &owner, OUTCOME_DONE, "", records, 20000, &err),
        STATUS_IO, &err);
    assert_non_null(strstr(err.text, "full"));
    store_close(store);
    store = opened(STORE_WRITE); /* which checks the file */
    assert_true(number(store, "SELECT count(*) FROM metric") == 0);
    assert_true(number(store, "SELECT count(*) FROM trial WHERE state = 'running'") == 1);
    finished(store, plan.trials[0].id, attempt, OUTCOME_DONE, records, 20000);
    assert_true(number(store, "SELECT count(*) FROM metric") == 20000);
    store_close(store);
    free(records);
    free(plan.trials);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_plan_is_put_once, remove_store),
        cmocka_unit_test_teardown(trials_are_claimed_largest_first_and_once, remove_store),
        cmocka_unit_test_teardown(a_late_result_is_refused, remove_store),
        cmocka_unit_test_teardown(an_end_and_a_claim_go_together_or_not_at_all, remove_store),
        cmocka_unit_test_teardown(failures_are_kept_apart, remove_store),
        cmocka_unit_test_teardown(an_interrupted_trial_is_pending_again, remove_store),
        cmocka_unit_test_teardown(a_dead_runner_s_trial_is_taken_back, remove_store),
        cmocka_unit_test_teardown(many_runners_share_a_plan, remove_store),
        cmocka_unit_test_teardown(a_full_disk_leaves_nothing_half, remove_store),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
