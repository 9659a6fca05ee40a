/* SPDX-License-Identifier: Apache-2.0 */
/* test_validity.c — goal: every check of validity.h passes a sound trial, sees the fault it is there for, and leaves
 * undecided what the store does not say.
 *
 * Method: a store of sound trials, made by SQL; per row of a table one change, and the verdict that one trial must
 * then have. The query is the one the program uses, made from all knobs. */
#include "harness/analysis/validity.h"
#include "harness/spec/knobs.h"
#include "tests/harness/store_fixture.h"

static struct store *store;

static void execute(const char *sql)
{
    struct err err = ERR_INIT;
    if (db_exec(store->db, sql, &err) != STATUS_OK)
        fail_msg("%s: %.60s", err.text, sql);
}

/* Four sizes at one budget, three rates at each, two seeds: the best is the second size at the middle rate. The 24
 * trials are called t<size><rate><seed>. Beside them a mixture, m, with a dense model like it in every extent. */
static const char sound[] =
    "BEGIN;"
    "CREATE TABLE sizes AS WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < 3) SELECT i FROM s;"
    "INSERT INTO trial (trial_id, state, final_attempt, data_source, junk, tokenizer, depth, width, experts,"
    " parametrization, tokens, flops, batch_tokens, lr, schedule, warmup, warmup_tokens, decay, beta2, shrink, parent,"
    " seed, params_total, params_active, params_non_embedding, params_matmul, data_identity, unique_tokens,"
    " item_overlap, heldout_loss, bits_per_byte)"
    " SELECT 't' || n.i || r.i || s.i, 'done', 1, 'world', 0, 'bytes', 2, 16 << n.i, 1, 'mup',"
    " 1000000 >> n.i, 1e10, 1024, 0.001 * (1 << r.i), 'wsd', 0.05, 0, 0.3, 0.99, 'none', '', s.i, 10000 << n.i,"
    " 10000 << n.i, 9000 << n.i, 9500 << n.i, NULL, 1000000 >> n.i, 0, 3 + 0.1 * abs(n.i - 1) + 0.1 * abs(r.i - 1) + 0.001 * s.i,"
    " 2.5 FROM sizes n, sizes r, sizes s WHERE r.i < 3 AND s.i IN (1, 2);"
    "INSERT INTO trial (trial_id, state, final_attempt, tokenizer, experts, tokens, flops, lr, shrink, seed,"
    " params_total, params_active, params_non_embedding, params_matmul, heldout_loss, bits_per_byte, width) VALUES"
    " ('m', 'done', 1, 'bytes', 8, 77, 0, 0.004, 'none', 1, 90000, 90000, 1, 1, 3, 2.5, 99),"
    " ('d', 'done', 1, 'bytes', 1, 77, 0, 0.004, 'none', 1, 91000, 89000, 1, 1, 3, 2.5, 98);"
    "INSERT INTO corpus (data_identity) VALUES ('world 1'), ('world 2');"
    "UPDATE trial SET data_identity = 'world 1';"
    "INSERT INTO attempt (trial_id, attempt, state, owner, started_at, ended_at)"
    " SELECT trial_id, 1, 'done', 'o', '2026-01-02', '2026-01-03' FROM trial;"
    "INSERT INTO cost (trial_id, attempt, flops_executed, flops_formula, train_s, eval_s, latency_s, cpu_s,"
    " weight_bytes, peak_rss_bytes) SELECT trial_id, 1, 1e10, 1e10, 8, 1, 1, 9.9, 40000, 1000000 FROM trial;"
    "INSERT INTO eval SELECT trial_id, 1, 1, 'copy', 'exact_match', 0.5, 128, 0.04, 0 FROM trial;"
    "INSERT INTO eval SELECT trial_id, 1, 1, 'copy', 'logprob', -0.5, 128, 0.04, -3 FROM trial;"
    "INSERT INTO latency_sample WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < 39)"
    " SELECT trial_id, 1, 'decode', 1, 64, i, 2 + 0.01 * i FROM trial, s;"
    "INSERT INTO prediction (fit_id, trial_id, metric, value, predicted_at)"
    " SELECT 'f', trial_id, 'heldout_loss', 3, '2026-01-01' FROM trial;"
    "COMMIT";

