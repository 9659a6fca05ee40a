/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: `fit` takes from a store the trials it should, says what it left out, and writes letters that v_fits gives back.
 * Method: a store with runs from a known law in two seeds, a diverged, a shrunk and another spec's trial; the command is
 * read from words and called, its standard output thrown away; then SQL is asked. One more trial cannot be right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/commands.h"
#include "harness/store/rows.h"
#include "tests/harness/store_fixture.h"

static const char *const trial_columns[] = {"trial_id", "state",       "final_attempt", "params_non_embedding", "params_total", "tokens",
                                            "seed",     "heldout_loss", "shrink",        "unique_tokens",
                                            "lr"};
static const char *const attempt_columns[] = {"trial_id", "attempt", "state", "owner", "ended_at"};

static void put_trial(struct table *trials, struct table *attempts, const char *id, const char *state, double N, double D,
                      double loss, int seed, const char *shrink, double lr)
{
    int t = table_add_row(trials), a = table_add_row(attempts);
    table_set_text(trials, t, 0, id);
    table_set_text(trials, t, 1, state);
    if (strcmp(state, "done") == 0)
        table_set_integer(trials, t, 2, 1);
    table_set_integer(trials, t, 3, (int64_t)N);
    table_set_integer(trials, t, 4, (int64_t)(3 * N));
    table_set_integer(trials, t, 5, (int64_t)D);
    table_set_integer(trials, t, 6, seed);
    table_set_real(trials, t, 7, loss);
    table_set_text(trials, t, 8, shrink);
    table_set_integer(trials, t, 9, (int64_t)D);
    table_set_real(trials, t, 10, lr);
    table_set_text(attempts, a, 0, id);
    table_set_integer(attempts, a, 1, 1);
    table_set_text(attempts, a, 2, state);
    table_set_text(attempts, a, 3, "nobody");
    table_set_text(attempts, a, 4, "2026-01-01T00:00:00.000Z");
}

