/* SPDX-License-Identifier: Apache-2.0 */
/* isoflop.c — see isoflop.h. Rows are gathered to points (series: size, x: compute), sorted; budgets are
 * looked for among them as they are, and only when there are none, between them. */
#include "harness/report/isoflop.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "harness/report/points.h"

/* Budgets are reached to within one batch, so "equal" means within 4 %. */
static const double same_budget = 1.04;
enum { LEAST_SIZES = 3, LEAST_OPTIMA = 3, CANDIDATES = 48, SIZES_AROUND_MINIMUM = 2 };

static void add_size(struct isoflop_budget *budget, double params, double loss)
{
    int n = budget->n;
    if (n && budget->params[n - 1] == params) { /* two runs of one size within the tolerance */
        budget->loss[n - 1] = fmin(budget->loss[n - 1], loss);
        return;
    }
    if (n == ISOFLOP_MOST_SIZES)
        return;
    budget->params[n] = params;
    budget->loss[n] = loss;
    budget->n++;
}

/* All sizes that were trained with a compute in [flops, flops * same_budget]; counts the runs used. */
static int real_budget(const struct points *points, double flops, struct isoflop_budget *out)
{
    int used = 0;
    *out = (struct isoflop_budget){.flops = flops};
    for (int i = 0; i < points->n; i++) {
        const struct point *p = &points->items[i];
        if (p->x >= flops && p->x <= flops * same_budget) {
            add_size(out, p->series, p->y);
            used++;
        }
    }
    return used;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Real budgets count when three of them are well filled, or when they explain at least half of the runs: in a plain
 * grid a few runs meet by chance. */
static void find_real(struct isoflop *out, const struct points *points)
{
    double *flops = calloc((size_t)points->n + 1, sizeof *flops);
    int explained = 0, filled = 0;
    NEED_MEMORY(flops);
    for (int i = 0; i < points->n; i++)
        flops[i] = points->items[i].x;
    qsort(flops, (size_t)points->n, sizeof *flops, by_value);
    for (int i = 0; i < points->n && out->n < ISOFLOP_MOST_BUDGETS;) {
        int used = real_budget(points, flops[i], &out->budgets[out->n]);
        bool enough = out->budgets[out->n].n >= LEAST_SIZES;
        double end = enough ? flops[i] * same_budget : flops[i];
        explained += enough ? used : 0;
        filled += out->budgets[out->n].n >= ISOFLOP_FIT_SIZES;
        out->n += enough;
        while (i < points->n && flops[i] <= end)
            i++;
    }
    if (filled < LEAST_OPTIMA && 2 * explained < points->n)
        out->n = 0;
    free(flops);
}

/* Loss of one size at a compute between two of its runs; NaN outside. */
static double between(const struct points *points, int start, int end, double flops)
{
    for (int i = start; i + 1 < end; i++) {
        const struct point *a = &points->items[i], *b = &points->items[i + 1];
        if (flops >= a->x && flops <= b->x)
            return a->y + (b->y - a->y) * log(flops / a->x) / log(b->x / a->x);
    }
    return NAN;
}

static struct isoflop_budget grid_budget(const struct points *points, double flops)
{
    struct isoflop_budget budget = {.flops = flops};
    for (int i = 0, end; i < points->n; i = end) {
        end = points_series_end(points, i);
        double loss = between(points, i, end, flops);
        if (isfinite(loss))
            add_size(&budget, points->items[i].series, loss);
    }
    return budget;
}

/* Evenly spread over the computes at which at least three sizes can be compared. */
static void find_between(struct isoflop *out, const struct points *points)
{
    double low = INFINITY, high = 0, good[CANDIDATES];
    int n_good = 0;
    for (int i = 0; i < points->n; i++) {
        low = fmin(low, points->items[i].x);
        high = fmax(high, points->items[i].x);
    }
    if (!(low > 0) || !(high > low))
        return;
    int sizes[CANDIDATES], most = 0;
    for (int i = 0; i < CANDIDATES; i++) {
        sizes[i] = grid_budget(points, low * pow(high / low, (double)i / (CANDIDATES - 1))).n;
        most = sizes[i] > most ? sizes[i] : most;
    }
    /* One size fewer than the best is still a curve worth seeing; three is the least that has a middle. */
    for (int i = 0; i < CANDIDATES; i++)
        if (sizes[i] >= LEAST_SIZES && sizes[i] >= most - 1)
            good[n_good++] = low * pow(high / low, (double)i / (CANDIDATES - 1));
    int wanted = n_good < 4 ? n_good : 4;
    for (int i = 0; i < wanted; i++)
        out->budgets[out->n++] = grid_budget(points, good[wanted == 1 ? 0 : i * (n_good - 1) / (wanted - 1)]);
    out->interpolated = out->n > 0;
}

/* Least squares for c0 + c1 u + c2 u^2 by Cramer's rule; false when the points do not determine it. */
static bool fit_parabola(const double *u, const double *y, int n, double c[3])
{
    double s[5] = {0}, t[3] = {0};
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 5; k++) {
            double power = pow(u[i], k);
            s[k] += power;
            if (k < 3)
                t[k] += power * y[i];
        }
    double d = s[0] * (s[2] * s[4] - s[3] * s[3]) - s[1] * (s[1] * s[4] - s[3] * s[2]) +
               s[2] * (s[1] * s[3] - s[2] * s[2]);
    if (!(fabs(d) > 1e-12))
        return false;
    c[0] = (t[0] * (s[2] * s[4] - s[3] * s[3]) - s[1] * (t[1] * s[4] - s[3] * t[2]) +
            s[2] * (t[1] * s[3] - s[2] * t[2])) / d;
    c[1] = (s[0] * (t[1] * s[4] - s[3] * t[2]) - t[0] * (s[1] * s[4] - s[3] * s[2]) +
            s[2] * (s[1] * t[2] - t[1] * s[2])) / d;
    c[2] = (s[0] * (s[2] * t[2] - t[1] * s[3]) - s[1] * (s[1] * t[2] - t[1] * s[2]) +
            t[0] * (s[1] * s[3] - s[2] * s[2])) / d;
    return true;
}