/* The trial looked at is t111: the best size, the best rate, seed 1. */
static const struct {
    const char *check;
    const char *change;
    const char *verdict, *reason; /* a part of it */
} faults[] = {
    {"params_convention", "UPDATE trial SET params_matmul = NULL", "warn", "only 3 of four"},
    {"learning_rate", "UPDATE trial SET lr = 0.01, heldout_loss = 4 WHERE trial_id = 't111'", "warn",
     "0.01 is not the best of 4 rates"},
    {"learning_rate", "UPDATE trial SET heldout_loss = 2 WHERE trial_id GLOB 't?21'", "warn", "edge of the sweep"},
    {"learning_rate", "UPDATE trial SET state = 'pending' WHERE trial_id GLOB 't?[02]?'", "warn", "untuned: 0 of 2"},
    {"learning_rate", "UPDATE trial SET state = 'pending' WHERE trial_id GLOB 't1[02]?'", "pass", "at 3 sizes"},
    {"learning_rate",
     "UPDATE trial SET parametrization = 'standard';"
     "UPDATE trial SET state = 'pending' WHERE trial_id GLOB 't1[02]?'",
     "warn", "untuned"},
    {"learning_rate", "UPDATE trial SET lr = NULL", "unchecked", "not known"},
    {"learning_rate", "UPDATE trial SET shrink = 'int8'", "unchecked", "see its parent"},
    {"warmup", "UPDATE trial SET warmup = 0.5", "warn", "50 % of the run"},
    {"warmup", "UPDATE trial SET warmup_tokens = 400000", "warn", "80 % of the run"},
    {"warmup", "UPDATE trial SET warmup = NULL, warmup_tokens = NULL", "unchecked", "not known"},
    {"schedule_horizon", "UPDATE trial SET schedule = 'constant'", "warn", "never fell"},
    {"schedule_horizon", "UPDATE trial SET decay = 0", "warn", "never fell"},
    {"schedule_horizon", "UPDATE trial SET schedule = NULL", "unchecked", "not known"},
    {"batch_beta2", "UPDATE trial SET beta2 = 0.95", "warn", "0.95 is too low for 1024"},
    {"batch_beta2", "UPDATE trial SET beta2 = 0.95, batch_tokens = 1000000", "pass", "0.95"},
    {"batch_beta2", "UPDATE trial SET beta2 = NULL", "unchecked", "not known"},
    {"optimum_interior", "UPDATE trial SET heldout_loss = 2 WHERE trial_id GLOB 't0*'", "warn", "smallest of 4"},
    {"optimum_interior", "UPDATE trial SET heldout_loss = 2 WHERE trial_id GLOB 't3*'", "warn", "largest of 4"},
    {"optimum_interior", "UPDATE trial SET state = 'pending' WHERE trial_id GLOB 't[03]*'", "unchecked", "2 sizes"},
    {"optimum_interior", "UPDATE trial SET flops = 0", "unchecked", "no compute budget"},
    {"seeds", "UPDATE trial SET state = 'pending' WHERE seed = 2", "warn", "one seed"},
    {"seeds", "UPDATE trial SET junk = 0.1 WHERE seed = 2", "warn", "one seed"},
    {"seeds", "UPDATE trial SET threads = seed, eval_every = seed", "pass", "2 seeds"},
    {"seeds", "UPDATE trial SET seed = NULL", "unchecked", "not known"},
    {"budget_achieved", "UPDATE cost SET flops_executed = 9e9, flops_formula = 9e9", "warn", "0.9 of the budget"},
    {"budget_achieved", "UPDATE cost SET flops_formula = 9e9", "fail", "are not the formula's"},
    {"budget_achieved", "UPDATE cost SET flops_executed = NULL", "unchecked", "not counted"},
    {"repeated_data", "UPDATE trial SET unique_tokens = 125000", "warn", "seen 4 times"},
    {"repeated_data", "UPDATE trial SET unique_tokens = NULL", "unchecked", "not counted"},
    {"tokenizer", "UPDATE trial SET bits_per_byte = NULL", "warn", "no bits per byte"},
    {"tokenizer", "UPDATE trial SET bits_per_byte = NULL; UPDATE trial SET tokenizer = 'bpe' WHERE trial_id = 'm'",
     "fail", "other tokenisers"},
    {"smooth_metric", "DELETE FROM eval WHERE metric = 'logprob'", "warn", "1 of 1 abilities"},
    {"smooth_metric", "DELETE FROM eval", "unchecked", "no ability"},
    {"item_overlap", "UPDATE trial SET item_overlap = 3", "fail", "3 items"},
    {"item_overlap", "UPDATE trial SET item_overlap = NULL", "unchecked", "not counted"},
    {"timing", "UPDATE cost SET cpu_s = 6", "warn", "60 % of a core"},
    {"timing", "DELETE FROM latency_sample WHERE sample > 10", "warn", "11 samples"},
    {"timing", "UPDATE latency_sample SET ms = 9 WHERE sample > 30", "warn", "other load"},
    {"timing", "DELETE FROM latency_sample; UPDATE cost SET cpu_s = NULL", "unchecked", "nothing was timed"},
    {"prediction", "UPDATE prediction SET predicted_at = '2026-02-01'", "warn", "after it had started"},
    {"prediction", "DELETE FROM prediction", "unchecked", "nothing was predicted"},
    {"missing_as_zero", "UPDATE cost SET train_s = 0", "fail", "train_s is 0"},
    {"missing_as_zero", "UPDATE trial SET heldout_loss = NULL", "fail", "no held-out loss"},
    {"missing_as_zero", "UPDATE eval SET value = NULL WHERE metric = 'logprob'", "warn", "1 scores"},
};

