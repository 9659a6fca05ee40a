/* SPDX-License-Identifier: Apache-2.0 */
/* test_store.c — goal: a finished trial is never lost, never doubled, never half there.
 * Method: stores in a folder of their own, plans made by hand, two connections or a forked child where two
 * runners are needed. Percentiles are compared with figures worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/store/internal.h"
#include "harness/store/rows.h"

static char folder[] = "/tmp/isoflop-store-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && snprintf(path, sizeof path, "%s/test.db", folder) > 0 ? 0 : -1;
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

/* Fails with the error's text unless status is the expected one. */
static void expect_status(enum status status, enum status wanted, const struct err *err)
{
    if (status != wanted)
        fail_msg("expected '%s', got '%s': %s", status_name(wanted), status_name(status), err->text);
}

static struct store *opened(enum store_mode mode)
{
    struct store *store = NULL;
    struct err err = ERR_INIT;
    expect_status(store_open(&store, path, mode, &err), STATUS_OK, &err);
    return store;
}

/* n trials of widths 8, 16, …, the largest first, as a plan is. */
static struct plan planned(int n)
{
    struct plan plan = {.name = "test", .n_trials = n};
    plan.trials = calloc((size_t)n, sizeof *plan.trials);
    assert_non_null(plan.trials);
    for (int i = 0; i < n; i++) {
        struct planned_trial *trial = &plan.trials[i];
        (void)snprintf(trial->id, sizeof trial->id, "%032x", i);
        knobs_preset(&trial->knobs);
        trial->knobs.width = 8 * (n - i);
        trial->estimate = (struct estimate){.params_total = 1000 * (n - i), .flops = 1e6 * (n - i), .bytes = 1e6};
    }
    return plan;
}

static struct owner this_runner(void)
{
    struct owner owner = {.pid = getpid()};
    store_owner_token(owner.token, sizeof owner.token);
    return owner;
}

/* The one number that SQL answers; NaN for NULL. */
static double number(struct store *store, const char *sql)
{
    struct table table;
    struct err err = ERR_INIT;
    double value;
    expect_status(store_query(store, sql, NULL, 0, &table, &err), STATUS_OK, &err);
    assert_int_equal(table.n_rows, 1);
    value = table_number(&table, 0, 0);
    table_release(&table);
    return value;
}

static struct store *with_plan(const struct plan *plan)
{
    struct store *store = opened(STORE_WRITE);
    struct err err = ERR_INIT;
    expect_status(store_put_plan(store, plan, &err), STATUS_OK, &err);
    return store;
}

static int64_t claimed(struct store *store, const struct plan *plan, const struct owner *owner, int *index)
{
    struct err err = ERR_INIT;
    int64_t attempt = 0;
    expect_status(store_claim(store, plan, owner, index, &attempt, &err), STATUS_OK, &err);
    return attempt;
}

static int prepared(struct store *store, const struct plan *plan, enum store_rerun rerun)
{
    struct err err = ERR_INIT;
    int n = -1;
    expect_status(store_prepare(store, plan, rerun, &n, &err), STATUS_OK, &err);
    return n;
}

static void finished(struct store *store, const char *id, int64_t attempt, enum outcome outcome,
                     const struct record *records, int n)
{
    struct owner owner = this_runner();
    struct err err = ERR_INIT;
    expect_status(store_finish(store, id, attempt, &owner, outcome, "because", records, n, &err), STATUS_OK, &err);
}

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
    assert_true(isnan(number(store, "SELECT predicted_seconds FROM v_trials LIMIT 1"))); /* 0 means not known */
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
        expect_status(store_claim(i ? second : first, &plan, &owner, &index, &attempt, &err), STATUS_DONE, &err);
        assert_int_equal(index, -1);
    }
    store_close(first);
    store_close(second);
    free(plan.trials);
}

