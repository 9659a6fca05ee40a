/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_predict.c — `isoflop predict SPEC`: what a stored fit expects of trials that have not run yet.
 *
 * The law is L = E + A / N^alpha + B / D^beta (Hoffmann et al. 2022, eq. 2) with the letters as `fit` stored them. The
 * interval is the fit's own record: its mean relative error on the largest runs, which were held out of it. Taken as
 * the mean absolute value of a normal error, sigma is sqrt(pi / 2) times it, and 95 % are 1.96 sigma either way.
 *
 * Invariant: a prediction is never changed, and none is made of a trial that was ever begun. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/again.h"
#include "harness/cli/commands.h"
#include "harness/cli/print.h"
#include "harness/cli/sweep.h"
#include "harness/store/rows.h"

#define NORMAL_MEAN_ABSOLUTE 1.2533141373155003 /* sigma over the mean absolute value, sqrt(pi / 2) */

static const char fit_sql[] =
    "SELECT fit_id, max(params_convention), max(iif(letter = 'E', value, NULL)), max(iif(letter = 'A', value, NULL)),"
    " max(iif(letter = 'alpha', value, NULL)), max(iif(letter = 'B', value, NULL)),"
    " max(iif(letter = 'beta', value, NULL)), max(heldout_error) FROM fit"
    " WHERE law = 'chinchilla' AND (?1 IS NULL OR fit_id = ?1) GROUP BY fit_id"
    " HAVING count(*) FILTER (WHERE letter IN ('E', 'A', 'alpha', 'B', 'beta') AND value IS NOT NULL) = 5"
    " ORDER BY max(created_at) DESC, fit_id LIMIT 1";

struct law {
    char fit_id[160], convention[48];
    double E, A, alpha, B, beta, heldout_error;
};

static enum status read_law(struct store *store, const char *fit_id, struct law *out, struct err *err)
{
    struct table t;
    enum status status = store_query(store, fit_sql, &fit_id, 1, &t, err);
    if (status != STATUS_OK)
        return status;
    if (t.n_rows == 0) {
        table_release(&t);
        return err_set(err, STATUS_INSUFFICIENT, "no fit of L = E + A / N^alpha + B / D^beta %s%.80s is stored",
                       fit_id ? "called " : "with all five letters", fit_id ? fit_id : "");
    }
    *out = (struct law){.E = table_number(&t, 0, 2),
                        .A = table_number(&t, 0, 3),
                        .alpha = table_number(&t, 0, 4),
                        .B = table_number(&t, 0, 5),
                        .beta = table_number(&t, 0, 6),
                        .heldout_error = table_number(&t, 0, 7)};
    if (!str_copy(out->fit_id, sizeof out->fit_id, table_text(&t, 0, 0)) ||
        !str_copy(out->convention, sizeof out->convention, table_text(&t, 0, 1)))
        status = err_set(err, STATUS_FORMAT, "the name of a stored fit is too long");
    table_release(&t);
    return status;
}

/* The fit's N of a planned trial; NaN for a convention that a plan does not count in. */
static double size_of(const char *convention, const struct estimate *e)
{
    const struct {
        const char *name;
        int64_t count;
    } conventions[] = {{"params_total", e->params_total},
                       {"params_active", e->params_active},
                       {"params_non_embedding", e->params_non_embedding},
                       {"params_matmul", e->params_matmul}};
    for (size_t i = 0; i < sizeof conventions / sizeof *conventions; i++)
        if (strcmp(convention, conventions[i].name) == 0)
            return (double)conventions[i].count;
    return NAN;
}

static const char *const columns[] = {"fit_id", "trial_id", "metric", "value", "low", "high"};

static void add_row(struct table *out, const struct law *law, const struct planned_trial *trial, double params)
{
    double tokens = (double)trial->estimate.tokens;
    double value = law->E + law->A * pow(params, -law->alpha) + law->B * pow(tokens, -law->beta);
    double half = 1.959963984540054 * NORMAL_MEAN_ABSOLUTE * law->heldout_error * value;
    int row = table_add_row(out), c = 0;
    table_set_text(out, row, c++, law->fit_id);
    table_set_text(out, row, c++, trial->id);
    table_set_text(out, row, c++, "heldout_loss");
    table_set_real(out, row, c++, value);
    table_set_real(out, row, c++, value - half);
    table_set_real(out, row, c++, value + half);
}