/* 5 sizes times 5 token counts times 2 seeds, the seeds 0.2 % apart, and three rows that are no points. */
static int make_store(void **state)
{
    struct err err = ERR_INIT;
    struct store *store;
    struct table trials, attempts;
    (void)state;
    table_init(&trials, 11, trial_columns);
    table_init(&attempts, 5, attempt_columns);
    for (int i = 0; i < 50; i++) {
        double N = 1e5 * pow(4, i / 10), D = 1e6 * pow(5, i / 2 % 5);
        char id[16];
        (void)snprintf(id, sizeof id, "t%02d", i);
        put_trial(&trials, &attempts, id, "done", N, D, (1.2 + 60 / pow(N, 0.4) + 90 / pow(D, 0.3)) * (1 + 0.002 * (i % 2)), i % 2, "none", 0.01);
    }
    put_trial(&trials, &attempts, "bad", "diverged", 1e5, 1e6, (double)NAN, 0, "none", 0.01);
    put_trial(&trials, &attempts, "fast", "done", 1e5, 1e6, 5.5, 0, "none", 0.1); /* a worse rate of t00's setting */
    put_trial(&trials, &attempts, "small", "done", 1e5, 1e6, 9, 0, "int8", 0.01);
    const struct rows sets[] = {{"trial", &trials, ROWS_KEEP}, {"attempt", &attempts, ROWS_KEEP}};
    store = opened(STORE_WRITE);
    if (store_put_rows(store, sets, 2, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    store_close(store);
    table_release(&trials);
    table_release(&attempts);
    return 0;
}

/* The command's exit code; what it prints goes into a file. */
static int fit_into(int n, const char *const *words, int out)
{
    struct invocation invocation;
    struct err err = ERR_INIT;
    bool help;
    char *line[16];
    int kept, code = -1;
    for (int i = 0; i < n; i++)
        line[i] = (char *)(uintptr_t)words[i];
    if (command_read(command_find("fit"), n, line, &invocation, &help, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    (void)fflush(stdout);
    kept = dup(STDOUT_FILENO);
    if (kept >= 0 && out >= 0 && dup2(out, STDOUT_FILENO) >= 0) {
        code = cmd_fit(&invocation);
        (void)fflush(stdout);
        (void)dup2(kept, STDOUT_FILENO);
    }
    (void)close(kept);
    options_release(&invocation.options);
    return code;
}

static int fit(int n, const char *const *words)
{
    int nowhere = open("/dev/null", O_WRONLY), code = fit_into(n, words, nowhere);
    (void)close(nowhere);
    return code;
}

static void letters_are_stored(void **state)
{
    const char *const words[] = {"--db", path, "--bootstrap", "200", "--compute", "1e12", "-q"};
    const char *const total[] = {"--db", path, "--n", "total", "--method", "varpro", "-B", "0"};
    (void)state;
    assert_int_equal(fit(7, words), 0);
    struct store *store = opened(STORE_READ);
    assert_true(fabs(number(store, "SELECT value FROM v_fits WHERE letter = 'alpha' AND method = 'varpro'") - 0.4) < 0.01);
    assert_true(fabs(number(store, "SELECT value FROM v_fits WHERE letter = 'beta' AND method = 'huber'") - 0.3) < 0.02);
    assert_int_equal((int)number(store, "SELECT max(n_points) FROM v_fits"), 50);
    assert_int_equal((int)number(store, "SELECT count(*) FROM v_fits WHERE reason LIKE '%1 diverged; 1 shrunk; 1 at another learning rate%' AND n_excluded = 3"),
                     (int)number(store, "SELECT count(*) FROM v_fits"));
    assert_int_equal((int)number(store, "SELECT count(*) FROM v_fits WHERE low <= value AND value <= high AND se >= 0"
                                        " AND confidence = 0.95 AND method = 'varpro'"),
                     11); /* five letters, a, b, G, and the optimum's three */
    assert_true(number(store, "SELECT value FROM v_fits WHERE letter = 'N_opt(1e+12)' AND method = 'varpro'") > 1e4);
    double once = number(store, "SELECT count(*) FROM v_fits");
    store_close(store);
    assert_int_equal(fit(7, words), 0); /* the same fit again is the same rows */
    assert_int_equal(fit(8, total), 0); /* another N is another fit */
    store = opened(STORE_READ);
    assert_true(number(store, "SELECT count(*) FROM v_fits WHERE params_convention = 'params_non_embedding'") == once);
    assert_int_equal((int)number(store, "SELECT count(*) FROM v_fits WHERE params_convention = 'params_total' AND low IS NULL"), 8);
    assert_true(fabs(number(store, "SELECT value FROM v_fits WHERE params_convention = 'params_total' AND letter = 'A'") /
                         number(store, "SELECT value FROM v_fits WHERE params_convention = 'params_non_embedding'"
                                       " AND letter = 'A' AND method = 'varpro'") -
                     pow(3, 0.4)) < 0.02);
    store_close(store);
}

/* A run whose counted FLOPs are not the formula's, with a loss no run has, is no point, and the fit says which it was; asked to,
 * fit takes it and the letters are led astray. One run beside three of its setting leaves the interval to seeds. */
static void invalid_trials_are_no_points(void **state)
{
    static const char *const cost[] = {"trial_id", "attempt", "flops_executed", "flops_formula"};
    const char *const plain[] = {"--db", path, "-B", "50", "--method", "varpro"};
    const char *const taken[] = {"--db", path, "-B", "50", "--method", "varpro", "--include-invalid"};
    struct table trials, attempts, costs;
    struct err err = ERR_INIT;
    (void)state;
    table_init(&trials, 11, trial_columns);
    table_init(&attempts, 5, attempt_columns);
    table_init(&costs, 4, cost);
    put_trial(&trials, &attempts, "wrong", "done", 3e6, 3e8, 9.0, 0, "none", 0.01);
    (void)table_add_row(&costs);
    table_set_text(&costs, 0, 0, "wrong");
    table_set_integer(&costs, 0, 1, 1);
    table_set_real(&costs, 0, 2, 1e12);
    table_set_real(&costs, 0, 3, 2e12);
    const struct rows sets[] = {{"trial", &trials, ROWS_KEEP}, {"attempt", &attempts, ROWS_KEEP}, {"cost", &costs, ROWS_KEEP}};
    struct store *store = opened(STORE_WRITE);
    if (store_put_rows(store, sets, 3, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    store_close(store);
    assert_int_equal(fit(6, plain), 0);
    store = opened(STORE_READ);
    assert_int_equal((int)number(store, "SELECT count(*) FROM fit_exclusion WHERE trial_id = 'wrong'"
                                        " AND reason LIKE 'invalid by budget_achieved: counted FLOPs 1000000000000 are not%'"), 1);
    assert_int_equal((int)number(store, "SELECT count(*) FROM fit_exclusion"), 4);
    assert_int_equal((int)number(store, "SELECT max(n_points) FROM v_fits WHERE reason LIKE '%1 invalid by budget_achieved%'"), 50);
    assert_true(fabs(number(store, "SELECT value FROM v_fits WHERE letter = 'alpha'") - 0.4) < 0.01);
    assert_int_equal((int)number(store, "SELECT count(*) FROM v_fits WHERE reason LIKE '%with all their seeds%'"), 8);
    store_close(store);
    assert_int_equal(fit(7, taken), 0);
    store = opened(STORE_READ);
    assert_int_equal((int)number(store, "SELECT max(n_points) FROM v_fits"), 51);
    assert_int_equal((int)number(store, "SELECT count(*) FROM v_fits WHERE n_points = 51 AND reason LIKE '%doubtful%budget_achieved 1%'"
                                        " AND reason LIKE '%some have one run%' AND reason LIKE '%far off the law: trial wrong%'"), 8);
    assert_true(fabs(number(store, "SELECT value FROM v_fits WHERE letter = 'alpha' AND n_points = 51") - 0.4) > 0.02);
    store_close(store);
    table_release(&trials);
    table_release(&attempts);
    table_release(&costs);
}

/* N of params_total is three times that of params_non_embedding, so that exponents stay: the spread of conventions says so. */
static void conventions_are_told(void **state)
{
    const char *const json[] = {"--db", path, "--no-save", "-B", "0", "--method", "varpro", "--json"};
    char text[8192], out[] = "/tmp/isoflop-fit-XXXXXX";
    double alpha[2];
    const char *at;
    (void)state;
    int fd = mkstemp(out);
    assert_true(fd >= 0);
    assert_int_equal(fit_into(8, json, fd), 0);
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    assert_true(n > 0);
    text[n] = 0;
    (void)unlink(out);
    (void)close(fd);
    at = strstr(text, "{\"params_convention\": \"params_total\", \"alpha\": [");
    assert_non_null(at);
    alpha[0] = strtod(strchr(at, '[') + 1, NULL);
    at = strstr(text, "{\"params_convention\": \"params_non_embedding\", \"alpha\": [");
    assert_non_null(at);
    alpha[1] = strtod(strchr(at, '[') + 1, NULL);
    assert_true(fabs(alpha[0] - 0.4) < 0.01 && fabs(alpha[0] - alpha[1]) < 1e-6);
    assert_null(strstr(text, "params_matmul")); /* which this store does not know */
}

static void filters_and_refusals(void **state)
{
    const char *const where[] = {"--db", path, "--where", "seed = 0", "-B", "0", "--method", "varpro"};
    const char *const none[] = {"--db", path, "--spec", "no-such-spec"};
    const char *const kept[] = {"--db", path, "--no-save", "-B", "0"};
    (void)state;
    assert_int_equal(fit(5, kept), 0);
    struct store *store = opened(STORE_READ);
    assert_int_equal((int)number(store, "SELECT count(*) FROM v_fits"), 0);
    store_close(store);
    assert_int_equal(fit(8, where), 0);
    store = opened(STORE_READ);
    assert_int_equal((int)number(store, "SELECT max(n_points) FROM v_fits"), 25);
    assert_true(fabs(number(store, "SELECT value FROM v_fits WHERE letter = 'E'") - 1.2) < 1e-6);
    store_close(store);
    assert_int_equal(fit(4, none), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(letters_are_stored, make_store, remove_store),
        cmocka_unit_test_setup_teardown(invalid_trials_are_no_points, make_store, remove_store),
        cmocka_unit_test_setup_teardown(conventions_are_told, make_store, remove_store),
        cmocka_unit_test_setup_teardown(filters_and_refusals, make_store, remove_store),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
