/* SPDX-License-Identifier: Apache-2.0 */
/* fit_store.c — see fit_store.h. The points' table is sorted by trial_id, so that a verdict finds its row by halving. */
#include "harness/cli/fit_store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/cli/judge.h"
#include "harness/store/store.h"

void fit_leave_out(struct fit_points *out, const char *trial_id, int row, const char *why, const char *detail)
{
    char point[LAW_POINT_TEXT];
    int at = table_add_row(&out->left_out);
    if (trial_id)
        (void)snprintf(point, sizeof point, "trial %s", trial_id);
    else
        (void)snprintf(point, sizeof point, "row %d", row);
    table_set_text(&out->left_out, at, FIT_OUT_POINT, point);
    if (trial_id)
        table_set_text(&out->left_out, at, FIT_OUT_TRIAL, trial_id);
    table_set_text(&out->left_out, at, FIT_OUT_WHY, why);
    if (detail && *detail)
        table_set_text(&out->left_out, at, FIT_OUT_DETAIL, detail);
}

/* ---- Reading ---- */

#define OF_SPEC " AND (?1 IS NULL OR t.trial_id IN (SELECT trial_id FROM v_spec_trials WHERE spec = ?1))"

/* Trials that have no point: their state, and what the last attempt said. */
static enum status read_missing(struct store *store, struct fit_points *out, const char *const parameters[2], struct err *err)
{
    static const char sql[] =
        "SELECT t.trial_id, t.state, (SELECT reason FROM attempt a WHERE a.trial_id = t.trial_id ORDER BY attempt DESC LIMIT 1)"
        " FROM trial t WHERE t.state IN ('diverged', 'failed', 'timeout', 'oom')" OF_SPEC
        " UNION ALL SELECT t.trial_id, 'shrunk', t.shrink FROM trial t WHERE t.state = 'done' AND ?2 = '0'"
        " AND coalesce(t.shrink, 'none') <> 'none'" OF_SPEC
        " UNION ALL SELECT t.trial_id, 'without held-out loss', NULL FROM trial t WHERE t.state = 'done'"
        " AND t.heldout_loss IS NULL AND (?2 = '1' OR coalesce(t.shrink, 'none') = 'none')" OF_SPEC " ORDER BY 2, 1";
    struct table missing;
    enum status status = store_query(store, sql, parameters, 2, &missing, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < missing.n_rows; i++)
        fit_leave_out(out, table_text(&missing, i, 0), 0, table_text(&missing, i, 1), table_text(&missing, i, 2));
    table_release(&missing);
    return STATUS_OK;
}

enum status fit_store_read(struct fit_points *out, const struct invocation *invocation, const struct law *law, struct table *table,
                           struct err *err)
{
    static const char sql[] =
        "SELECT t.*, CASE t.shrink WHEN 'none' THEN 32 WHEN 'int8' THEN 8 WHEN 'int4' THEN 4 END AS bits FROM v_points t"
        " WHERE t.heldout_loss IS NOT NULL AND (?2 = '1' OR coalesce(t.shrink, 'none') = 'none')" OF_SPEC " ORDER BY t.trial_id";
    const char *parameters[] = {option_text(&invocation->options, "spec"), law == &laws[LAW_PRECISION] ? "1" : "0"};
    struct store *store;
    enum status status = store_open(&store, invocation->db, STORE_READ, err);
    if (status != STATUS_OK)
        return status;
    status = read_missing(store, out, parameters, err);
    if (status == STATUS_OK)
        status = judge_trials(store, &out->verdicts, err);
    if (status == STATUS_OK)
        status = store_query(store, sql, parameters, 2, table, err);
    store_close(store);
    return status;
}

/* ---- Validity ---- */

enum { VERDICT_TRIAL, VERDICT_CHECK, VERDICT, VERDICT_REASON };

