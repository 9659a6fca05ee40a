/* SPDX-License-Identifier: Apache-2.0 */
/* curves.h — forms that a score may take as models grow, fitted by least squares and weighed against one another.
 *
 * A score lies between chance (what guessing reaches) and 1. Points are (x[i], y[i]), i < n, x > 0, in any order;
 * x is a size, a cost or a delay. Arrays in, structs out; stateless. Nothing here extrapolates: a curve is for
 * comparing forms and for reading off between the points. */
#ifndef HARNESS_ANALYSIS_CURVES_H
#define HARNESS_ANALYSIS_CURVES_H

#include <stdbool.h>

#include "engine/base/err.h"

enum curve_form {
    CURVE_POWER,    /* 1 - y = A x^-alpha: the error falls as a power law */
    CURVE_PL,       /* y = p^L: per-token probability p, answer of L tokens (Schaeffer et al. 2023, section 2) */
    CURVE_LOGISTIC, /* y = chance + (1 - chance) / (1 + (m / x)^k) */
    CURVE_BROKEN,   /* y = a + b x^-c0 (1 + (x / d)^(1/f))^(-c1 f), one break (Caballero et al. 2022, eq. 1) */
    CURVE_FORMS
};

enum { CURVE_PARAMETERS = 6 };

struct curve {
    enum curve_form form;
    double parameter[CURVE_PARAMETERS]; /* A alpha · L · m k · a b c0 c1 d f */
    int n_parameters;
    double rss;  /* sum of squared residuals */
    double aicc; /* NaN where n is too small to tell: n <= parameters + 2 */
};

const char *curve_name(enum curve_form form);

/* Akaike's criterion with the small-sample correction (Hurvich & Tsai 1989) for least squares with k parameters and
 * the variance: n ln(rss / n) + 2 K + 2 K (K + 1) / (n - K - 1), K = k + 1. NaN when n <= K + 1. An rss below n times
 * the square of `resolution`, the smallest residual that means anything, counts as that much: without it a perfect fit
 * would weigh infinitely. */
double curve_aicc(double rss, int n, int k, double resolution);

/* Fits one form. logprob (n) is the score in nats per answer token, for CURVE_PL only, else NULL. resolution is that of
 * the score, such as 1 / items. STATUS_INSUFFICIENT for fewer than three points or two different x, for data that are
 * not finite, and for CURVE_PL without logprob. */
MUST_CHECK enum status curve_fit(enum curve_form form, const double *x, const double *y, const double *logprob, int n,
                                 double chance, double resolution, struct curve *out, struct err *err);

/* The curve's value at x; p, its per-token probability, is looked at by CURVE_PL only. */
double curve_value(const struct curve *curve, double x, double p, double chance);

/* Least squares over non-decreasing sequences, by pooling adjacent violators (Ayer et al. 1955): y (n), in the order of
 * x, becomes its nearest such sequence under the weights (n, positive). In place. */
void curve_isotonic(double *y, const double *weight, int n);

/* Where the line through (log x[i], y[i]), y non-decreasing and x ascending, first reaches `at`: x[0] when y[0] already
 * does, INFINITY when none does. n >= 1. */
double curve_crossing(const double *x, const double *y, int n, double at);

#endif
