/* SPDX-License-Identifier: Apache-2.0 */
/* curves.c — every form is fitted by one minimiser: a simplex (Nelder & Mead 1965) in unconstrained coordinates,
 * begun from a fixed grid of starts, so that the same points give the same bits. Invariant: parameters live in
 * coordinates where every value is allowed (logarithms of what must be positive). */
#include "harness/analysis/curves.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "harness/analysis/fit.h"

enum { SIMPLEX_STEPS = 600, STARTS = 9 };

struct problem {
    enum curve_form form;
    const double *x, *y, *logprob;
    int n;
    double chance, centre; /* the middle of log x: coordinates are relative to it */
};

static const struct {
    const char *name;
    int n_parameters;
} forms[CURVE_FORMS] = {{"power", 2}, {"p^L", 1}, {"logistic", 2}, {"broken", 6}};

const char *curve_name(enum curve_form form)
{
    return forms[form].name;
}

double curve_aicc(double rss, int n, int k, double resolution)
{
    int K = k + 1;
    if (n <= K + 1)
        return NAN;
    return n * log(fmax(rss / n, resolution * resolution)) + 2.0 * K + 2.0 * K * (K + 1.0) / (n - K - 1.0);
}

/* ---- the forms ---- */

/* Parameters from coordinates; d, m are sizes, k, alpha, f, L positive. */
static void settle(const struct problem *q, const double *u, double *p)
{
    switch (q->form) {
    case CURVE_POWER: /* A x^-alpha is exp(u0) at the centre */
        p[1] = exp(u[1]);
        p[0] = exp(u[0] + p[1] * q->centre);
        break;
    case CURVE_PL:
        p[0] = exp(u[0]);
        break;
    case CURVE_LOGISTIC:
        p[0] = exp(u[0] + q->centre);
        p[1] = exp(u[1]);
        break;
    case CURVE_BROKEN: /* b x^-c0 is u1 at the centre */
        p[0] = u[0];
        p[2] = u[2];
        p[1] = u[1] * exp(u[2] * q->centre);
        p[3] = u[3];
        p[4] = exp(u[4] + q->centre);
        p[5] = exp(u[5]);
        break;
    case CURVE_FORMS:
        break;
    }
}

static double softplus(double x)
{
    return x > 30 ? x : log1p(exp(x));
}

double curve_value(const struct curve *curve, double x, double p, double chance)
{
    const double *v = curve->parameter;
    double from_break;
    switch (curve->form) {
    case CURVE_POWER:
        return fmin(fmax(1 - v[0] * pow(x, -v[1]), chance), 1); /* no score is below guessing or above all */
    case CURVE_PL:
        return pow(p, v[0]);
    case CURVE_LOGISTIC:
        return chance + (1 - chance) / (1 + pow(v[0] / x, v[1]));
    case CURVE_BROKEN: /* (1 + (x / d)^(1/f))^(-c1 f) by its logarithm: 1/f may be large */
        from_break = -v[3] * v[5] * softplus(log(x / v[4]) / v[5]);
        return v[0] + v[1] * exp(-v[2] * log(x) + from_break);
    case CURVE_FORMS:
        break;
    }
    return NAN;
}

static double squares(const struct problem *q, const double *u)
{
    struct curve curve = {.form = q->form};
    double sum = 0;
    settle(q, u, curve.parameter);
    for (int i = 0; i < q->n; i++) {
        double residual = q->y[i] - curve_value(&curve, q->x[i], q->logprob ? exp(q->logprob[i]) : NAN, q->chance);
        sum += residual * residual;
    }
    return isfinite(sum) ? sum : DBL_MAX;
}

/* ---- the minimiser ---- */

struct simplex {
    double at[CURVE_PARAMETERS + 1][CURVE_PARAMETERS];
    double value[CURVE_PARAMETERS + 1];
    int k;
};

/* Vertices by ascending value; insertion, since one or few are out of place. */
static void order(struct simplex *s)
{
    for (int i = 1; i <= s->k; i++)
        for (int j = i; j > 0 && s->value[j] < s->value[j - 1]; j--) {
            double value = s->value[j], row[CURVE_PARAMETERS];
            s->value[j] = s->value[j - 1];
            s->value[j - 1] = value;
            memcpy(row, s->at[j], sizeof row);
            memcpy(s->at[j], s->at[j - 1], sizeof row);
            memcpy(s->at[j - 1], row, sizeof row);
        }
}

/* The point `reach` times as far from the centroid of the others as the worst vertex is. */
static double probe(const struct problem *q, const struct simplex *s, double reach, double *at)
{
    for (int d = 0; d < s->k; d++) {
        double centroid = 0;
        for (int v = 0; v < s->k; v++)
            centroid += s->at[v][d] / s->k;
        at[d] = centroid + reach * (s->at[s->k][d] - centroid);
    }
    return squares(q, at);
}

static void replace_worst(struct simplex *s, const double *at, double value)
{
    memcpy(s->at[s->k], at, sizeof s->at[0]);
    s->value[s->k] = value;
}

static void shrink(const struct problem *q, struct simplex *s)
{
    for (int v = 1; v <= s->k; v++) {
        for (int d = 0; d < s->k; d++)
            s->at[v][d] = 0.5 * (s->at[v][d] + s->at[0][d]);
        s->value[v] = squares(q, s->at[v]);
    }
}

