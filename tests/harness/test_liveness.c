/* SPDX-License-Identifier: Apache-2.0 */
/* test_liveness.c — goal: a runner that lives is never taken for dead, nor a dead one for alive, whatever the clock says.
 * Method: tokens that name another boot or another process of the same number, so that only the lock can speak for
 * their owner; a child that holds one is killed. */
#include <signal.h>
#include <sys/wait.h>

#include "tests/harness/store_fixture.h"

static int remove_both(void **state)
{
    char lock[80];
    (void)snprintf(lock, sizeof lock, "%s.lock", path);
    (void)unlink(lock);
    return remove_store(state);
}

static void owners_are_told_apart(void **state)
{
    struct store *store = opened(STORE_WRITE);
    struct owner owner = this_runner();
    char other[64];
    char *colon;
    (void)state;
    assert_true(store_owner_alive(store, owner.token, 0));
    assert_true(str_copy(other, sizeof other, owner.token));
    other[0] = other[0] == '0' ? '1' : '0'; /* another boot */
    assert_false(store_owner_alive(store, other, getpid()));
    assert_true(str_copy(other, sizeof other, owner.token));
    colon = strrchr(other, ':'); /* another process that had this number */
    assert_true(str_copy(colon + 1, 2, "1"));
    assert_false(store_owner_alive(store, other, getpid()));
    assert_true(store_owner_alive(store, "no token of ours", getpid()));
    assert_false(store_owner_alive(store, "no token of ours", 0));
    store_close(store);
}

/* The token of a runner of another boot, as one in another container or on another machine has. */
static void hold_as_a_stranger(struct store *store, struct owner *owner)
{
    *owner = this_runner();
    owner->token[0] = owner->token[0] == '0' ? '1' : '0';
    store_hold(store, owner);
}

static void a_lock_speaks_for_a_runner_that_no_number_finds(void **state)
{
    struct store *store = opened(STORE_WRITE), *other = opened(STORE_WRITE);
    struct owner stranger;
    char lock[80];
    (void)state;
    (void)snprintf(lock, sizeof lock, "%s.lock", path);
    hold_as_a_stranger(other, &stranger);
    assert_true(store_owner_alive(store, stranger.token, 0));
    store_hold(store, &(struct owner){.token = "another"}); /* does not wait: it is another byte */
    store_close(other);
    assert_false(store_owner_alive(store, stranger.token, 0));
    assert_int_equal(access(lock, F_OK), 0);
    store_close(store); /* the last one tidies up */
    assert_int_equal(access(lock, F_OK), -1);
}

static void a_killed_runner_loses_its_lock(void **state)
{
    struct store *store = opened(STORE_WRITE);
    struct owner child_owner = {.pid = 0};
    int ends[2], code;
    pid_t child;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        hold_as_a_stranger(opened(STORE_WRITE), &child_owner);
        if (write(ends[1], child_owner.token, sizeof child_owner.token) > 0)
            (void)pause();
        _exit(1);
    }
    assert_int_equal(read(ends[0], child_owner.token, sizeof child_owner.token), sizeof child_owner.token);
    assert_true(store_owner_alive(store, child_owner.token, 0));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_false(store_owner_alive(store, child_owner.token, 0));
    store_close(store);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void trials_of_dead_runners_are_lost(void **state)
{
    struct plan plan = planned(2);
    struct store *store = with_plan(&plan);
    struct owner here = this_runner(), gone = here;
    struct table lost;
    struct err err = ERR_INIT;
    int index;
    (void)state;
    gone.token[0] = gone.token[0] == '0' ? '1' : '0';
    (void)claimed(store, &plan, &gone, &index);
    (void)claimed(store, &plan, &here, &index);
    expect_status(store_lost(store, &lost, &err), STATUS_OK, &err);
    assert_int_equal(lost.n_rows, 1);
    assert_string_equal(table_text(&lost, 0, 0), plan.trials[0].id);
    assert_string_equal(table_text(&lost, 0, 1), "test");
    table_release(&lost);
    assert_true(number(store, "SELECT count(*) FROM trial WHERE state = 'running'") == 2); /* only looked */
    expect_status(store_progress(store, &lost, &err), STATUS_OK, &err);
    assert_int_equal(lost.n_rows, 1);
    assert_string_equal(table_text(&lost, 0, 0), "test");
    assert_true(table_number(&lost, 0, table_column(&lost, "trials")) == 2);
    assert_true(table_number(&lost, 0, table_column(&lost, "running")) == 1);
    assert_true(table_number(&lost, 0, table_column(&lost, "lost")) == 1);
    table_release(&lost);
    store_close(store);
    free(plan.trials);
}

/* Two specs of one name, one that shares trials with them, and trials of none, against counting in SQL. */
static void progress_counts_every_trial_once(void **state)
{
    static const char sql[] =
        "SELECT coalesce((SELECT s.name FROM spec_trial m JOIN spec s USING (spec_id) WHERE m.trial_id = t.trial_id"
        " ORDER BY m.spec_id LIMIT 1), '') AS spec, count(*) AS trials, count(*) FILTER (WHERE state = 'pending') AS pending,"
        " count(*) FILTER (WHERE state = 'oom') AS failed, round(sum(predicted_seconds) FILTER (WHERE state = 'pending'), 1) AS"
        " left_s FROM trial t GROUP BY 1 ORDER BY spec = '', spec";
    struct plan plan = planned(40);
    struct store *store = opened(STORE_WRITE);
    struct table want, have;
    struct err err = ERR_INIT;
    (void)state;
    for (int i = 0; i < 40; i++)
        plan.trials[i].estimate.seconds = i % 3 ? 1.5 * i : 0;
    for (int i = 0; i < 4; i++) {
        struct plan part = plan;
        part.trials += 7 * i;
        part.n_trials = 12;
        part.text = (char[]){(char)('a' + i), 0};
        (void)snprintf(part.name, sizeof part.name, "%s", i % 2 ? "odd" : "even");
        expect_status(store_put_plan(store, &part, &err), STATUS_OK, &err);
    }
    expect_status(db_exec(store->db, "INSERT INTO trial (trial_id) VALUES ('0'), ('zz'); UPDATE trial SET state = 'oom' WHERE"
                                     " width % 3 = 0", &err), STATUS_OK, &err);
    expect_status(store_query(store, sql, NULL, 0, &want, &err), STATUS_OK, &err);
    expect_status(store_progress(store, &have, &err), STATUS_OK, &err);
    assert_int_equal(have.n_rows, want.n_rows);
    assert_int_equal(have.n_rows, 3);
    for (int row = 0; row < want.n_rows; row++) {
        assert_string_equal(table_text(&have, row, 0), table_text(&want, row, 0));
        for (int c = 1; c < want.n_columns; c++) {
            double a = table_number(&want, row, c), b = table_number(&have, row, table_column(&have, want.names[c]));
            if (!(a == b || (a != a && b != b)))
                fail_msg("%s of %s: %g, not %g", want.names[c], table_text(&want, row, 0), b, a);
        }
    }
    table_release(&want);
    table_release(&have);
    store_close(store);
    free(plan.trials);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(owners_are_told_apart, remove_both),
        cmocka_unit_test_teardown(a_lock_speaks_for_a_runner_that_no_number_finds, remove_both),
        cmocka_unit_test_teardown(a_killed_runner_loses_its_lock, remove_both),
        cmocka_unit_test_teardown(trials_of_dead_runners_are_lost, remove_both),
        cmocka_unit_test_teardown(progress_counts_every_trial_once, remove_both),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
