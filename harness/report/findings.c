/* SPDX-License-Identifier: Apache-2.0 */
/* findings.c — see findings.h. One function per finding; each starts from "unknown" with what it needs, and
 * fills the rest only when the tables hold it. */
#include "harness/report/findings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/report/findings_more.h"
#include "harness/report/isoflop.h"
#include "harness/report/points.h"
#include "harness/report/text.h"

static const char points_sql[] =
    "SELECT trial_id, params_non_embedding AS params, params_total, params_active, experts, experts_per_token,\n"
    "       tokens, seed, train_flops AS flops, heldout_loss AS loss, heldout_stderr AS stderr, wall_s,\n"
    "       shrink, parent, weight_bytes\n"
    "FROM v_points WHERE " REPORT_IN_SPEC "\n" REPORT_SAME_DATA "ORDER BY trial_id";

static const char evals_sql[] =
    "SELECT p.params_non_embedding AS params, p.tokens, p.seed, e.task, e.metric, e.value, e.stderr, e.chance\n"
    "FROM v_evals AS e JOIN v_points AS p USING (trial_id)\n"
    "WHERE p.experts = 1 AND p.shrink = 'none' AND " REPORT_IN_SPEC " AND e.metric = 'exact_match'\n"
    "  AND e.step = (SELECT max(step) FROM v_evals WHERE trial_id = p.trial_id)\n" REPORT_SAME_DATA
    "ORDER BY e.task, p.params_non_embedding, p.tokens, p.seed";

static const char latency_sql[] =
    "SELECT l.trial_id, l.phase, l.batch, l.p50_ms\n"
    "FROM v_latency AS l JOIN v_points AS p USING (trial_id)\n"
    "WHERE l.phase = 'decode' AND " REPORT_IN_SPEC "\n"
    "  AND p.host_key IS (SELECT host_key FROM v_points WHERE " REPORT_IN_SPEC "\n"
    "                     GROUP BY host_key ORDER BY count(*) DESC, host_key LIMIT 1)\n"
    "ORDER BY l.trial_id, l.batch";

const char *findings_sql(enum findings_table table)
{
    static const char *const texts[] = {points_sql, evals_sql, latency_sql};
    ASSERT((unsigned)table < FINDINGS_TABLES);
    return texts[table];
}

/* Moves a text into a finding's field; too long is cut, which the sizes make a rarity. */
static void put(char *to, size_t size, struct str *text)
{
    (void)str_copy(to, size, text->text);
    str_clear(text);
}

static bool is_text(const struct table *table, int row, const char *column, const char *value)
{
    const char *text = column_text(table, row, column);
    return text && strcmp(text, value) == 0;
}

static bool is_dense(const struct table *table, int row, const void *context)
{
    (void)context;
    return column_number(table, row, "experts") == 1 && is_text(table, row, "shrink", "none") &&
           column_number(table, row, "params") > 0 && column_number(table, row, "tokens") > 0;
}

static void begin(struct finding *f, enum finding_kind kind, const char *label, const char *chart, const char *needs)
{
    *f = (struct finding){.kind = kind, .value = NAN, .chart = chart};
    (void)snprintf(f->label, sizeof f->label, "%s", label);
    (void)snprintf(f->headline, sizeof f->headline, "%c%s: not known yet", label[0] - 'a' + 'A', label + 1);
    (void)snprintf(f->brief, sizeof f->brief, "not enough data: %s", needs);
    (void)snprintf(f->sentence, sizeof f->sentence, "This store cannot say: it %s.", needs);
}

static void spark(struct finding *f, double x, double y, bool marked)
{
    if (f->n_spark < FINDING_SPARK) {
        f->spark_x[f->n_spark] = x;
        f->spark_y[f->n_spark] = y;
        f->spark_marked[f->n_spark++] = marked;
    }
}

/* ---- size and data: two ends of the widest line ---- */

struct direction {
    enum finding_kind kind;
    const char *label, *chart, *needs, *series, *x;
    const char *yes, *no, *unclear;          /* headlines */
    const char *unit, *brief_unit, *given;   /* "parameters", "equal data" */
    const char *cause;                       /* "as the model grows" */
    const char *series_unit;
};