/* One record of every kind that is kept. */
static int sample_records(struct record *records)
{
    static const struct record all[] = {
        {.kind = RECORD_PROGRESS, .step = 1, .count = 8, .value = 3},
        {.kind = RECORD_METRIC, .step = 8, .name = "train_loss", .value = 2.5},
        {.kind = RECORD_METRIC, .step = 9, .name = "grad_norm", .value = NAN},
        {.kind = RECORD_EVAL, .step = 8, .task = "copy", .name = "exact_match", .value = 0.25, .count = 128,
         .stderror = 0.04, .chance = NAN},
        {.kind = RECORD_COST, .name = "flops_executed", .value = 123456789},
        {.kind = RECORD_COST, .name = "peak_rss_bytes", .value = 1 << 20},
        {.kind = RECORD_COST, .name = "energy_j", .value = 5},
        {.kind = RECORD_TEXT, .name = "energy_method", .text = "rapl"},
        {.kind = RECORD_TEXT, .name = "blas_core", .text = "SkylakeX"},
        {.kind = RECORD_TEXT, .name = "data_identity", .text = "world 1"},
        {.kind = RECORD_FACT, .name = "heldout_loss", .value = 2.25},
        {.kind = RECORD_FACT, .name = "entropy_floor", .value = 1.25},
        {.kind = RECORD_FACT, .name = "excess", .value = 1},
        {.kind = RECORD_FACT, .name = "params_total", .value = 4321},
        {.kind = RECORD_MOE_LOAD, .step = 8, .index = 1, .batch = 3, .value = 0.5},
        {.kind = RECORD_LATENCY, .name = "decode", .batch = 2, .tokens = 64, .index = 0, .value = 4},
        {.kind = RECORD_OUTCOME, .name = "done"},
    };
    memcpy(records, all, sizeof all);
    return (int)(sizeof all / sizeof *all);
}

static void a_result_is_stored_whole(void **state)
{
    struct plan plan = planned(2);
    struct store *store = with_plan(&plan);
    struct owner owner = this_runner();
    struct record records[32];
    int index, n = sample_records(records);
    int64_t attempt = claimed(store, &plan, &owner, &index);
    (void)state;
    finished(store, plan.trials[index].id, attempt, OUTCOME_DONE, records, n);
    assert_true(number(store, "SELECT count(*) FROM v_trials WHERE state = 'done'") == 1);
    assert_true(number(store, "SELECT heldout_loss - excess_nats - entropy_floor FROM v_points") == 0);
    assert_true(number(store, "SELECT params_total FROM v_points WHERE blas_core = 'SkylakeX'") == 4321);
    assert_true(number(store, "SELECT flops_executed FROM v_costs WHERE energy_method = 'rapl'") == 123456789);
    assert_true(isnan(number(store, "SELECT flops_6nd FROM v_costs")));
    assert_true(number(store, "SELECT n FROM v_evals WHERE task = 'copy' AND metric = 'exact_match'") == 128);
    assert_true(isnan(number(store, "SELECT chance FROM v_evals")));
    assert_true(number(store, "SELECT count(*) FROM metric") == 2);
    assert_true(isnan(number(store, "SELECT value FROM metric WHERE name = 'grad_norm'")));
    assert_true(number(store, "SELECT share FROM moe_load WHERE layer = 1 AND expert = 3") == 0.5);
    assert_true(number(store, "SELECT p50_ms FROM v_latency WHERE phase = 'decode'") == 4);
    assert_true(number(store, "SELECT wall_s FROM attempt") >= 0);
    assert_true(number(store, "SELECT count(*) FROM corpus WHERE data_source = 'world'") == 1);
    store_close(store);
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
    expect_status(store_finish(store, plan.trials[0].id, attempt + 1, &owner, OUTCOME_DONE, "", records, n, &err),
                  STATUS_CORRUPT, &err);
    assert_true(number(store, "SELECT count(*) FROM metric") == 0);
    finished(store, plan.trials[0].id, attempt, OUTCOME_DONE, records, n);
    expect_status(store_finish(store, plan.trials[0].id, attempt, &owner, OUTCOME_FAILED, "", records, n, &err),
                  STATUS_CORRUPT, &err);
    assert_true(number(store, "SELECT count(*) FROM trial WHERE state = 'done'") == 1);
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
    assert_true(number(store, "SELECT count(*) FROM v_trials WHERE state = 'failed' AND reason = 'because'") == 1);
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
    finished(store, id, 3, OUTCOME_DIVERGED, records, 2); /* tells no loss: the old one must not stay beside it */
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
    store_close(store); /* no connection is carried across a fork */
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
    assert_true(number(store, "SELECT count(*) FROM attempt WHERE state = 'stale' AND ended_at IS NOT NULL") == 1);
    assert_int_equal(claimed(store, &plan, &owner, &index), 2);
    assert_int_equal(index, 1);
    store_close(store);
    free(plan.trials);
}

