/* SPDX-License-Identifier: Apache-2.0 */
/* fit.c — linear least squares about centred x, and what is read off points without a law. Points are checked
 * before any arithmetic, results for being finite after it, so nothing in between has to be. Power laws are
 * in fit_power.c. */
#include "harness/analysis/fit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "harness/analysis/stats.h"

/* ---- Checks ---- */

enum status fit_check_points(const char *what, const double *x, const double *y, int n, int least,
                             struct err *err)
{
    enum status status = stats_check("x", x, n, least, err);
    if (status == STATUS_OK)
        status = stats_check("y", y, n, least, err);
    if (status != STATUS_OK && err != NULL)
        err_prefix(err, "%s", what);
    return status;
}

enum status fit_check_positive(const char *what, const char *axis, const double *x, int n, struct err *err)
{
    for (int i = 0; i < n; i++)
        if (!(x[i] > 0.0))
            return err_set(err, STATUS_INSUFFICIENT,
                           "%s: %s: value [%d] is %g; a logarithm needs it positive", what, axis, i, x[i]);
    return STATUS_OK;
}

enum status fit_check_different(const char *what, const double *x, int n, int least, struct err *err)
{
    int second = 1;
    while (second < n && x[second] == x[0])
        second++;
    if (second == n)
        return err_set(err, STATUS_INSUFFICIENT,
                       "%s: x: values [0] to [%d] are all %g; needed are %d different ones", what, n - 1,
                       x[0], least);
    int third = second + 1;
    while (third < n && (x[third] == x[0] || x[third] == x[second]))
        third++;
    if (least > 2 && third == n)
        return err_set(err, STATUS_INSUFFICIENT,
                       "%s: x: all values equal [0], %g, or [%d], %g; needed are %d different ones", what,
                       x[0], second, x[second], least);
    return STATUS_OK;
}

enum status fit_out_of_range(const char *what, struct err *err)
{
    return err_set(err, STATUS_INSUFFICIENT,
                   "%s: the values lie too far apart or too close together for double precision", what);
}

/* ---- Line ---- */