/* Clear when every pair of seeds agrees, or beyond twice the standard error when there is one seed. */
static enum finding_verdict judge(const struct point *first, const struct point *last)
{
    if (first->seeds > 1 || last->seeds > 1) {
        if (last->high < first->low)
            return FINDING_YES;
        return last->low > first->high ? FINDING_NO : FINDING_UNCLEAR;
    }
    double noise = 2 * sqrt(first->stderror * first->stderror + last->stderror * last->stderror);
    if (isnan(noise))
        noise = 0;
    double change = last->y - first->y;
    return change < -noise ? FINDING_YES : change > noise ? FINDING_NO : FINDING_UNCLEAR;
}

static void say_interval(struct finding *f, const struct point *first, const struct point *last, int decimals)
{
    struct str text;
    str_init(&text);
    int seeds = first->seeds > last->seeds ? first->seeds : last->seeds;
    if (seeds > 1) {
        str_append(&text, "[");
        text_number(&text, last->low - first->high, decimals, true);
        str_append(&text, ", ");
        text_number(&text, last->high - first->low, decimals, true);
        str_format(&text, "] over all pairs of %d seeds", seeds);
    } else {
        str_append(&text, "one seed: no interval");
    }
    put(f->interval, sizeof f->interval, &text);
    str_release(&text);
}

static void derive_direction(const struct table *table, const struct direction *d, struct finding *f)
{
    const struct points_query query = {.series = d->series, .x = d->x, .y = "loss", .stderror = "stderr",
                                       .keep = is_dense};
    struct points points;
    struct str text;
    begin(f, d->kind, d->label, d->chart, d->needs);
    points_collect(&points, table, &query);
    points_drop_short(&points, 2);
    int start = points_widest(&points);
    if (start < 0) {
        points_release(&points);
        return;
    }
    str_init(&text);
    int end = points_series_end(&points, start);
    const struct point *first = &points.items[start], *last = &points.items[end - 1];
    int decimals = text_decimals(first->y, last->y);
    f->verdict = judge(first, last);
    f->value = last->y - first->y;
    for (int i = start; i < end; i++)
        spark(f, points.items[i].x, points.items[i].y, false);
    str_append(&text, f->verdict == FINDING_YES ? d->yes : f->verdict == FINDING_NO ? d->no : d->unclear);
    put(f->headline, sizeof f->headline, &text);
    text_number(&text, f->value, decimals, true);
    str_append(&text, " nats");
    put(f->number, sizeof f->number, &text);
    if (f->verdict != FINDING_YES)
        str_append(&text, f->verdict == FINDING_NO ? "no: " : "unclear: ");
    str_append(&text, "loss ");
    text_number(&text, first->y, decimals, false);
    str_append(&text, " \u2192 ");
    text_number(&text, last->y, decimals, false);
    str_append(&text, " from ");
    text_count(&text, first->x);
    str_append(&text, " to ");
    text_count(&text, last->x);
    str_format(&text, " %s, equal %s", d->brief_unit, d->given);
    put(f->brief, sizeof f->brief, &text);
    str_append(&text, "Held-out loss goes from ");
    text_number(&text, first->y, decimals, false);
    str_append(&text, " to ");
    text_number(&text, last->y, decimals, false);
    str_format(&text, " nats per token %s from ", d->cause);
    text_count(&text, first->x);
    str_append(&text, " to ");
    text_count(&text, last->x);
    str_format(&text, " %s, at ", d->unit);
    text_count(&text, first->series);
    str_format(&text, " %s.", d->series_unit);
    put(f->sentence, sizeof f->sentence, &text);
    say_interval(f, first, last, decimals);
    str_release(&text);
    points_release(&points);
}

/* ---- compute ---- */

