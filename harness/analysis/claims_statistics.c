/* SPDX-License-Identifier: Apache-2.0 */
/* claims_statistics.c — see claims_statistics.h. Each function walks over groups as runs of equal group numbers. */
#include "harness/analysis/claims_statistics.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "harness/analysis/curves.h"
#include "harness/analysis/fit.h"
#include "harness/analysis/stats.h"

enum { BUDGETS_MAX = 256 };
#define COUNT_RESOLUTION 1e-6 /* relative: a count explained to a millionth is explained */

/* One past the last point of the group that begins at i. */
static int group_end(const struct claim_point *p, int n, int i)
{
    int end = i;
    while (end < n && p[end].group == p[i].group)
        end++;
    return end;
}

/* ---- slopes ---- */

static double common_slope(const struct claim_point *p, int n, bool logarithmic, double z)
{
    double sxx = 0, sxy = 0;
    for (int i = 0, end; i < n; i = end) {
        double mean_x = 0, mean_y = 0;
        end = group_end(p, n, i);
        if (!isnan(z) && p[i].z != z)
            continue;
        for (int j = i; j < end; j++) {
            mean_x += (logarithmic ? log2(p[j].x) : p[j].x) / (end - i);
            mean_y += p[j].y / (end - i);
        }
        for (int j = i; j < end; j++) {
            double dx = (logarithmic ? log2(p[j].x) : p[j].x) - mean_x;
            sxx += dx * dx;
            sxy += dx * (p[j].y - mean_y);
        }
    }
    return sxx > 1e-9 ? sxy / sxx : NAN;
}

double claim_slope_log(const struct claim_point *p, int n)
{
    return common_slope(p, n, true, NAN);
}

double claim_slope(const struct claim_point *p, int n)
{
    return common_slope(p, n, false, NAN);
}

double claim_weaker_slope(const struct claim_point *p, int n)
{
    double size = common_slope(p, n, true, 0), data = common_slope(p, n, true, 1);
    return isnan(size) || isnan(data) ? NAN : fmax(size, data);
}

/* ---- IsoFLOP curves ---- */

/* A group's points in logarithms, and its parabola; false where there is none. */
static bool parabola(const struct claim_point *p, int from, int end, struct fit_quadratic *out)
{
    int n = end - from;
    double *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y);
    struct err err = ERR_INIT;
    bool good;
    NEED_MEMORY(x && y);
    for (int i = 0; i < n; i++) {
        x[i] = log2(p[from + i].x);
        y[i] = p[from + i].y;
    }
    good = fit_quadratic(x, y, n, out, &err) == STATUS_OK;
    free(x);
    free(y);
    return good;
}

struct optima {
    double log_params[BUDGETS_MAX], log_flops[BUDGETS_MAX], log_ratio[BUDGETS_MAX]; /* natural */
    int n;
    double curvature; /* mean over all budgets with a parabola */
};

static struct optima optima_of(const struct claim_point *p, int n)
{
    struct optima o = {0};
    double curvature = 0;
    int parabolas = 0;
    for (int i = 0, end; i < n && o.n < BUDGETS_MAX; i = end) {
        struct fit_quadratic q;
        double flops = 0, product = 0;
        end = group_end(p, n, i);
        if (!parabola(p, i, end, &q))
            continue;
        curvature += q.c;
        parabolas++;
        if (q.curvature < 0 || !q.interior)
            continue;
        for (int j = i; j < end; j++) {
            flops += log(p[j].w) / (end - i);
            product += log(p[j].x * p[j].z) / (end - i);
        }
        o.log_params[o.n] = q.vertex_x * M_LN2;
        o.log_flops[o.n] = flops;
        o.log_ratio[o.n++] = product - 2 * q.vertex_x * M_LN2; /* at one budget, N times D is one number */
    }
    o.curvature = parabolas ? curvature / parabolas : NAN;
    return o;
}