static void step(const struct problem *q, struct simplex *s)
{
    double reflected[CURVE_PARAMETERS] = {0}, other[CURVE_PARAMETERS] = {0};
    double value = probe(q, s, -1, reflected), second;
    if (value < s->value[0]) {
        second = probe(q, s, -2, other);
        if (second < value)
            replace_worst(s, other, second);
        else
            replace_worst(s, reflected, value);
    } else if (value < s->value[s->k - 1]) {
        replace_worst(s, reflected, value);
    } else {
        second = probe(q, s, value < s->value[s->k] ? -0.5 : 0.5, other);
        if (second < fmin(value, s->value[s->k]))
            replace_worst(s, other, second);
        else
            shrink(q, s);
    }
    order(s);
}

/* From u on; u becomes the best point found. */
static double minimise(const struct problem *q, double *u, int k)
{
    struct simplex s = {.k = k};
    for (int v = 0; v <= k; v++) {
        memcpy(s.at[v], u, (size_t)k * sizeof *u);
        if (v > 0)
            s.at[v][v - 1] += 0.5;
        s.value[v] = squares(q, s.at[v]);
    }
    order(&s);
    for (int i = 0; i < SIMPLEX_STEPS && s.value[k] - s.value[0] > 1e-14 * (fabs(s.value[0]) + 1e-12); i++)
        step(q, &s);
    memcpy(u, s.at[0], (size_t)k * sizeof *u);
    return s.value[0];
}

/* The i-th start: where the form sits on the axis, and how steep it is. */
static void start(const struct problem *q, double half_range, int i, double *u)
{
    static const double steepness[] = {-0.7, 0.7, 2.1};
    double where = half_range * (i / 3 - 1) * 0.7, steep = steepness[i % 3];
    memset(u, 0, CURVE_PARAMETERS * sizeof *u);
    switch (q->form) {
    case CURVE_POWER:
        u[0] = -0.5 * (i / 3);
        u[1] = steep - 1.4;
        break;
    case CURVE_PL:
        u[0] = steep + 0.5 * (i / 3);
        break;
    case CURVE_LOGISTIC:
        u[0] = where;
        u[1] = steep;
        break;
    case CURVE_BROKEN: /* flat at chance, then an exponent that the break brings */
        u[0] = 1;
        u[1] = q->chance - 1;
        u[3] = exp(steep) / 2;
        u[4] = where;
        u[5] = -1;
        break;
    case CURVE_FORMS:
        break;
    }
}

enum status curve_fit(enum curve_form form, const double *x, const double *y, const double *logprob, int n,
                      double chance, double resolution, struct curve *out, struct err *err)
{
    struct problem q = {
        .form = form, .x = x, .y = y, .logprob = form == CURVE_PL ? logprob : NULL, .n = n, .chance = chance};
    struct curve best = {.form = form, .n_parameters = forms[form].n_parameters, .rss = INFINITY};
    double low = INFINITY, high = -INFINITY;
    enum status status = fit_check_points(curve_name(form), x, y, n, 3, err);
    if (status == STATUS_OK)
        status = fit_check_positive(curve_name(form), "x", x, n, err);
    if (status == STATUS_OK)
        status = fit_check_different(curve_name(form), x, n, 2, err);
    if (status != STATUS_OK)
        return status;
    if (form == CURVE_PL && !logprob)
        return err_set(err, STATUS_INSUFFICIENT, "p^L needs the score in nats per answer token");
    for (int i = 0; i < n; i++) {
        if (form == CURVE_PL && !isfinite(logprob[i]))
            return err_set(err, STATUS_INSUFFICIENT, "p^L: score [%d] in nats per token is missing", i);
        low = fmin(low, log(x[i]));
        high = fmax(high, log(x[i]));
    }
    q.centre = (low + high) / 2;
    for (int i = 0; i < STARTS; i++) {
        double u[CURVE_PARAMETERS], rss;
        start(&q, (high - low) / 2, i, u);
        rss = minimise(&q, u, best.n_parameters);
        if (rss < best.rss) {
            best.rss = rss;
            settle(&q, u, best.parameter);
        }
    }
    best.aicc = curve_aicc(best.rss, n, best.n_parameters, resolution);
    *out = best;
    return STATUS_OK;
}

/* ---- without a form ---- */

void curve_isotonic(double *y, const double *weight, int n)
{
    for (int i = 1; i < n; i++) {
        double mean = y[i], sum = weight[i];
        int first = i;
        /* A block takes in the one before it while that one is higher; equal neighbours are one block. */
        while (first > 0 && y[first - 1] > mean) {
            double value = y[first - 1], block = 0;
            int j = first - 1;
            while (j >= 0 && y[j] == value)
                block += weight[j--];
            mean = (mean * sum + value * block) / (sum + block);
            sum += block;
            first = j + 1;
        }
        for (int j = first; j <= i; j++)
            y[j] = mean;
    }
}

double curve_crossing(const double *x, const double *y, int n, double at)
{
    for (int i = 0; i < n; i++) {
        double share;
        if (y[i] < at)
            continue;
        if (i == 0)
            return x[0];
        share = (at - y[i - 1]) / (y[i] - y[i - 1]);
        return x[i - 1] * pow(x[i] / x[i - 1], share);
    }
    return INFINITY;
}