static void derive_compute(const struct table *table, struct finding *f)
{
    struct isoflop *iso = calloc(1, sizeof *iso);
    struct str text;
    ASSERT(iso);
    begin(f, FINDING_COMPUTE, "at equal compute", "isoflop",
          "needs 3 budgets whose best size lies inside the sizes tried");
    isoflop_find(iso, table, is_dense);
    if (isfinite(iso->exponent)) {
        str_init(&text);
        f->verdict = FINDING_YES;
        f->value = iso->exponent;
        for (int i = 0; i < iso->n; i++)
            if (iso->budgets[i].interior)
                spark(f, iso->budgets[i].flops, log(iso->budgets[i].best_params), false);
        str_format(&text, "The best size grows as C^%.2f", iso->exponent);
        put(f->headline, sizeof f->headline, &text);
        str_format(&text, "C^%.2f", iso->exponent);
        put(f->number, sizeof f->number, &text);
        str_format(&text, "best size grows as C^%.2f over %d budgets (no interval)", iso->exponent, iso->n_interior);
        put(f->brief, sizeof f->brief, &text);
        str_format(&text, "At equal compute the size with the lowest loss grows as C^%.2f, from %d budgets%s.",
                   iso->exponent, iso->n_interior,
                   iso->interpolated ? ", read off between the data sizes that were trained" : "");
        put(f->sentence, sizeof f->sentence, &text);
        str_append(&text, "slope through the vertices: no interval");
        put(f->interval, sizeof f->interval, &text);
        str_release(&text);
    } else if (iso->n > 0) {
        (void)snprintf(f->brief, sizeof f->brief, "best size lies inside the range at %d of %d budgets: 3 needed",
                       iso->n_interior, iso->n);
        (void)snprintf(f->sentence, sizeof f->sentence,
                       "The best size lies inside the range tried at %d of %d budgets; an exponent needs 3.",
                       iso->n_interior, iso->n);
    }
    free(iso);
}

/* ---- experts ---- */

struct dense_at {
    double tokens;
};

static bool is_dense_at(const struct table *table, int row, const void *context)
{
    const struct dense_at *at = context;
    return is_dense(table, row, NULL) && column_number(table, row, "tokens") == at->tokens &&
           column_number(table, row, "params_active") > 0;
}

/* y of the dense models at x, linear in log x between the two neighbours; NaN outside: no guessing. */
static double interpolate(const struct points *points, double x)
{
    for (int i = 0; i + 1 < points->n; i++) {
        const struct point *a = &points->items[i], *b = &points->items[i + 1];
        if (x >= a->x * (1 - 1e-9) && x <= b->x * (1 + 1e-9))
            return a->y + (b->y - a->y) * log(x / a->x) / log(b->x / a->x);
    }
    return NAN;
}

struct comparison {
    int row;             /* of the mixture */
    double change;       /* of loss against dense */
    double seconds;      /* ratio; NaN when unknown */
    struct points dense; /* the line it is compared with */
};

/* The mixture of row against the dense line at its tokens; false when it cannot be compared. */
static bool compare_moe(const struct table *table, int row, struct comparison *out)
{
    const struct dense_at at = {column_number(table, row, "tokens")};
    struct points_query query = {.x = "params_active", .y = "loss", .keep = is_dense_at, .context = &at};
    struct points seconds;
    double active = column_number(table, row, "params_active"), loss = column_number(table, row, "loss");
    *out = (struct comparison){.row = row};
    points_collect(&out->dense, table, &query);
    query.y = "wall_s";
    points_collect(&seconds, table, &query);
    out->change = loss - interpolate(&out->dense, active);
    out->seconds = column_number(table, row, "wall_s") / interpolate(&seconds, active);
    points_release(&seconds);
    if (isfinite(out->change))
        return true;
    points_release(&out->dense);
    return false;
}

