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
    "SELECT trial_id, params_non_embedding AS params, experts, experts_per_token,\n"
    "       params_active - (params_total - params_non_embedding) AS active,\n"
    "       granularity, tokens, seed, train_flops AS flops, " REPORT_LOSS " AS loss,\n"
    "       " REPORT_SCALE " * heldout_stderr AS stderr, " REPORT_UNIT " AS unit, entropy_floor,\n"
    "       train_s, shrink, parent, weight_bytes\n"
    "FROM v_points WHERE " REPORT_IN_SPEC "\n" REPORT_SAME_DATA_OR_SHRUNK "ORDER BY trial_id";

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

void report_sql_shown(const char *sql, const char *spec, struct str *out)
{
    static const char and[] = " AND ";
    for (const char *found; (found = strstr(sql, REPORT_IN_SPEC)) != NULL; sql = found + strlen(REPORT_IN_SPEC)) {
        size_t before = (size_t)(found - sql), n = strlen(and);
        /* "… AND true" says nothing; behind WHERE it has to stand. */
        bool idle = !spec && before >= n && strncmp(found - n, and, n) == 0;
        str_append_bytes(out, sql, idle ? before - n : before);
        if (!spec) {
            str_append(out, idle ? "" : "true");
            continue;
        }
        str_append(out, "trial_id IN (SELECT trial_id FROM v_spec_trials WHERE spec = '");
        for (const char *c = spec; *c; c++)
            str_append(out, *c == '\'' ? "''" : (char[]){*c, 0});
        str_append(out, "')");
    }
    str_append(out, sql);
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
    str_format(&text, " %s", findings_unit_short(table));
    put(f->number, sizeof f->number, &text);
    str_format(&text, "held-out loss by %s", d->brief_unit);
    put(f->spark_label, sizeof f->spark_label, &text);
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
    str_format(&text, " %s %s from ", findings_unit(table), d->cause);
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

/* Some budgets, but too few optima: which there are is said, the chart shows why not more. */
static void say_no_exponent(const struct isoflop *iso, struct finding *f)
{
    (void)snprintf(f->brief, sizeof f->brief, "best size found at %d of %d compute budgets, an exponent needs 3",
                   iso->n_optima, iso->n);
    (void)snprintf(f->sentence, sizeof f->sentence,
                   "At %d of %d compute budgets a size wins with larger and smaller ones on both sides (%d sizes at "
                   "least); an exponent needs 3 such budgets.", iso->n_optima, iso->n, ISOFLOP_FIT_SIZES);
}

static void say_exponent(const struct isoflop *iso, struct finding *f)
{
    struct str text;
    const struct isoflop_budget *first = NULL, *last = NULL;
    str_init(&text);
    f->verdict = FINDING_YES;
    f->value = iso->exponent;
    for (int i = 0; i < iso->n; i++) {
        const struct isoflop_budget *b = &iso->budgets[i];
        if (b->support != ISOFLOP_OPTIMUM)
            continue;
        spark(f, b->flops, log(b->best_params), false);
        first = first ? first : b;
        last = b;
    }
    str_append(&text, iso->exponent > 0 ? "At equal compute, the best size grows"
                                        : "At equal compute, the best size does not grow");
    put(f->headline, sizeof f->headline, &text);
    str_format(&text, "C^%.2f", iso->exponent);
    put(f->number, sizeof f->number, &text);
    str_format(&text, "best size grows as C^%.2f over %d budgets (no interval)", iso->exponent, iso->n_optima);
    put(f->brief, sizeof f->brief, &text);
    str_append(&text, "The size with the lowest loss moves from ");
    text_count(&text, first->best_params);
    str_append(&text, " parameters (N) at ");
    text_power(&text, first->flops);
    str_append(&text, " training FLOPs (C) to ");
    text_count(&text, last->best_params);
    str_append(&text, " at ");
    text_power(&text, last->flops);
    str_format(&text, "%s.", iso->interpolated ? ", read off between the data sizes that were trained" : "");
    put(f->sentence, sizeof f->sentence, &text);
    str_append(&text, "best size by training FLOPs, both logarithmic");
    put(f->spark_label, sizeof f->spark_label, &text);
    str_format(&text, "slope through %d optima: no interval", iso->n_optima);
    put(f->interval, sizeof f->interval, &text);
    str_release(&text);
}

static void derive_compute(const struct table *table, struct finding *f)
{
    struct isoflop *iso = calloc(1, sizeof *iso);
    NEED_MEMORY(iso);
    begin(f, FINDING_COMPUTE, "at equal compute", "isoflop",
          "needs 3 budgets whose best size lies inside the sizes tried");
    isoflop_find(iso, table, is_dense);
    if (isfinite(iso->exponent))
        say_exponent(iso, f);
    else if (iso->n > 0)
        say_no_exponent(iso, f);
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
           column_number(table, row, "active") > 0;
}

struct comparison {
    int row;        /* of the mixture */
    double change;  /* of loss against dense */
    double seconds; /* ratio of training times; NaN when unknown */
};

/* The dense models at the tokens of row, over the parameters a token uses. */
static void dense_line(const struct table *table, int row, const char *y, struct points *out)
{
    const struct dense_at at = {column_number(table, row, "tokens")};
    const struct points_query query = {.x = "active", .y = y, .keep = is_dense_at, .context = &at};
    points_collect(out, table, &query);
}

/* The mixture of row against the dense line at its tokens; false when it cannot be compared. */
static bool compare_moe(const struct table *table, int row, struct comparison *out)
{
    struct points losses, seconds;
    double active = column_number(table, row, "active");
    if (!(column_number(table, row, "experts") > 1) || !is_text(table, row, "shrink", "none"))
        return false;
    dense_line(table, row, "loss", &losses);
    dense_line(table, row, "train_s", &seconds);
    *out = (struct comparison){.row = row,
                               .change = column_number(table, row, "loss") - findings_between(&losses, active),
                               .seconds = column_number(table, row, "train_s") / findings_between(&seconds, active)};
    points_release(&losses);
    points_release(&seconds);
    return isfinite(out->change);
}

struct mixtures {
    struct comparison best, worst;
    int n, better;
    int fewer, more; /* rows of the same model with fewer and with most experts, at equal active size; -1: none */
};

/* Whether b is a made larger by experts alone: what a token uses stays the same, but for the router's rows. */
static bool is_more_experts(const struct table *table, int a, int b)
{
    static const char *const same[] = {"tokens", "experts_per_token", "granularity", "seed"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        double left = column_number(table, a, same[i]), right = column_number(table, b, same[i]);
        if (left != right && !(isnan(left) && isnan(right)))
            return false;
    }
    double ratio = column_number(table, b, "active") / column_number(table, a, "active");
    return column_number(table, b, "experts") > column_number(table, a, "experts") && ratio > 0.9 && ratio < 1.1;
}

static void collect_mixtures(const struct table *table, struct mixtures *out)
{
    *out = (struct mixtures){.fewer = -1, .more = -1};
    for (int row = 0; row < table->n_rows; row++) {
        struct comparison now, other;
        if (!compare_moe(table, row, &now))
            continue;
        if (out->n == 0 || now.change < out->best.change)
            out->best = now;
        if (out->n == 0 || now.change > out->worst.change)
            out->worst = now;
        out->n++;
        out->better += now.change < 0;
        for (int more = 0; more < table->n_rows; more++)
            if (is_more_experts(table, row, more) && compare_moe(table, more, &other) &&
                (out->more < 0 || column_number(table, more, "active") > column_number(table, out->more, "active"))) {
                out->fewer = row;
                out->more = more;
            }
    }
}

/* What further experts do when nothing else changes: "from 8 to 16 experts … +0.0045, no clear difference". */
static void say_more_experts(const struct table *table, const struct mixtures *m, struct str *out)
{
    if (m->more < 0)
        return;
    double change = column_number(table, m->more, "loss") - column_number(table, m->fewer, "loss");
    str_format(out, " Going from %.0f to %.0f experts with as many active changes it by ",
               column_number(table, m->fewer, "experts"), column_number(table, m->more, "experts"));
    text_number(out, change, text_decimals(change, 0), true);
    double first = column_number(table, m->fewer, "stderr"), second = column_number(table, m->more, "stderr");
    str_append(out, fabs(change) < 2 * sqrt(first * first + second * second) ? ", no clear difference." : ".");
}

static void spark_experts(const struct table *table, const struct mixtures *m, struct finding *f)
{
    struct points dense;
    dense_line(table, m->best.row, "loss", &dense);
    for (int i = 0; i < dense.n; i++)
        spark(f, dense.items[i].x, dense.items[i].y, false);
    spark(f, column_number(table, m->best.row, "active"), column_number(table, m->best.row, "loss"), true);
    (void)snprintf(f->spark_label, sizeof f->spark_label,
                   "loss by parameters a token uses: dense (line), the best mixture (disc)");
    points_release(&dense);
}

static void say_experts(const struct table *table, const struct mixtures *m, struct finding *f)
{
    struct str text;
    const struct comparison *best = &m->best;
    double experts = column_number(table, best->row, "experts");
    double k = column_number(table, best->row, "experts_per_token");
    int decimals = text_decimals(best->change, 0);
    bool all = m->better == m->n, none = m->better == 0;
    str_init(&text);
    f->value = best->change;
    f->verdict = all ? FINDING_YES : none ? FINDING_NO : FINDING_UNCLEAR;
    str_append(&text, all ? "Experts beat dense at equal active parameters"
                          : none ? "Experts did not help here" : "Experts help sometimes");
    put(f->headline, sizeof f->headline, &text);
    text_number(&text, best->change, decimals, true);
    str_format(&text, " %s", findings_unit_short(table));
    put(f->number, sizeof f->number, &text);
    str_format(&text, "%.0f experts, %.0f active: loss ", experts, k);
    text_number(&text, best->change, decimals, true);
    str_append(&text, " at equal active size");
    if (isfinite(best->seconds))
        str_format(&text, ", %.1f\u00D7 the training time (one run)", best->seconds);
    put(f->brief, sizeof f->brief, &text);
    str_format(&text, "The best of %d mixture%s, %.0f experts with %.0f active, changes the loss by ", m->n,
               m->n == 1 ? "" : "s", experts, k);
    text_number(&text, best->change, decimals, true);
    str_format(&text, " %s against a dense model with equal active parameters (N) and tokens", findings_unit(table));
    if (isfinite(best->seconds))
        str_format(&text, ", at %.1f times its training seconds (one run each)", best->seconds);
    str_format(&text, "; %d of %d beat dense.", m->better, m->n);
    say_more_experts(table, m, &text);
    put(f->sentence, sizeof f->sentence, &text);
    if (m->n > 1) {
        str_append(&text, "all mixtures: ");
        text_number(&text, best->change, decimals, true);
        str_append(&text, " to ");
        text_number(&text, m->worst.change, decimals, true);
        str_append(&text, ", one run each: no interval");
    } else {
        str_append(&text, "one comparison: no interval");
    }
    put(f->interval, sizeof f->interval, &text);
    str_release(&text);
}

/* The best mixture speaks, the range of all and how many beat dense say how far to trust it. */
static void derive_experts(const struct table *table, struct finding *f)
{
    struct mixtures mixtures;
    begin(f, FINDING_EXPERTS, "experts", "moe_active_vs_total",
          "needs a mixture of experts between two dense sizes on the same tokens");
    collect_mixtures(table, &mixtures);
    if (mixtures.n == 0)
        return;
    spark_experts(table, &mixtures, f);
    say_experts(table, &mixtures, f);
}

void findings_derive(const struct table *const tables[FINDINGS_TABLES], struct finding out[FINDING_KINDS])
{
    static const struct direction size = {
        FINDING_SIZE, "bigger is better", "loss_vs_params", "needs 2 sizes on the same number of tokens", "tokens",
        "params",
        "Bigger is better", "Bigger is not better here", "Size makes no clear difference here",
        "parameters (N, without embeddings)", "parameters (non-embedding)", "data", "as the model grows",
        "training tokens"};
    static const struct direction data = {
        FINDING_DATA, "more data is better", "loss_vs_tokens", "needs 2 data sizes for the same model", "params",
        "tokens",
        "More data is better", "More data did not help here", "Data makes no clear difference here",
        "tokens", "tokens", "size", "as training goes", "parameters (N, without embeddings)"};
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
