/* SPDX-License-Identifier: Apache-2.0 */
/* store_fixture.h — what the tests of the store share: a folder of their own, plans made by hand, one record
 * of every kind, and short ways to say "this must succeed". Each test program includes it once. */
#ifndef TESTS_HARNESS_STORE_FIXTURE_H
#define TESTS_HARNESS_STORE_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/store/internal.h"

static char folder[] = "/tmp/isoflop-store-XXXXXX";
static char path[64];

static inline int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && snprintf(path, sizeof path, "%s/test.db", folder) > 0 ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static inline int remove_store(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

/* Fails with the error's text unless status is the expected one. */
static inline void expect_status(enum status status, enum status wanted, const struct err *err)
{
    if (status != wanted)
        fail_msg("expected '%s', got '%s': %s", status_name(wanted), status_name(status), err->text);
}

static inline struct store *opened(enum store_mode mode)
{
    struct store *store = NULL;
    struct err err = ERR_INIT;
    expect_status(store_open(&store, path, mode, &err), STATUS_OK, &err);
    return store;
}

/* n trials of widths 8, 16, …, the largest first, as a plan is. */
static inline struct plan planned(int n)
{
    struct plan plan = {.name = "test", .n_trials = n};
    plan.trials = calloc((size_t)n, sizeof *plan.trials);
    assert_non_null(plan.trials);
    for (int i = 0; i < n; i++) {
        struct planned_trial *trial = &plan.trials[i];
        (void)snprintf(trial->id, sizeof trial->id, "%032x", i);
        knobs_preset(&trial->knobs);
        trial->knobs.width = 8 * (n - i);
        trial->estimate =
            (struct estimate){.params_total = 1000 * (n - i), .flops = 1e6 * (n - i), .bytes = 1e6};
    }
    return plan;
}

static inline struct owner this_runner(void)
{
    struct owner owner = {.pid = getpid()};
    store_owner_token(owner.token, sizeof owner.token);
    return owner;
}

/* The one number that SQL answers; NaN for NULL. */
static inline double number(struct store *store, const char *sql)
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

static inline struct store *with_plan(const struct plan *plan)
{
    struct store *store = opened(STORE_WRITE);
    struct err err = ERR_INIT;
    expect_status(store_put_plan(store, plan, &err), STATUS_OK, &err);
    return store;
}

static inline int64_t claimed(struct store *store, const struct plan *plan, const struct owner *owner,
                              int *index)
{
    struct err err = ERR_INIT;
    int64_t attempt = 0;
    expect_status(store_claim(store, plan, owner, index, &attempt, &err), STATUS_OK, &err);
    return attempt;
}

static inline int prepared(struct store *store, const struct plan *plan, enum store_rerun rerun)
{
    struct err err = ERR_INIT;
    int n = -1;
    expect_status(store_prepare(store, plan, rerun, &n, &err), STATUS_OK, &err);
    return n;
}

static inline void finished(struct store *store, const char *id, int64_t attempt, enum outcome outcome,
                            const struct record *records, int n)
{
    struct owner owner = this_runner();
    struct err err = ERR_INIT;
    expect_status(store_finish(store, id, attempt, &owner, outcome, "because", records, n, &err), STATUS_OK,
                  &err);
}

/* One record of every kind that is kept. */
static inline int sample_records(struct record *records)
{
    static const struct record all[] = {
        {.kind = RECORD_PROGRESS, .step = 1, .count = 8, .value = 3},
        {.kind = RECORD_METRIC, .step = 8, .name = "train_loss", .value = 2.5},
        {.kind = RECORD_METRIC, .step = 9, .name = "grad_norm", .value = NAN},
        {.kind = RECORD_EVAL,
         .step = 8,
         .task = "copy",
         .name = "exact_match",
         .value = 0.25,
         .count = 128,
         .stderror = 0.04,
         .chance = NAN},
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
        {.kind = RECORD_MOE_METRIC, .step = 4, .index = 1, .name = "max_over_mean", .value = 2.5},
        {.kind = RECORD_MOE_METRIC, .step = 8, .index = 1, .name = "max_over_mean", .value = 1.5},
        {.kind = RECORD_MOE_METRIC, .step = 8, .index = 1, .name = "dead_share", .value = 0.25},
        {.kind = RECORD_LATENCY, .name = "decode", .batch = 2, .tokens = 64, .index = 0, .value = 4},
        {.kind = RECORD_OUTCOME, .name = "done"},
    };
    memcpy(records, all, sizeof all);
    return (int)(sizeof all / sizeof *all);
}

#endif