double claim_curvature(const struct claim_point *p, int n)
{
    struct optima o = optima_of(p, n);
    return o.curvature > 0 && o.n == 0 ? NAN : o.curvature; /* curved, but no minimum was seen */
}

double claim_size_exponent(const struct claim_point *p, int n)
{
    struct optima o = optima_of(p, n);
    struct fit_line line;
    struct err err = ERR_INIT;
    if (o.n == 2 && o.log_flops[0] != o.log_flops[1])
        return (o.log_params[1] - o.log_params[0]) / (o.log_flops[1] - o.log_flops[0]);
    return fit_line(o.log_flops, o.log_params, o.n, &line, &err) == STATUS_OK ? line.slope : NAN;
}

double claim_cost_of_doubling(const struct claim_point *p, int n)
{
    double a = claim_size_exponent(p, n);
    return a > 0 ? pow(2, 1 / a) : NAN;
}

double claim_tokens_per_param(const struct claim_point *p, int n)
{
    struct optima o = optima_of(p, n);
    double sum = 0;
    for (int i = 0; i < o.n; i++)
        sum += o.log_ratio[i];
    return o.n ? exp(sum / o.n) : NAN;
}

/* ---- exponential against power law ---- */

/* NaN for fewer points than AICc takes. x, y in logarithms; a line in x is the exponential, one in log x the power. */
static double exponential_less_power(const double *log_x, const double *log_y, int n)
{
    double *x = malloc((size_t)n * sizeof *x), difference = NAN;
    struct fit_line power, exponential;
    struct err err = ERR_INIT;
    NEED_MEMORY(x);
    for (int i = 0; i < n; i++)
        x[i] = exp(log_x[i] - log_x[0]); /* in units of the first, for the fit's digits */
    if (fit_line(log_x, log_y, n, &power, &err) == STATUS_OK && fit_line(x, log_y, n, &exponential, &err) == STATUS_OK)
        difference = curve_aicc(exponential.residual_sd * exponential.residual_sd * (n - 2), n, 2, COUNT_RESOLUTION) -
                     curve_aicc(power.residual_sd * power.residual_sd * (n - 2), n, 2, COUNT_RESOLUTION);
    free(x);
    return difference;
}

double claim_exponential_optimal(const struct claim_point *p, int n)
{
    struct optima o = optima_of(p, n);
    return o.n ? exponential_less_power(o.log_params, o.log_flops, o.n) : NAN;
}

double claim_exponential(const struct claim_point *p, int n)
{
    double *x = malloc((size_t)(n + 1) * sizeof *x), *y = malloc((size_t)(n + 1) * sizeof *y), sum = 0;
    int groups = 0;
    NEED_MEMORY(x && y);
    for (int i = 0, end; i < n; i = end) {
        double difference;
        end = group_end(p, n, i);
        for (int j = i; j < end; j++) {
            x[j - i] = log(p[j].x);
            y[j - i] = log(p[j].y);
        }
        difference = exponential_less_power(x, y, end - i);
        if (isnan(difference))
            continue;
        sum += difference;
        groups++;
    }
    free(x);
    free(y);
    return groups ? sum : NAN;
}

/* ---- differences ---- */

double claim_mean(const struct claim_point *p, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += p[i].y;
    return n ? sum / n : NAN;
}

/* The y of the points with z = 0 at x, between neighbours; NaN outside them. They come first, by ascending x. */
static double interpolated(const struct claim_point *p, int from, int end, double x)
{
    for (int i = from; i + 1 < end && p[i + 1].z == 0; i++) {
        double share = log(x / p[i].x) / log(p[i + 1].x / p[i].x);
        if (x >= p[i].x && x <= p[i + 1].x && p[i + 1].x > p[i].x)
            return p[i].y + share * (p[i + 1].y - p[i].y);
    }
    return NAN;
}

double claim_below_curve(const struct claim_point *p, int n)
{
    double sum = 0;
    int compared = 0;
    for (int i = 0, end; i < n; i = end) {
        end = group_end(p, n, i);
        for (int j = i; j < end; j++) {
            double curve = p[j].z == 1 ? interpolated(p, i, end, p[j].x) : NAN;
            if (isnan(curve))
                continue;
            sum += p[j].y - curve;
            compared++;
        }
    }
    return compared ? sum / compared : NAN;
}