static void make_sound(void)
{
    (void)remove_store(NULL);
    store = opened(STORE_WRITE);
    execute(sound);
}

static struct table judged(void)
{
    struct table trials, verdicts;
    const char *columns[128];
    struct err err = ERR_INIT;
    struct str sql;
    assert_true(knob_count() <= 128);
    for (int i = 0; i < knob_count(); i++)
        columns[i] = knob_at(i)->column;
    str_init(&sql);
    validity_sql(&sql, columns, knob_count());
    expect_status(store_query(store, sql.text, NULL, 0, &trials, &err), STATUS_OK, &err);
    validity_judge(&trials, &verdicts);
    table_release(&trials);
    str_release(&sql);
    return verdicts;
}

static void expect(const struct table *verdicts, const char *trial, const char *check, const char *verdict,
                   const char *reason)
{
    for (int r = 0; r < verdicts->n_rows; r++) {
        if (strcmp(table_text(verdicts, r, 0), trial) != 0 || strcmp(table_text(verdicts, r, 1), check) != 0)
            continue;
        if (strcmp(table_text(verdicts, r, 2), verdict) != 0 || !strstr(table_text(verdicts, r, 3), reason))
            fail_msg("%s, %s: expected %s (%s), got %s: %s", trial, check, verdict, reason, table_text(verdicts, r, 2),
                     table_text(verdicts, r, 3));
        return;
    }
    fail_msg("%s has no verdict on %s", trial, check);
}

static bool of_the_fit(const char *check)
{
    return strcmp(check, "parabola_bias") == 0 || strcmp(check, "objective_digits") == 0;
}

static void a_sound_trial_passes(void **state)
{
    struct table verdicts;
    int checks = 0;
    (void)state;
    make_sound();
    verdicts = judged();
    for (; validity_at(checks); checks++) {
        const char *check = validity_at(checks)->name;
        bool dense = strcmp(check, "moe_comparators") == 0;
        assert_true(*validity_at(checks)->pitfall);
        expect(&verdicts, "t111", check, dense || of_the_fit(check) ? "unchecked" : "pass", "");
    }
    assert_int_equal(verdicts.n_rows, 26 * checks);
    expect(&verdicts, "m", "moe_comparators", "pass", "total, active, time and memory");
    table_release(&verdicts);
    store_close(store);
}

static void every_fault_is_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct table verdicts;
        make_sound();
        execute(faults[i].change);
        verdicts = judged();
        expect(&verdicts, "t111", faults[i].check, faults[i].verdict, faults[i].reason);
        table_release(&verdicts);
        store_close(store);
    }
    for (int k = 0; validity_at(k); k++) {
        bool seen = of_the_fit(validity_at(k)->name) || strcmp(validity_at(k)->name, "moe_comparators") == 0;
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
            seen =
                seen || (strcmp(faults[i].check, validity_at(k)->name) == 0 && strcmp(faults[i].verdict, "pass") != 0);
        if (!seen)
            fail_msg("no fault here that %s must see", validity_at(k)->name);
    }
}

/* Each extent by itself; the dense model must have had the same data. */
static void mixtures_want_four_comparators(void **state)
{
    static const struct {
        const char *change, *reason;
    } missing[] = {
        {"UPDATE trial SET params_total = 50000 WHERE trial_id = 'd'", "equal total parameters beside"},
        {"UPDATE trial SET params_active = 50000 WHERE trial_id = 'd'", "equal active parameters beside"},
        {"UPDATE cost SET train_s = 5 WHERE trial_id = 'd'", "equal time beside"},
        {"UPDATE cost SET peak_rss_bytes = 500000 WHERE trial_id = 'd'", "equal memory beside"},
        {"UPDATE trial SET data_identity = 'world 2' WHERE trial_id = 'd'",
         "total parameters, active parameters, time, memory"},
        {"UPDATE trial SET tokens = 78 WHERE trial_id = 'd'", "total parameters, active parameters, time, memory"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        struct table verdicts;
        make_sound();
        execute(missing[i].change);
        verdicts = judged();
        expect(&verdicts, "m", "moe_comparators", "warn", missing[i].reason);
        table_release(&verdicts);
        store_close(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_sound_trial_passes, remove_store),
        cmocka_unit_test_teardown(every_fault_is_seen, remove_store),
        cmocka_unit_test_teardown(mixtures_want_four_comparators, remove_store),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
