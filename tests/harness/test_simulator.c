/* SPDX-License-Identifier: Apache-2.0 */
/* test_simulator.c — goal: whatever happens to runners and trials, in whatever order, a sweep that is asked for again and
 * again ends with every trial done once and with the results of a sweep that nothing disturbed.
 * Method: the real sweep, runner and store over a made-up world (simulated.h): trials crash, hang, lie, starve and want to
 * be alone, signals come, and the runner is killed at a random call. Each life of a runner is a process of its own, and
 * the store is looked at after each. ISOFLOP_SIMULATIONS says how many sweeps (40), ISOFLOP_SEED which is the first; a
 * violation prints the seed that repeats it. */
#include <sys/wait.h>

#include "harness/cli/sweep.h"
#include "tests/harness/simulated.h"
#include "tests/harness/store_fixture.h"

enum { TRIALS_MOST = 8, LIVES = 4 };

static char memory_folder[] = "/dev/shm/isoflop-simulated-XXXXXX";

static uint64_t setting(const char *name, uint64_t preset)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : preset;
}

static struct plan imagined(int n)
{
    struct plan plan = planned(n);
    for (int i = 0; i < n; i++)
        plan.trials[i].estimate.seconds = 0.1 * (n - i);
    return plan;
}

/* The bar's lines about failures are expected, and many; a violation still speaks. */
static void quieten(void)
{
    int null = open("/dev/null", O_WRONLY);
    world.says = fdopen(dup(STDERR_FILENO), "w");
    assert_non_null(world.says);
    (void)dup2(null, STDERR_FILENO);
    (void)close(null);
}

/* One life of a runner, in a process of its own: ends by SIGKILL, or with 0, or 10 for a violation. */
static int live(int n, bool calm, uint64_t killed_at)
{
    int code = -1;
    pid_t pid = fork();
    if (pid == 0) {
        struct plan plan = imagined(n);
        struct runner_result result;
        struct err err = ERR_INIT;
        int pending;
        struct sweep_options options = {.db = path, .jobs = 1 + (int)draw(4), .retries = (int)draw(3), .timeout_s = 1,
                                        .budget_s = !calm && draw(8) == 0 ? 0.2 : 0, .quiet = true, .program = "/bin/true",
                                        .rerun = calm ? STORE_RERUN_FAILED : STORE_RERUN_NONE};
        quieten();
        world.calm = calm;
        world.killed_at = (int64_t)killed_at;
        if (sweep_run(&options, &plan, &result, &pending, &err) != STATUS_OK && !strstr(err.text, "no process left"))
            violation(err.text);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &code, 0), pid);
    return code;
}

/* What holds after every life, whatever happened. */
static const char *check_store(struct store *store, int n)
{
    static const struct {
        const char *says, *sql;
    } laws[] = {
        {"a trial was done twice", "SELECT count(*) FROM (SELECT 1 FROM attempt WHERE state = 'done' GROUP BY trial_id HAVING"
                                   " count(*) > 1)"},
        {"a trial and its attempts disagree on running",
         "SELECT count(*) FROM trial t WHERE (t.state = 'running') <> (SELECT count(*) FROM attempt a WHERE a.trial_id ="
         " t.trial_id AND a.state = 'running')"},
        {"a result has no attempt that is done", "SELECT count(*) FROM trial t WHERE state = 'done' AND NOT EXISTS (SELECT 1 FROM"
                                                 " attempt a WHERE a.trial_id = t.trial_id AND a.attempt = t.final_attempt AND"
                                                 " a.state = 'done')"},
        {"an attempt that is done counts for nothing",
         "SELECT count(*) FROM attempt a JOIN trial t USING (trial_id) WHERE a.state = 'done' AND t.state <> 'done'"},
        {"half a result is there", "SELECT count(*) FROM metric m JOIN attempt a USING (trial_id, attempt) WHERE a.state IN"
                                   " ('running', 'stale')"},
        {"attempts are not numbered from 1", "SELECT count(*) FROM (SELECT 1 FROM attempt GROUP BY trial_id HAVING max(attempt)"
                                             " <> count(*) OR min(attempt) <> 1)"},
    };
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++)
        if (number(store, laws[i].sql) != 0)
            return laws[i].says;
    return number(store, "SELECT count(*) FROM trial") == n ? NULL : "trials are missing";
}