enum status fit_line(const double *x, const double *y, int n, struct fit_line *out, struct err *err)
{
    enum status status = fit_check_points("line", x, y, n, 3, err);
    double mean_x, mean_y;
    if (status == STATUS_OK)
        status = fit_check_different("line", x, n, 2, err);
    if (status == STATUS_OK)
        status = stats_mean(x, n, &mean_x, err);
    if (status == STATUS_OK)
        status = stats_mean(y, n, &mean_y, err);
    if (status != STATUS_OK)
        return status;
    double xx = 0.0;
    double xy = 0.0;
    double squares = 0.0;
    for (int i = 0; i < n; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    /* Dividing by an overflowed sum would give a finite and wrong slope. */
    if (!(xx >= DBL_MIN && xx <= DBL_MAX))
        return fit_out_of_range("line", err);
    double slope = xy / xx;
    for (int i = 0; i < n; i++) {
        double residual = (y[i] - mean_y) - slope * (x[i] - mean_x);
        squares += residual * residual;
    }
    double sd = sqrt(squares / (n - 2));
    struct fit_line line = {
        .intercept = mean_y - slope * mean_x,
        .slope = slope,
        .intercept_se = sd * sqrt(1.0 / n + mean_x / xx * mean_x),
        .slope_se = sd / sqrt(xx),
        .residual_sd = sd,
        .n = n,
    };
    if (!isfinite(line.intercept) || !isfinite(line.intercept_se) || !isfinite(line.slope_se))
        return fit_out_of_range("line", err);
    *out = line;
    return STATUS_OK;
}

/* ---- Quadratic ---- */

/* x maps to p = (x - origin) / half, which has mean 0 over the points and spans 2. On the points 1, p and
 * q = p^2 - skew p - spread are orthogonal. */
struct parabola_basis {
    double low;
    double high;
    double half;
    double origin;
    double skew;   /* sum p^3 / sum p^2 */
    double spread; /* mean p^2 */
};

static double basis_p(const struct parabola_basis *basis, double x)
{
    return (x - basis->origin) / basis->half;
}

static double basis_q(const struct parabola_basis *basis, double p)
{
    return (p - basis->skew) * p - basis->spread;
}

static struct parabola_basis make_basis(const double *x, int n, double mean_x)
{
    struct parabola_basis basis = {.low = x[0], .high = x[0], .origin = mean_x};
    double squares = 0.0;
    double cubes = 0.0;
    for (int i = 1; i < n; i++) {
        basis.low = fmin(basis.low, x[i]);
        basis.high = fmax(basis.high, x[i]);
    }
    basis.half = 0.5 * basis.high - 0.5 * basis.low;
    for (int i = 0; i < n; i++) {
        double p = basis_p(&basis, x[i]);
        squares += p * p;
        cubes += p * p * p;
    }
    basis.skew = cubes / squares;
    basis.spread = squares / n;
    return basis;
}

enum status fit_quadratic(const double *x, const double *y, int n, struct fit_quadratic *out,
                          struct err *err)
{
    enum status status = fit_check_points("quadratic", x, y, n, 3, err);
    double mean_x, mean_y;
    if (status == STATUS_OK)
        status = fit_check_different("quadratic", x, n, 3, err);
    if (status == STATUS_OK)
        status = stats_mean(x, n, &mean_x, err);
    if (status == STATUS_OK)
        status = stats_mean(y, n, &mean_y, err);
    if (status != STATUS_OK)
        return status;
    struct parabola_basis basis = make_basis(x, n, mean_x);
    double pp = 0.0, py = 0.0, qq = 0.0, qy = 0.0, squares = 0.0, largest = 0.0;
    for (int i = 0; i < n; i++) {
        double p = basis_p(&basis, x[i]);
        double q = basis_q(&basis, p);
        pp += p * p;
        py += p * (y[i] - mean_y);
        qq += q * q;
        qy += q * (y[i] - mean_y);
        largest = fmax(largest, fabs(y[i]));
    }
    /* Of three x of which two agree in twelve digits of their range, q is mostly rounding. */
    if (!(qq > n * 1e-24))
        return fit_out_of_range("quadratic", err);
    double first = py / pp;
    double second = qy / qq;
    if (fabs(second) * sqrt(qq / n) <= 16.0 * DBL_EPSILON * largest)
        return err_set(err, STATUS_INSUFFICIENT,
                       "quadratic: points [0] to [%d] lie on a line, which has no vertex", n - 1);
    for (int i = 0; i < n; i++) {
        double p = basis_p(&basis, x[i]);
        double residual = (y[i] - mean_y) - first * p - second * basis_q(&basis, p);
        squares += residual * residual;
    }
    /* About the origin: y = (mean_y - second spread) + (first - second skew) p + second p^2. */
    double linear = (first - second * basis.skew) / basis.half;
    double c = second / basis.half / basis.half;
    double vertex_p = 0.5 * (basis.skew - first / second);
    struct fit_quadratic fit = {
        .a = mean_y - second * basis.spread - (linear - c * basis.origin) * basis.origin,
        .b = linear - 2.0 * c * basis.origin,
        .c = c,
        .vertex_x = basis.origin + basis.half * vertex_p,
        .vertex_y = mean_y + first * vertex_p + second * basis_q(&basis, vertex_p),
        .rms_residual = sqrt(squares / n),
        .curvature = second > 0.0 ? 1 : -1,
        .n = n,
    };
    fit.interior = basis.low < fit.vertex_x && fit.vertex_x < basis.high;
    if (!isfinite(fit.a) || !isfinite(fit.b) || !isfinite(fit.c) || !isfinite(fit.vertex_x) ||
        !isfinite(fit.vertex_y) || !isfinite(fit.rms_residual))
        return fit_out_of_range("quadratic", err);
    *out = fit;
    return STATUS_OK;
}

/* ---- Reading a curve off ---- */

enum status interpolate_log(const double *x, const double *y, int n, double at, double *out,
                            struct err *err)
{
    enum status status = fit_check_points("interpolation", x, y, n, 2, err);
    if (status == STATUS_OK)
        status = fit_check_positive("interpolation", "x", x, n, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 1; i < n; i++)
        if (!(x[i] > x[i - 1]))
            return err_set(err, STATUS_INSUFFICIENT,
                           "interpolation: x: value [%d], %g, does not exceed [%d], %g", i, x[i], i - 1,
                           x[i - 1]);
    if (!(at >= x[0] && at <= x[n - 1]))
        return err_set(err, STATUS_INSUFFICIENT, "interpolation: %g lies outside the points, %g to %g", at,
                       x[0], x[n - 1]);
    int left = 0;
    int right = n - 1;
    while (right - left > 1) {
        int middle = left + (right - left) / 2;
        if (x[middle] <= at)
            left = middle;
        else
            right = middle;
    }
    /* Both ends are exact; neighbours whose logarithms are equal have nothing between them to weigh. */
    double width = log(x[right]) - log(x[left]);
    double share = width > 0.0 ? (log(at) - log(x[left])) / width : 0.0;
    *out = at == x[right] ? y[right] : (1.0 - share) * y[left] + share * y[right];
    return STATUS_OK;
}

/* ---- Which points bound the rest ---- */

static void reverse(int *index, int n)
{
    for (int i = 0; i < n / 2; i++) {
        int other = index[n - 1 - i];
        index[n - 1 - i] = index[i];
        index[i] = other;
    }
}

enum status fit_pareto(const double *x, const double *y, int n, bool larger_x_better, bool larger_y_better,
                       int *index, int *n_index, struct err *err)
{
    enum status status = fit_check_points("Pareto front", x, y, n, 1, err);
    if (status != STATUS_OK)
        return status;
    int *order = malloc((size_t)n * sizeof *order);
    if (order == NULL)
        return err_set(err, STATUS_MEMORY, "Pareto front: no memory for %d points", n);
    stats_order(order, x, n);
    if (larger_x_better)
        reverse(order, n);
    /* From the best x to the worst, one group of equal x at a time: the best y of a group joins the front
     * when it beats every y before. */
    double sign = larger_y_better ? -1.0 : 1.0;
    int kept = 0;
    for (int i = 0; i < n;) {
        int best = order[i];
        for (i++; i < n && x[order[i]] == x[best]; i++)
            if (sign * y[order[i]] < sign * y[best] || (y[order[i]] == y[best] && order[i] < best))
                best = order[i];
        if (kept == 0 || sign * y[best] < sign * y[index[kept - 1]])
            index[kept++] = best;
    }
    if (larger_x_better)
        reverse(index, kept);
    *n_index = kept;
    free(order);
    return STATUS_OK;
}

enum status fit_lower_envelope(const double *compute, const double *loss, int n, int *index, int *n_index,
                               struct err *err)
{
    enum status status = fit_pareto(compute, loss, n, false, false, index, n_index, err);
    if (status != STATUS_OK && err != NULL)
        err_prefix(err, "lower envelope");
    return status;
}