static void say_experts(const struct table *table, const struct comparison *best, int better, int n, struct finding *f)
{
    struct str text;
    double experts = column_number(table, best->row, "experts"), k = column_number(table, best->row, "experts_per_token");
    int decimals = text_decimals(best->change, 0);
    str_init(&text);
    f->value = best->change;
    f->verdict = better == n ? FINDING_YES : better == 0 ? FINDING_NO : FINDING_UNCLEAR;
    for (int i = 0; i < best->dense.n; i++)
        spark(f, best->dense.items[i].x, best->dense.items[i].y, false);
    spark(f, column_number(table, best->row, "params_active"), column_number(table, best->row, "loss"), true);
    str_append(&text, better == n ? "Experts beat dense at equal active parameters"
                                  : better == 0 ? "Experts did not help here" : "Experts help sometimes");
    put(f->headline, sizeof f->headline, &text);
    text_number(&text, best->change, decimals, true);
    str_append(&text, " nats");
    put(f->number, sizeof f->number, &text);
    str_format(&text, "%.0f experts, %.0f active: loss ", experts, k);
    text_number(&text, best->change, decimals, true);
    str_append(&text, " at equal active size");
    if (isfinite(best->seconds))
        str_format(&text, ", %.1f\u00D7 the time", best->seconds);
    put(f->brief, sizeof f->brief, &text);
    str_format(&text, "%.0f experts with %.0f active change the loss by ", experts, k);
    text_number(&text, best->change, decimals, true);
    str_append(&text, " nats per token against a dense model with equal active parameters and tokens");
    if (isfinite(best->seconds))
        str_format(&text, ", at %.1f times its seconds", best->seconds);
    str_format(&text, ". Of %d mixtures compared, %d beat dense.", n, better);
    put(f->sentence, sizeof f->sentence, &text);
    str_append(&text, "largest mixture, one comparison: no interval");
    put(f->interval, sizeof f->interval, &text);
    str_release(&text);
}

/* The largest mixture at the most tokens speaks for all; how many agree with it is said too. */
static void derive_experts(const struct table *table, struct finding *f)
{
    struct comparison best = {.row = -1};
    int n = 0, better = 0;
    begin(f, FINDING_EXPERTS, "experts", "moe_active_vs_total",
          "needs a mixture of experts between two dense sizes on the same tokens");
    for (int row = 0; row < table->n_rows; row++) {
        struct comparison now;
        if (!(column_number(table, row, "experts") > 1) || !is_text(table, row, "shrink", "none") ||
            !compare_moe(table, row, &now))
            continue;
        n++;
        better += now.change < 0;
        bool larger = best.row < 0;
        if (!larger) {
            double tokens = column_number(table, row, "tokens") - column_number(table, best.row, "tokens");
            double total = column_number(table, row, "params_total") - column_number(table, best.row, "params_total");
            larger = tokens > 0 || (tokens == 0 && total > 0);
        }
        if (larger && best.row >= 0)
            points_release(&best.dense);
        if (larger)
            best = now;
        else
            points_release(&now.dense);
    }
    if (best.row >= 0) {
        say_experts(table, &best, better, n, f);
        points_release(&best.dense);
    }
}

void findings_derive(const struct table *const tables[FINDINGS_TABLES], struct finding out[FINDING_KINDS])
{
    static const struct direction size = {
        FINDING_SIZE, "bigger is better", "loss_vs_params", "needs 2 sizes on the same number of tokens", "tokens", "params",
        "Bigger is better", "Bigger is not better here", "Size makes no clear difference here",
        "parameters (without embeddings)", "parameters", "data", "as the model grows", "training tokens"};
    static const struct direction data = {
        FINDING_DATA, "more data is better", "loss_vs_tokens", "needs 2 data sizes for the same model", "params", "tokens",
        "More data is better", "More data did not help here", "Data makes no clear difference here",
        "tokens", "tokens", "size", "as training goes", "parameters (without embeddings)"};
    const struct table *points = tables[FINDINGS_POINTS];
    derive_direction(points, &size, &out[FINDING_SIZE]);
    derive_direction(points, &data, &out[FINDING_DATA]);
    derive_compute(points, &out[FINDING_COMPUTE]);
    derive_experts(points, &out[FINDING_EXPERTS]);
    begin(&out[FINDING_ABILITIES], FINDING_ABILITIES, "abilities", "ability_vs_params",
          "needs abilities tested at 2 sizes");
    begin(&out[FINDING_DOWNSCALING], FINDING_DOWNSCALING, "downscaling", "downscaling",
          "needs a shrunk model and its parent");
    if (tables[FINDINGS_EVALS])
        findings_abilities(tables[FINDINGS_EVALS], &out[FINDING_ABILITIES]);
    findings_downscaling(points, tables[FINDINGS_LATENCY], &out[FINDING_DOWNSCALING]);
}