double claim_relative(const struct claim_point *p, int n)
{
    double sum = 0;
    int compared = 0;
    for (int i = 0, end; i < n; i = end) {
        double y[2] = {0}, count[2] = {0};
        end = group_end(p, n, i);
        for (int j = i; j < end; j++) {
            y[p[j].z == 1] += p[j].y;
            count[p[j].z == 1]++;
        }
        if (count[0] == 0 || count[1] == 0)
            continue;
        sum += y[1] / count[1] / (y[0] / count[0]) - 1;
        compared++;
    }
    return compared ? sum / compared : NAN;
}

double claim_kept(const struct claim_point *p, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (log(p[i].w) - p[i].y) / (log(p[i].w) - p[i].x);
    return n ? sum / n : NAN;
}

/* ---- abilities ---- */

/* Doublings of x from 10 to 90 % of the way from chance to 1; NaN where the points do not tell. */
static double rise_of(const struct claim_point *p, int from, int end)
{
    int n = end - from;
    double *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y),
           *one = malloc((size_t)n * sizeof(double));
    double begin, finish, width = NAN;
    bool between = false;
    int first = 0;
    NEED_MEMORY(x && y && one);
    for (int i = 0; i < n; i++) {
        x[i] = p[from + i].x;
        y[i] = (p[from + i].y - p[from + i].z) / (1 - p[from + i].z);
        one[i] = 1;
    }
    curve_isotonic(y, one, n);
    begin = curve_crossing(x, y, n, 0.1);
    finish = curve_crossing(x, y, n, 0.9);
    while (first < n && y[first] < 0.1)
        first++;
    for (int i = 0; i < n; i++)
        between = between || (y[i] >= 0.1 && y[i] < 0.9);
    if (first > 0 && isfinite(finish) && (between || x[first] <= 2.0001 * x[first - 1]))
        width = log2(finish / begin);
    free(x);
    free(y);
    free(one);
    return width;
}

double claim_rise(const struct claim_point *p, int n)
{
    double *widths = malloc((size_t)(n + 1) * sizeof *widths), median = NAN;
    struct err err = ERR_INIT;
    int abilities = 0;
    NEED_MEMORY(widths);
    for (int i = 0, end; i < n; i = end) {
        double width;
        end = group_end(p, n, i);
        width = rise_of(p, i, end);
        if (!isnan(width))
            widths[abilities++] = width;
    }
    if (abilities > 0 && stats_median(widths, abilities, &median, &err) != STATUS_OK)
        median = NAN;
    free(widths);
    return median;
}

double claim_small_against_large(const struct claim_point *p, int n)
{
    double best = NAN;
    for (int i = 0, end; i < n; i = end) {
        const struct claim_point *large = &p[i];
        end = group_end(p, n, i);
        for (int j = i; j < end; j++)
            large = p[j].x > large->x ? &p[j] : large;
        for (int j = i; j < end && large->y >= 0.5; j++)
            if (p[j].x <= large->x / 4)
                best = fmax(best, p[j].y - large->y);
    }
    return best;
}

double claim_efficiency_gap(const struct claim_point *p, int n)
{
    double sum = 0;
    int groups = 0;
    for (int i = 0, end; i < n; i = end) {
        double most = 0, lowest = INFINITY, of_best = NAN;
        end = group_end(p, n, i);
        for (int j = i; j < end; j++) {
            double efficiency = (log(p[j].w) - p[j].y) / p[j].x;
            most = fmax(most, efficiency);
            if (p[j].y < lowest) {
                lowest = p[j].y;
                of_best = efficiency;
            }
        }
        if (end - i < 2 || !(of_best > 0))
            continue;
        sum += log(most / of_best);
        groups++;
    }
    return groups ? exp(sum / groups) : NAN;
}