static void owners_are_told_apart(void **state)
{
    struct owner owner = this_runner();
    char other[64];
    char *colon;
    (void)state;
    assert_true(store_owner_alive(owner.token, 0));
    assert_true(str_copy(other, sizeof other, owner.token));
    other[0] = other[0] == '0' ? '1' : '0'; /* another boot */
    assert_false(store_owner_alive(other, getpid()));
    assert_true(str_copy(other, sizeof other, owner.token));
    colon = strrchr(other, ':'); /* another process that had this number */
    assert_true(str_copy(colon + 1, 2, "1"));
    assert_false(store_owner_alive(other, getpid()));
    assert_true(store_owner_alive("no token of ours", getpid()));
    assert_false(store_owner_alive("no token of ours", 0));
}

static void bad_records_store_nothing(void **state)
{
    static const struct record bad[] = {
        {.kind = RECORD_COST, .name = "happiness"},
        {.kind = RECORD_FACT, .name = "state"}, /* a column, but no fact */
        {.kind = RECORD_TEXT, .name = "trial_id", .text = "x"},
        {.kind = RECORD_COST, .name = "peak_rss_bytes", .value = 0.5},
        {.kind = RECORD_COST, .name = "energy_j", .value = 5}, /* no method */
        {.kind = RECORD_LATENCY, .name = "thinking"},
        {.kind = (enum record_kind)99},
    };
    struct plan plan = planned(1);
    struct store *store = with_plan(&plan);
    struct owner owner = this_runner();
    struct record records[2] = {{.kind = RECORD_METRIC, .name = "lr", .value = 1}};
    int index;
    int64_t attempt = claimed(store, &plan, &owner, &index);
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = ERR_INIT;
        records[1] = bad[i];
        expect_status(store_finish(store, plan.trials[0].id, attempt, &owner, OUTCOME_DONE, "", records, 2, &err),
                      STATUS_FORMAT, &err);
        assert_true(*err.text);
        assert_true(number(store, "SELECT count(*) FROM metric") == 0);
    }
    finished(store, plan.trials[0].id, attempt, OUTCOME_FAILED, records, 1);
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
    expect_status(store_finish(store, plan.trials[0].id, attempt, &owner, OUTCOME_DONE, "", records, 20000, &err),
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

/* Samples 1 … n ms in a shuffled order. Linear interpolation: rank p (n - 1) / 100 from 0. */
static void percentiles_interpolate(void **state)
{
    struct plan plan = planned(1);
    struct store *store = with_plan(&plan);
    struct owner owner = this_runner();
    struct record records[12] = {0};
    int index;
    int64_t attempt = claimed(store, &plan, &owner, &index);
    (void)state;
    for (int i = 0; i < 10; i++)
        records[i] = (struct record){.kind = RECORD_LATENCY, .name = "decode", .batch = 4, .tokens = 32, .index = i,
                                     .value = 1 + i * 7 % 10};
    records[10] = (struct record){.kind = RECORD_LATENCY, .name = "prefill", .batch = 2, .tokens = 64, .value = 8};
    records[11] = (struct record){.kind = RECORD_LATENCY, .name = "prefill", .batch = 2, .tokens = 64, .index = 1,
                                  .value = NAN}; /* missing: not a sample */
    finished(store, plan.trials[0].id, attempt, OUTCOME_DONE, records, 12);
    assert_true(number(store, "SELECT count(*) FROM v_latency") == 2);
    assert_true(fabs(number(store, "SELECT p50_ms FROM v_latency WHERE phase = 'decode'") - 5.5) < 1e-12);
    assert_true(fabs(number(store, "SELECT p95_ms FROM v_latency WHERE phase = 'decode'") - 9.55) < 1e-12);
    assert_true(fabs(number(store, "SELECT p99_ms FROM v_latency WHERE phase = 'decode'") - 9.91) < 1e-12);
    assert_true(fabs(number(store, "SELECT tokens_per_s FROM v_latency WHERE phase = 'decode'") - 4000 / 5.5) < 1e-9);
    assert_true(number(store, "SELECT p99_ms FROM v_latency WHERE phase = 'prefill' AND n = 1") == 8);
    assert_true(number(store, "SELECT tokens_per_s FROM v_latency WHERE phase = 'prefill'") == 16000);
    store_close(store);
    free(plan.trials);
}

static void hosts_and_builds_are_found_again(void **state)
{
    struct store *store = opened(STORE_WRITE);
    struct host_info host = {.key = "k", .cpu_model = "m", .logical_cpus = 2};
    struct build_info build = {.version = "1"};
    int64_t id[5] = {0};
    struct err err = ERR_INIT;
    (void)state;
    expect_status(store_host(store, &host, &id[0], &err), STATUS_OK, &err);
    expect_status(store_host(store, &host, &id[1], &err), STATUS_OK, &err);
    host.logical_cpus = 4;
    expect_status(store_host(store, &host, &id[2], &err), STATUS_OK, &err);
    expect_status(store_build(store, &build, &id[3], &err), STATUS_OK, &err);
    expect_status(store_build(store, &build, &id[4], &err), STATUS_OK, &err);
    assert_true(id[0] > 0 && id[0] == id[1] && id[1] != id[2] && id[3] > 0 && id[3] == id[4]);
    store_close(store);
}

static void benches_are_stored_and_named(void **state)
{
    static const struct bench_sample samples[] = {
        {"train", "width 64", "seconds", "s", false, 0, 0.5}, {"train", "width 64", "flops", "FLOPs", true, 0, 1e6}};
    struct store *store = opened(STORE_WRITE);
    struct owner owner = this_runner();
    struct err err = ERR_INIT;
    (void)state;
    expect_status(store_put_bench(store, "run-1", &owner, samples, 2, &err), STATUS_OK, &err);
    expect_status(store_put_bench(store, "run-2", &owner, samples, 1, &err), STATUS_OK, &err);
    expect_status(store_put_baseline(store, "main", "run-1", &err), STATUS_OK, &err);
    expect_status(store_put_baseline(store, "main", "run-2", &err), STATUS_OK, &err);
    expect_status(store_put_baseline(store, "main", "run-3", &err), STATUS_NOT_FOUND, &err);
    expect_status(store_put_baseline(store, "-x", "run-2", &err), STATUS_USAGE, &err);
    assert_true(number(store, "SELECT count(*) FROM v_bench") == 3);
    assert_true(number(store, "SELECT count(*) FROM v_bench WHERE baselines = 'main' AND run_id = 'run-2'") == 1);
    store_close(store);
}

static void rows_of_others_come_in_whole(void **state)
{
    static const char *const trial_names[] = {"trial_id", "state", "final_attempt", "tokens", "heldout_loss"};
    static const char *const attempt_names[] = {"trial_id", "attempt", "state", "owner", "ended_at"};
    static const char *const bad_names[] = {"trial_id", "tokens = 1; --"};
    struct table trial, attempt, bad;
    struct rows sets[] = {{"trial", &trial, ROWS_KEEP}, {"attempt", &attempt, ROWS_KEEP}, {"cost", &bad, ROWS_KEEP}};
    struct store *store = opened(STORE_WRITE);
    struct err err = ERR_INIT;
    (void)state;
    table_init(&trial, 5, trial_names);
    table_init(&attempt, 5, attempt_names);
    table_init(&bad, 2, bad_names);
    (void)table_add_row(&trial);
    (void)table_add_row(&attempt);
    table_set_text(&trial, 0, 0, "hoffmann-1");
    table_set_text(&trial, 0, 1, "done");
    table_set_integer(&trial, 0, 2, 1);
    table_set_real(&trial, 0, 4, 2.5);
    table_set_text(&attempt, 0, 0, "hoffmann-1");
    table_set_integer(&attempt, 0, 1, 1);
    table_set_text(&attempt, 0, 2, "done");
    table_set_text(&attempt, 0, 3, "import");
    table_set_text(&attempt, 0, 4, "2022-03-29T00:00:00Z");
    expect_status(store_put_rows(store, sets, 3, &err), STATUS_USAGE, &err);
    assert_true(number(store, "SELECT count(*) FROM trial") == 0);
    expect_status(store_put_rows(store, sets, 1, &err), STATUS_FORMAT, &err); /* its attempt is missing */
    expect_status(store_put_rows(store, sets, 2, &err), STATUS_OK, &err);
    table_set_real(&trial, 0, 4, 3.5);
    expect_status(store_put_rows(store, sets, 2, &err), STATUS_OK, &err);
    assert_true(number(store, "SELECT heldout_loss FROM v_points") == 2.5);
    sets[0].conflict = ROWS_REPLACE;
    expect_status(store_put_rows(store, sets, 1, &err), STATUS_OK, &err);
    assert_true(number(store, "SELECT heldout_loss FROM v_points") == 3.5);
    table_release(&trial);
    table_release(&attempt);
    table_release(&bad);
    store_close(store);
}

static void questions_only_read(void **state)
{
    static const char *const bad[] = {"DELETE FROM trial", "ATTACH ':memory:' AS x", "PRAGMA user_version = 7",
                                      "SELECT load_extension('x')", "SELECT 1; SELECT 2", "SELECT ?1", "BEGIN",
                                      "PRAGMA journal_mode = WAL", "SELECT", ""};
    const char *parameter = "16";
    struct plan plan = planned(3);
    struct store *store = with_plan(&plan);
    struct table table = {0};
    struct err err = ERR_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (store_query(store, bad[i], NULL, 0, &table, &err) != STATUS_USAGE)
            fail_msg("was not refused: %s", bad[i]);
    expect_status(store_query(store, "SELECT trial_id, width, NULL, 0.5 FROM v_trials WHERE width = ?1", &parameter, 1,
                              &table, &err), STATUS_OK, &err);
    assert_int_equal(table.n_rows, 1);
    assert_string_equal(table.names[1], "width");
    assert_int_equal(table_cell(&table, 0, 1)->integer, 16);
    assert_int_equal(table_cell(&table, 0, 2)->kind, CELL_NULL);
    assert_true(table_number(&table, 0, 3) == 0.5);
    table_release(&table);
    store_close(store);
    store = opened(STORE_READ);
    expect_status(store_put_plan(store, &plan, &err), STATUS_IO, &err);
    store_close(store);
    free(plan.trials);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_plan_is_put_once, remove_store),
        cmocka_unit_test_teardown(trials_are_claimed_largest_first_and_once, remove_store),
        cmocka_unit_test_teardown(a_result_is_stored_whole, remove_store),
        cmocka_unit_test_teardown(a_late_result_is_refused, remove_store),
        cmocka_unit_test_teardown(failures_are_kept_apart, remove_store),
        cmocka_unit_test_teardown(an_interrupted_trial_is_pending_again, remove_store),
        cmocka_unit_test_teardown(a_dead_runner_s_trial_is_taken_back, remove_store),
        cmocka_unit_test(owners_are_told_apart),
        cmocka_unit_test_teardown(bad_records_store_nothing, remove_store),
        cmocka_unit_test_teardown(a_full_disk_leaves_nothing_half, remove_store),
        cmocka_unit_test_teardown(percentiles_interpolate, remove_store),
        cmocka_unit_test_teardown(hosts_and_builds_are_found_again, remove_store),
        cmocka_unit_test_teardown(benches_are_stored_and_named, remove_store),
        cmocka_unit_test_teardown(rows_of_others_come_in_whole, remove_store),
        cmocka_unit_test_teardown(questions_only_read, remove_store),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
