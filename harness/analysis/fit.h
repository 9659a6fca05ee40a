/* SPDX-License-Identifier: Apache-2.0 */
/* fit.h — curves through points, and which points bound the rest: lines, the IsoFLOP parabola, power laws,
 * interpolation, lower envelope and Pareto front.
 *
 * Arrays in, structs out; stateless. The caller owns every array and none is changed. Points are
 * (x[i], y[i]), i < n, in any order unless a function says otherwise. Each function refuses with
 * STATUS_INSUFFICIENT and the index in the text: a coordinate that is not finite (or not positive where
 * a logarithm is taken), too few points, too few different x to determine the curve. Results are written
 * only on success, and are finite unless said otherwise.
 *
 * No interval of a law comes from here: the law of a resample is fitted again (stats_bootstrap). */
#ifndef HARNESS_ANALYSIS_FIT_H
#define HARNESS_ANALYSIS_FIT_H

#include <stdbool.h>

#include "engine/base/err.h"

/* The exponents among which an offset law is sought. A law that wants to leave them is refused. */
#define FIT_ALPHA_MIN 0.001
#define FIT_ALPHA_MAX 10.0

/* Data */

/* y = intercept + slope x. Unit of the intercept, its error and the deviation: y; of the slope: y / x. */
struct fit_line {
    double intercept;
    double slope;
    double intercept_se;
    double slope_se;
    double residual_sd; /* sqrt(sum of squared residuals / (n - 2)) */
    int n;
};

/* y = a + b x + c x^2. */
struct fit_quadratic {
    double a;
    double b;
    double c;
    double vertex_x;
    double vertex_y;
    double rms_residual; /* sqrt(mean squared residual), unit of y */
    int curvature;       /* +1: the vertex is the minimum; -1: the maximum */
    bool interior;       /* min x < vertex_x < max x: measured, not extrapolated */
    int n;
};

/* y = E + A x^-alpha. E has the unit of y, alpha has none. */
struct fit_power {
    double E;        /* 0 without offset; exactly 0 with offset when the best is not above */
    double A;
    double alpha;
    double alpha_se; /* of the log-log line; NaN with offset */
    double rms_log_residual; /* sqrt(mean squared log(y / fitted)): 0.01 is about 1 % of y */
    int n;
};

/* Operations: the checks that every fit begins and ends with; `what` opens the text */

/* At least `least` points, all finite. */
MUST_CHECK enum status fit_check_points(const char *what, const double *x, const double *y, int n, int least,
                                        struct err *err);

/* All x > 0; axis names the coordinate. */
MUST_CHECK enum status fit_check_positive(const char *what, const char *axis, const double *x, int n,
                                          struct err *err);

/* At least `least` (2 or 3) different x, and at least one x at all. */
MUST_CHECK enum status fit_check_different(const char *what, const double *x, int n, int least,
                                           struct err *err);

/* What a fit returns whose result is not finite though its points are. */
enum status fit_out_of_range(const char *what, struct err *err);

/* Operations: fits */

/* Least squares with the standard errors of independent residuals of one size: slope_se = s / sqrt(Sxx),
 * intercept_se = s sqrt(1/n + mean(x)^2 / Sxx) (Draper & Smith, Applied Regression Analysis, section 1.4).
 * n >= 3, two different x. */
MUST_CHECK enum status fit_line(const double *x, const double *y, int n, struct fit_line *out,
                                struct err *err);

/* Least squares by polynomials orthogonal on the points (Forsythe 1957), so that x far from 0 costs no digits
 * of the vertex, -b / 2c. For an IsoFLOP curve x is log N and y the loss (Hoffmann et al. 2022, approach 2);
 * a vertex that is not interior, or a curvature of -1, is no optimum. n >= 3, three different x; points
 * that are straight to rounding have no vertex and are refused. */
MUST_CHECK enum status fit_quadratic(const double *x, const double *y, int n, struct fit_quadratic *out,
                                     struct err *err);

/* y = A x^-alpha as a line in natural logarithms; alpha < 0 when y grows. x, y > 0; n >= 3, two different x.
 * Takes 2 n doubles. */
MUST_CHECK enum status fit_power(const double *x, const double *y, int n, struct fit_power *out,
                                 struct err *err);

/* y = E + A x^-alpha with E >= 0, A > 0 and alpha from FIT_ALPHA_MIN to FIT_ALPHA_MAX: variable projection
 * (Golub & Pereyra 1973). Minimises the sum of ((y - E - A x^-alpha) / y)^2, relative residuals as in the
 * log-log fit, over alpha (grid in log alpha, then golden section) with the best E and A for each in closed
 * form. x, y > 0; n >= 4, three different x. STATUS_INSUFFICIENT also when y does not fall or when alpha runs
 * to an end of its range: the points then do not determine such a law. Takes 2 n doubles. */
MUST_CHECK enum status fit_power_offset(const double *x, const double *y, int n, struct fit_power *out,
                                        struct err *err);

/* Operations: reading a curve off */

/* The value at `at` of the curve that is straight in (log x, y) between neighbours; at an x[i] it is y[i]
 * to the bit. x > 0 and strictly ascending, n >= 2. Outside x[0] … x[n-1] STATUS_INSUFFICIENT: nothing is
 * extrapolated. */
MUST_CHECK enum status interpolate_log(const double *x, const double *y, int n, double at, double *out,
                                       struct err *err);

/* Operations: which points bound the rest */

/* The points that no other beats: none is at least as good in x and in y and better in one. index (room
 * for n) becomes their indices by ascending x, *n_index their number, at least 1. Of equal points the one
 * with the lowest index stands for all. n >= 1. Takes n ints. */
MUST_CHECK enum status fit_pareto(const double *x, const double *y, int n, bool larger_x_better,
                                  bool larger_y_better, int *index, int *n_index, struct err *err);

/* Lower envelope of loss against compute (Hoffmann et al. 2022, approach 1): by ascending compute, the points
 * whose loss is lower than that of every point that cost no more, i.e. the steps of the running
 * minimum. It is the Pareto front with less better in both. */
MUST_CHECK enum status fit_lower_envelope(const double *compute, const double *loss, int n, int *index,
                                          int *n_index, struct err *err);

#endif