static enum status was_begun(struct store *store, const char *trial_id, bool *out, struct err *err)
{
    struct table t;
    enum status status = store_query(store, "SELECT 1 FROM attempt WHERE trial_id = ?1", &trial_id, 1, &t, err);
    if (status == STATUS_OK) {
        *out = t.n_rows > 0;
        table_release(&t);
    }
    return status;
}

/* Rows for the dense trials that nobody has begun; the law knows no experts. */
static enum status predict(struct store *store, const struct plan *plan, const struct law *law, struct table *out,
                           struct err *err)
{
    enum status status = STATUS_OK;
    for (int i = 0; i < plan->n_trials && status == STATUS_OK; i++) {
        const struct planned_trial *trial = &plan->trials[i];
        double params = size_of(law->convention, &trial->estimate);
        bool begun = false;
        if (isnan(params))
            return err_set(err, STATUS_INSUFFICIENT, "fit %s counts N as %s, which a plan does not", law->fit_id,
                           law->convention);
        status = was_begun(store, trial->id, &begun, err);
        if (status == STATUS_OK && !begun && trial->knobs.experts == 1)
            add_row(out, law, trial, params);
    }
    return status;
}

/* What the store now says the fit predicted of the spec, earlier predictions among it. */
static const char stored_sql[] =
    "SELECT p.fit_id, p.trial_id, t.params_total, t.tokens, p.metric, p.value, p.low, p.high, p.predicted_at"
    " FROM prediction p JOIN trial t ON t.trial_id = p.trial_id WHERE p.fit_id = ?1 AND p.trial_id IN"
    " (SELECT trial_id FROM v_spec_trials WHERE spec = ?2) ORDER BY t.params_total, t.tokens, t.seed, p.trial_id";

/* *left_out counts the trials of which nothing could be predicted now; the caller releases out when all went well. */
static enum status store_them(const char *db, const struct plan *plan, const char *fit_id, struct table *out,
                              int *left_out, struct err *err)
{
    struct table fresh;
    struct rows set = {.table = "prediction", .rows = &fresh, .conflict = ROWS_KEEP};
    struct store *store;
    struct law law;
    enum status status = store_open(&store, db, STORE_CHANGE, err);
    if (status != STATUS_OK)
        return status;
    table_init(&fresh, (int)(sizeof columns / sizeof *columns), columns);
    status = read_law(store, fit_id, &law, err);
    if (status == STATUS_OK)
        status = predict(store, plan, &law, &fresh, err);
    if (status == STATUS_OK && fresh.n_rows > 0)
        status = store_put_plan(store, plan, err); /* a prediction is of a trial that the store knows */
    if (status == STATUS_OK)
        status = store_put_rows(store, &set, 1, err);
    if (status == STATUS_OK) {
        const char *const which[] = {law.fit_id, plan->name};
        *left_out = plan->n_trials - fresh.n_rows;
        status = store_query(store, stored_sql, which, 2, out, err);
    }
    table_release(&fresh);
    store_close(store);
    return status;
}

int cmd_predict(struct invocation *invocation)
{
    static const char *const kept[] = {"set", NULL};
    const struct options *o = &invocation->options;
    struct err err = ERR_INIT;
    struct plan plan;
    struct table rows;
    struct str again; /* its text becomes the plan's */
    int n, code, left_out = 0;
    const char *const *overrides = option_list(o, "set", &n);
    if (plan_load(&plan, o->arguments[0], overrides, n, &sweep_hooks, &err) != STATUS_OK)
        return failed(&err);
    str_init(&again);
    again_append(invocation, kept, &again);
    plan.command = again.text;
    if (store_them(invocation->db, &plan, option_text(o, "fit"), &rows, &left_out, &err) == STATUS_OK) {
        code = print_table(invocation, &rows, "isoflop.predict.v1");
        table_release(&rows);
        if (left_out > 0 && !invocation->quiet)
            (void)fprintf(stderr, "isoflop: nothing is predicted of %d of %d trials: begun already, or mixtures\n",
                          left_out, plan.n_trials);
    } else {
        code = failed(&err);
    }
    plan_release(&plan);
    return code;
}
