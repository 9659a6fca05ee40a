/* SPDX-License-Identifier: Apache-2.0 */
/* test_salvage.c — goal: of a damaged store everything that can be read is saved, as a store that is in order, and the
 * damaged file is not touched.
 * Method: a store of some hundred finished trials is salvaged whole, then with each of its pages overwritten in turn. */
#include "harness/store/salvage.h"
#include "tests/harness/store_fixture.h"

enum { TRIALS = 300, PAGE = 4096 };

static char out[80];

static int remove_both(void **state)
{
    (void)unlink(out);
    return remove_store(state);
}

static void make_store(void)
{
    struct plan plan = planned(TRIALS);
    struct store *store = with_plan(&plan);
    struct owner owner = this_runner();
    struct record records[32];
    int n = sample_records(records), index;
    struct err err = ERR_INIT;
    (void)snprintf(out, sizeof out, "%s.saved", path);
    expect_status(db_exec(store->db, "PRAGMA synchronous = OFF", &err), STATUS_OK, &err);
    for (int i = 0; i < TRIALS; i++) {
        int64_t attempt = claimed(store, &plan, &owner, &index);
        finished(store, plan.trials[index].id, attempt, OUTCOME_DONE, records, n);
    }
    store_close(store);
    free(plan.trials);
}

/* Salvages and opens what was saved, which checks it; NULL when nothing could be saved. */
static struct store *saved(struct err *err)
{
    struct table report;
    struct store *store = NULL;
    (void)unlink(out);
    if (salvage(path, out, &report, err) != STATUS_OK)
        return NULL;
    table_release(&report);
    expect_status(store_open(&store, out, STORE_WRITE, err), STATUS_OK, err);
    return store;
}

static void a_healthy_store_is_saved_whole(void **state)
{
    struct err err = ERR_INIT;
    struct store *store;
    struct table report;
    (void)state;
    make_store();
    store = saved(&err);
    assert_non_null(store);
    assert_true(number(store, "SELECT count(*) FROM v_points") == TRIALS);
    assert_true(number(store, "SELECT count(*) FROM metric") == 2 * TRIALS);
    assert_true(number(store, "SELECT count(*) FROM v_costs WHERE energy_j = 5") == TRIALS);
    assert_true(number(store, "SELECT count(*) FROM v_trials WHERE spec = 'test'") == TRIALS);
    store_close(store);
    expect_status(salvage(path, out, &report, &err), STATUS_IO, &err); /* never over a file that is there */
}

static void overwrite(FILE *file, long page, const char *with)
{
    assert_int_equal(fseek(file, page * PAGE, SEEK_SET), 0);
    assert_int_equal(fwrite(with, 1, PAGE, file), PAGE);
    assert_int_equal(fflush(file), 0);
}

static void one_lost_page_costs_little(void **state)
{
    char garbage[PAGE], page[PAGE];
    FILE *file;
    long pages;
    int refused = 0, tried = 0;
    double share = 0;
    (void)state;
    make_store();
    memset(garbage, 0xa5, sizeof garbage);
    file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    pages = ftell(file) / PAGE;
    for (long at = 1; at < pages; at += 3) {
        struct err err = ERR_INIT;
        struct store *store;
        assert_int_equal(fseek(file, at * PAGE, SEEK_SET), 0);
        assert_int_equal(fread(page, 1, PAGE, file), PAGE);
        overwrite(file, at, garbage);
        store = saved(&err);
        assert_int_equal(fseek(file, at * PAGE, SEEK_SET), 0);
        assert_int_equal(fread(garbage, 1, PAGE, file), PAGE);
        for (int i = 0; i < PAGE; i++) /* the damaged file is as it was */
            assert_int_equal(garbage[i], (char)0xa5);
        overwrite(file, at, page);
        if (!store) {
            refused++;
            continue;
        }
        int done = (int)number(store, "SELECT count(*) FROM v_points");
        share += (double)done / TRIALS;
        tried++;
        /* A trial is either there with its measurements' attempt or waits to be run again. */
        assert_true(number(store, "SELECT count(*) FROM trial WHERE state NOT IN ('done', 'pending')") == 0);
        store_close(store);
    }
    (void)fclose(file);
    assert_true(refused <= 5); /* the pages that list the tables */
    assert_true(pages > 60);
    if (share / tried < 0.9)
        fail_msg("of %d damaged files %.3f of the trials were saved on average", tried, share / tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_healthy_store_is_saved_whole, remove_both),
        cmocka_unit_test_teardown(one_lost_page_costs_little, remove_both),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