/* Checks that bear on a law of held-out loss; the others speak of seconds, of abilities or of mixtures beside dense models. */
static bool bears_on(const struct law *law, const char *check)
{
    static const char *const of_loss[] = {"params_convention", "learning_rate",   "warmup",        "schedule_horizon",
                                          "batch_beta2",       "optimum_interior", "seeds",         "budget_achieved",
                                          "repeated_data",     "tokenizer",        "item_overlap",  "missing_as_zero"};
    if (law == &laws[LAW_DATA_CONSTRAINED] && strcmp(check, "repeated_data") == 0)
        return false; /* the law is about them */
    for (size_t i = 0; i < sizeof of_loss / sizeof *of_loss; i++)
        if (strcmp(check, of_loss[i]) == 0)
            return true;
    return false;
}

static int find_trial(const struct table *table, int column, const char *id)
{
    int low = 0, high = table->n_rows - 1;
    while (low <= high) {
        int middle = low + (high - low) / 2, order = strcmp(table_text(table, middle, column), id);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return -1;
}

static void drop_invalid(struct fit_points *out, const struct table *table, char *keep)
{
    const struct table *verdicts = &out->verdicts;
    int column = table_column(table, "trial_id");
    for (int i = 0; i < verdicts->n_rows; i++) {
        const char *id = table_text(verdicts, i, VERDICT_TRIAL);
        if (strcmp(table_text(verdicts, i, VERDICT), "fail") != 0)
            continue;
        int row = find_trial(table, column, id);
        if (row < 0 || !keep[row])
            continue;
        char why[LAW_POINT_TEXT];
        (void)snprintf(why, sizeof why, "invalid by %s", table_text(verdicts, i, VERDICT_CHECK));
        keep[row] = 0;
        fit_leave_out(out, id, 0, why, table_text(verdicts, i, VERDICT_REASON));
    }
}

/* One row per check and verdict that is not a pass: how many points, and the first one's reason. */
static void count_doubts(struct fit_points *out, const struct law *law, const struct table *table, const char *keep)
{
    const struct table *verdicts = &out->verdicts;
    int column = table_column(table, "trial_id");
    for (int i = 0; i < verdicts->n_rows; i++) {
        const char *check = table_text(verdicts, i, VERDICT_CHECK), *verdict = table_text(verdicts, i, VERDICT);
        bool fail = strcmp(verdict, "fail") == 0;
        if ((!fail && strcmp(verdict, "warn") != 0) || (!fail && !bears_on(law, check)))
            continue;
        int row = find_trial(table, column, table_text(verdicts, i, VERDICT_TRIAL)), at = 0;
        if (row < 0 || !keep[row])
            continue;
        while (at < out->doubts.n_rows && (strcmp(table_text(&out->doubts, at, FIT_DOUBT_CHECK), check) != 0 ||
                                           strcmp(table_text(&out->doubts, at, FIT_DOUBT_VERDICT), verdict) != 0))
            at++;
        if (at == out->doubts.n_rows) {
            (void)table_add_row(&out->doubts);
            table_set_text(&out->doubts, at, FIT_DOUBT_CHECK, check);
            table_set_text(&out->doubts, at, FIT_DOUBT_VERDICT, verdict);
            table_set_integer(&out->doubts, at, FIT_DOUBT_N, 0);
            table_set_text(&out->doubts, at, FIT_DOUBT_REASON, table_text(verdicts, i, VERDICT_REASON));
        }
        table_set_integer(&out->doubts, at, FIT_DOUBT_N, (int64_t)table_number(&out->doubts, at, FIT_DOUBT_N) + 1);
    }
}

static void doubt(struct fit_points *out, const char *check, int n, const char *reason)
{
    int row = table_add_row(&out->doubts);
    table_set_text(&out->doubts, row, FIT_DOUBT_CHECK, check);
    table_set_text(&out->doubts, row, FIT_DOUBT_VERDICT, "warn");
    table_set_integer(&out->doubts, row, FIT_DOUBT_N, n);
    table_set_text(&out->doubts, row, FIT_DOUBT_REASON, reason);
}

/* One law has one text and, but for the laws that count experts, one kind of model. */
static void doubt_mixing(struct fit_points *out, const struct law *law, const struct table *table, const char *keep)
{
    int data = table_column(table, "data_identity"), experts = table_column(table, "experts"), others = 0, mixtures = 0, kept = 0;
    const char *first = NULL;
    for (int row = 0; row < table->n_rows; row++) {
        const char *identity = table_text(table, row, data);
        if (!keep[row])
            continue;
        first = kept++ == 0 ? identity : first;
        others += strcmp(identity ? identity : "", first ? first : "") != 0;
        mixtures += table_number(table, row, experts) > 1;
    }
    if (others > 0)
        doubt(out, "one_text", others, "another text than the first's: losses on different texts are no law; narrow by --spec");
    if (mixtures > 0 && mixtures < kept && law != &laws[LAW_ROUTED] && law != &laws[LAW_FINE_GRAINED])
        doubt(out, "dense_only", mixtures, "a mixture of experts among dense models; leave out by --where 'experts = 1'");
}

/* ---- Learning rates ---- */

struct rate_columns {
    int params, tokens, experts, lr, loss, data;
};

static bool same_run(const struct table *t, const struct rate_columns *c, int i, int j)
{
    const char *a = table_text(t, i, c->data), *b = table_text(t, j, c->data);
    return fit_same_number(table_number(t, i, c->params), table_number(t, j, c->params)) &&
           fit_same_number(table_number(t, i, c->tokens), table_number(t, j, c->tokens)) &&
           fit_same_number(table_number(t, i, c->experts), table_number(t, j, c->experts)) && strcmp(a ? a : "", b ? b : "") == 0;
}

/* Of one size and length run at several learning rates only the rate with the lowest mean loss is a point: an untuned
 * rate is the largest single artefact. */
static void drop_rates(struct fit_points *out, const struct table *t, char *keep)
{
    const struct rate_columns c = {table_column(t, "params_total"), table_column(t, "tokens"), table_column(t, "experts"),
                                   table_column(t, "lr"), table_column(t, "heldout_loss"), table_column(t, "data_identity")};
    double *mean = calloc((size_t)t->n_rows + 1, sizeof *mean);
    int id = table_column(t, "trial_id");
    NEED_MEMORY(mean);
    ASSERT(c.params >= 0 && c.tokens >= 0 && c.experts >= 0 && c.lr >= 0 && c.loss >= 0 && c.data >= 0);
    for (int i = 0; i < t->n_rows; i++) {
        double n = 0;
        for (int j = 0; j < t->n_rows && keep[i]; j++)
            if (keep[j] && fit_same_number(table_number(t, i, c.lr), table_number(t, j, c.lr)) && same_run(t, &c, i, j)) {
                mean[i] += table_number(t, j, c.loss);
                n += 1;
            }
        mean[i] /= fmax(n, 1);
    }
    for (int i = 0; i < t->n_rows; i++) {
        bool best = true;
        for (int j = 0; j < t->n_rows && keep[i] && best; j++)
            best = !(keep[j] && mean[j] < mean[i] && !fit_same_number(table_number(t, i, c.lr), table_number(t, j, c.lr)) &&
                     same_run(t, &c, i, j));
        if (keep[i] && !best) {
            keep[i] = 2; /* still seen by the others until all are judged */
            fit_leave_out(out, table_text(t, i, id), 0, "at another learning rate than the best of their setting", NULL);
        }
    }
    for (int i = 0; i < t->n_rows; i++)
        keep[i] = keep[i] == 1;
    free(mean);
}

/* ---- All together ---- */

void fit_store_judge(struct fit_points *out, const struct invocation *invocation, const struct law *law, const struct table *table,
                     char *keep)
{
    if (!option_flag(&invocation->options, "include-invalid"))
        drop_invalid(out, table, keep);
    drop_rates(out, table, keep);
    count_doubts(out, law, table, keep);
    doubt_mixing(out, law, table, keep);
}
