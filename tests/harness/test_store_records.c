/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_records.c — goal: whatever was measured is found again in the view that shows it, and what
 * nobody may write is refused whole. Method: a store is filled through each door (records, hosts, benches,
 * rows) and asked in SQL. Percentiles are compared with figures worked out by hand. */
#include "harness/store/rows.h"
#include "tests/harness/store_fixture.h"

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
    assert_true(number(store, "SELECT flops_executed FROM v_costs WHERE energy_method = 'rapl'") ==
                123456789);
    assert_true(isnan(number(store, "SELECT flops_6nd FROM v_costs")));
    assert_true(number(store, "SELECT n FROM v_evals WHERE task = 'copy' AND metric = 'exact_match'") == 128);
    assert_true(isnan(number(store, "SELECT chance FROM v_evals")));
    assert_true(number(store, "SELECT count(*) FROM metric") == 2);
    assert_true(isnan(number(store, "SELECT value FROM metric WHERE name = 'grad_norm'")));
    assert_true(number(store, "SELECT share FROM moe_load WHERE layer = 1 AND expert = 3") == 0.5);
    assert_true(number(store, "SELECT count(*) FROM v_moe") == 2);
    assert_true(number(store, "SELECT max_over_mean FROM v_moe WHERE layer = 1 AND step = 4") == 2.5);
    assert_true(number(store, "SELECT max_over_mean FROM v_moe WHERE step = 8 AND dead_share = 0.25") == 1.5);
    assert_true(isnan(number(store, "SELECT dropped_share FROM v_moe WHERE step = 8"))); /* not sent: not known */
    assert_true(number(store, "SELECT p50_ms FROM v_latency WHERE phase = 'decode'") == 4);
    assert_true(number(store, "SELECT wall_s FROM attempt") >= 0);
    assert_true(number(store, "SELECT count(*) FROM corpus WHERE data_source = 'world'") == 1);
    store_close(store);
    free(plan.trials);
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
        expect_status(
            store_finish(store, plan.trials[0].id, attempt, &owner, OUTCOME_DONE, "", records, 2, &err),
            STATUS_FORMAT, &err);
        assert_true(*err.text);
        assert_true(number(store, "SELECT count(*) FROM metric") == 0);
    }
    finished(store, plan.trials[0].id, attempt, OUTCOME_FAILED, records, 1);
    store_close(store);
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
        records[i] = (struct record){.kind = RECORD_LATENCY,
                                     .name = "decode",
                                     .batch = 4,
                                     .tokens = 32,
                                     .index = i,
                                     .value = 1 + i * 7 % 10};
    records[10] =
        (struct record){.kind = RECORD_LATENCY, .name = "prefill", .batch = 2, .tokens = 64, .value = 8};
    records[11] = (struct record){.kind = RECORD_LATENCY,
                                  .name = "prefill",
                                  .batch = 2,
                                  .tokens = 64,
                                  .index = 1,
                                  .value = NAN}; /* missing: not a sample */
    finished(store, plan.trials[0].id, attempt, OUTCOME_DONE, records, 12);
    assert_true(number(store, "SELECT count(*) FROM v_latency") == 2);
    assert_true(fabs(number(store, "SELECT p50_ms FROM v_latency WHERE phase = 'decode'") - 5.5) < 1e-12);
    assert_true(fabs(number(store, "SELECT p95_ms FROM v_latency WHERE phase = 'decode'") - 9.55) < 1e-12);
    assert_true(fabs(number(store, "SELECT p99_ms FROM v_latency WHERE phase = 'decode'") - 9.91) < 1e-12);
    assert_true(
        fabs(number(store, "SELECT tokens_per_s FROM v_latency WHERE phase = 'decode'") - 4000 / 5.5) < 1e-9);
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
    static const struct bench_sample samples[] = {{"train", "width 64", "seconds", "s", false, 0, 0.5},
                                                  {"train", "width 64", "flops", "FLOPs", true, 0, 1e6}};
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
    assert_true(number(store, "SELECT count(*) FROM v_bench WHERE baselines = 'main' AND run_id = 'run-2'") ==
                1);
    store_close(store);
}

static void rows_of_others_come_in_whole(void **state)
{
    static const char *const trial_names[] = {"trial_id", "state", "final_attempt", "tokens", "heldout_loss"};
    static const char *const attempt_names[] = {"trial_id", "attempt", "state", "owner", "ended_at"};
    static const char *const bad_names[] = {"trial_id", "tokens = 1; --"};
    struct table trial, attempt, bad;
    struct rows sets[] = {
        {"trial", &trial, ROWS_KEEP}, {"attempt", &attempt, ROWS_KEEP}, {"cost", &bad, ROWS_KEEP}};
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
    static const char *const bad[] = {"DELETE FROM trial",
                                      "ATTACH ':memory:' AS x",
                                      "PRAGMA user_version = 7",
                                      "SELECT load_extension('x')",
                                      "SELECT 1; SELECT 2",
                                      "SELECT ?1",
                                      "BEGIN",
                                      "PRAGMA journal_mode = WAL",
                                      "SELECT",
                                      ""};
    const char *parameter = "16";
    struct plan plan = planned(3);
    struct store *store = with_plan(&plan);
    struct table table = {0};
    struct err err = ERR_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (store_query(store, bad[i], NULL, 0, &table, &err) != STATUS_USAGE)
            fail_msg("was not refused: %s", bad[i]);
    expect_status(store_query(store, "SELECT trial_id, width, NULL, 0.5 FROM v_trials WHERE width = ?1",
                              &parameter, 1, &table, &err),
                  STATUS_OK, &err);
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
        cmocka_unit_test_teardown(a_result_is_stored_whole, remove_store),
        cmocka_unit_test_teardown(bad_records_store_nothing, remove_store),
        cmocka_unit_test_teardown(percentiles_interpolate, remove_store),
        cmocka_unit_test_teardown(hosts_and_builds_are_found_again, remove_store),
        cmocka_unit_test_teardown(benches_are_stored_and_named, remove_store),
        cmocka_unit_test_teardown(rows_of_others_come_in_whole, remove_store),
        cmocka_unit_test_teardown(questions_only_read, remove_store),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