double isoflop_parabola(const struct isoflop_budget *budget, double params)
{
    double u = log(params / budget->params[budget->fit_first]);
    return budget->c0 + budget->c1 * u + budget->c2 * u * u;
}

static enum isoflop_support find_support(const struct isoflop_budget *b, int lowest)
{
    double vertex = -b->c1 / (2 * b->c2), last = log(b->params[b->fit_last] / b->params[b->fit_first]);
    if (lowest == 0)
        return ISOFLOP_SMALLEST;
    if (lowest == b->n - 1)
        return ISOFLOP_LARGEST;
    if (b->n < ISOFLOP_FIT_SIZES)
        return ISOFLOP_FEW_SIZES;
    return b->c2 > 0 && vertex > 0 && vertex < last ? ISOFLOP_OPTIMUM : ISOFLOP_NO_MINIMUM;
}

static void find_optimum(struct isoflop_budget *b)
{
    double u[2 * SIZES_AROUND_MINIMUM + 1], c[3];
    int lowest = 0, n;
    for (int i = 1; i < b->n; i++)
        if (b->loss[i] < b->loss[lowest])
            lowest = i;
    b->fit_first = lowest > SIZES_AROUND_MINIMUM ? lowest - SIZES_AROUND_MINIMUM : 0;
    b->fit_last = lowest + SIZES_AROUND_MINIMUM < b->n ? lowest + SIZES_AROUND_MINIMUM : b->n - 1;
    n = b->fit_last - b->fit_first + 1;
    for (int i = 0; i < n; i++)
        u[i] = log(b->params[b->fit_first + i] / b->params[b->fit_first]);
    if (n < 3 || !fit_parabola(u, b->loss + b->fit_first, n, c)) {
        b->fit_last = b->fit_first; /* no curve to draw */
        b->support = ISOFLOP_FEW_SIZES;
        return;
    }
    b->c0 = c[0];
    b->c1 = c[1];
    b->c2 = c[2];
    b->support = find_support(b, lowest);
    if (b->support == ISOFLOP_OPTIMUM) {
        b->best_params = b->params[b->fit_first] * exp(-c[1] / (2 * c[2]));
        b->best_loss = c[0] - c[1] * c[1] / (4 * c[2]);
    }
}

const char *isoflop_reason(enum isoflop_support support)
{
    static const char *const reasons[] = {"", "too few sizes", "smallest wins", "largest wins", "no minimum"};
    ASSERT((unsigned)support < sizeof reasons / sizeof *reasons);
    return reasons[support];
}

/* Slope of ln N_opt over ln C by least squares. */
static double slope(const struct isoflop *iso)
{
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (int i = 0; i < iso->n; i++) {
        const struct isoflop_budget *b = &iso->budgets[i];
        if (b->support != ISOFLOP_OPTIMUM)
            continue;
        double lx = log(b->flops), ly = log(b->best_params);
        n++;
        x += lx;
        y += ly;
        xx += lx * lx;
        xy += lx * ly;
    }
    return n >= LEAST_OPTIMA ? (n * xy - x * y) / (n * xx - x * x) : NAN;
}

void isoflop_find(struct isoflop *out, const struct table *table, bool (*keep)(const struct table *, int, const void *))
{
    struct points points;
    const struct points_query query = {.series = "params", .x = "flops", .y = "loss", .keep = keep};
    *out = (struct isoflop){.n = 0};
    points_collect(&points, table, &query);
    find_real(out, &points);
    if (out->n == 0)
        find_between(out, &points);
    for (int i = 0; i < out->n; i++) {
        find_optimum(&out->budgets[i]);
        out->n_optima += out->budgets[i].support == ISOFLOP_OPTIMUM;
    }
    for (int i = 0; i < points.n; i++)
        out->most_flops = fmax(out->most_flops, points.items[i].x);
    out->exponent = slope(out);
    points_release(&points);
}