static const char *check_golden(struct store *store, int n)
{
    struct plan plan = imagined(n);
    struct table rows;
    struct err err = ERR_INIT;
    const char *wrong = NULL;
    if (number(store, "SELECT count(*) FROM v_points") != n)
        wrong = "a calm run did not end everything";
    for (int i = 0; i < n && !wrong; i++) {
        const char *id = plan.trials[i].id;
        expect_status(store_query(store, "SELECT m.step, m.value, t.heldout_loss FROM trial t JOIN metric m ON m.trial_id ="
                                         " t.trial_id AND m.attempt = t.final_attempt WHERE t.trial_id = ?1 ORDER BY 1",
                                  &id, 1, &rows, &err), STATUS_OK, &err);
        if (rows.n_rows != STEPS)
            wrong = "points of a curve are lost or doubled";
        for (int row = 0; row < rows.n_rows && !wrong; row++)
            if (table_number(&rows, row, 0) != row + 1 || table_number(&rows, row, 1) != measured(id, row + 1) ||
                table_number(&rows, row, 2) != measured(id, 0))
                wrong = "a result is not the golden one";
        table_release(&rows);
    }
    free(plan.trials);
    return wrong;
}

static void looked_at(uint64_t seed, int n, bool last)
{
    struct store *store = opened(STORE_WRITE); /* which undoes what a killed runner left half done */
    const char *wrong = check_store(store, n);
    if (!wrong && last)
        wrong = check_golden(store, n);
    store_close(store);
    if (wrong)
        fail_msg("ISOFLOP_SEED=%llu ISOFLOP_SIMULATIONS=1: %s", (unsigned long long)seed, wrong);
}

static void simulate(uint64_t seed)
{
    int n, lives;
    world = (struct world){.seed = seed};
    n = 2 + (int)draw(TRIALS_MOST - 1);
    lives = 1 + (int)draw(LIVES);
    for (int life = 0; life < lives; life++) {
        bool last = life == lives - 1;
        int code;
        world.draws = (uint64_t)(life + 1) << 32;
        code = live(n, last, last ? 0 : 1 + draw(draw(2) ? 200 : 4000));
        if (!(WIFEXITED(code) && WEXITSTATUS(code) == 0) && !(WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL && !last))
            fail_msg("ISOFLOP_SEED=%llu ISOFLOP_SIMULATIONS=1: life %d ended with %#x", (unsigned long long)seed, life, code);
        if (access(path, F_OK) == 0)
            looked_at(seed, n, last);
    }
}

static int remove_all(void)
{
    static const char *const more[] = {"", ".lock", "-journal"};
    char name[128];
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, more[i]);
        (void)unlink(name);
    }
    (void)snprintf(name, sizeof name, "%s.states", path);
    (void)rmdir(name);
    return 0;
}

static void sweeps_end_as_if_nothing_had_happened(void **state)
{
    uint64_t n = setting("ISOFLOP_SIMULATIONS", 40), seed = setting("ISOFLOP_SEED", 1);
    (void)state;
    for (uint64_t i = 0; i < n; i++) {
        simulate(seed + i);
        (void)remove_all();
    }
}

/* In memory where that is possible: what is tested is not the disk. */
static int make_place(void **state)
{
    const char *at = mkdtemp(memory_folder);
    if (!at)
        return make_folder(state);
    (void)snprintf(path, sizeof path, "%s/s.db", at);
    return 0;
}

static int remove_place(void **state)
{
    (void)state;
    (void)remove_all();
    (void)rmdir(memory_folder);
    (void)rmdir(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sweeps_end_as_if_nothing_had_happened),
    };
    return cmocka_run_group_tests(tests, make_place, remove_place);
}
