/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h — the elementary statistics that everything in this room is built on.
 *
 * Arrays in, numbers out; stateless and safe to call from several threads. The caller owns every array
 * and no function changes its input, except stats_sort and a resampled statistic, which say so. A function
 * that needs room takes the block that its comment states and gives it back before it returns;
 * sorting is in place. Results are written only on success.
 *
 * Data must be finite. Functions that take data refuse, with STATUS_INSUFFICIENT and the index in the text,
 * what is not; too few values are STATUS_INSUFFICIENT, more than STATS_MAX_SAMPLES are STATUS_MEMORY,
 * a confidence or a quantile that is none is STATUS_USAGE.
 *
 * Values keep the unit of the data; p values and coverages are probabilities. */
#ifndef HARNESS_ANALYSIS_STATS_H
#define HARNESS_ANALYSIS_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"

enum {
    STATS_MAX_SAMPLES = 1 << 24,
    STATS_MIN_REPLICATES = 100,
    STATS_MAX_REPLICATES = 1000000,
    MANN_WHITNEY_EXACT = 25 /* largest sample, on either side, whose p value is counted out */
};

/* Data */

struct interval {
    double low;
    double high;
};

struct sign_test {
    int positive;
    int negative;
    int zero; /* not counted by the test */
    double p; /* two-sided, exact */
};

struct mann_whitney {
    double u;   /* pairs (a, b) with a > b, a tie counting one half */
    double p;   /* two-sided */
    bool exact; /* counted out; otherwise the normal approximation */
};

struct bootstrap {
    int replicates;
    double confidence;
    uint64_t seed;
};

/* The house's settings: B = 4000, 95 %, percentile (DESIGN.md section 9). */
#define BOOTSTRAP_INIT ((struct bootstrap){.replicates = 4000, .confidence = 0.95, .seed = 1})

/* A statistic of a resample. It may reorder x, keeps no pointer to it and may use context as it likes. An
 * infinite result is kept (a threshold that is never reached), NaN is refused. */
typedef double stats_statistic(double *x, int n, void *context);

/* Operations: checks and order */

/* Are there at least `least` values, all finite? `what` opens the text: "median: value [3] is …". */
MUST_CHECK enum status stats_check(const char *what, const double *x, int n, int least, struct err *err);

/* Ascending, in place, O(n log n) always. NaN has no place in an order: x must hold none. */
void stats_sort(double *x, int n);

/* order (n) becomes the indices of key (n) from smallest to largest key, equal keys by index. No NaN. */
void stats_order(int *order, const double *key, int n);

/* Operations: one sample */

/* Arithmetic mean, corrected by the mean of the residuals. n >= 1. */
MUST_CHECK enum status stats_mean(const double *x, int n, double *out, struct err *err);

/* Sample standard deviation, divisor n - 1, in two passes (Chan, Golub & LeVeque 1983, eq. 1.7: the square
 * of the summed residuals is taken off). n >= 2. */
MUST_CHECK enum status stats_sd(const double *x, int n, double *out, struct err *err);

/* The q-quantile by linear interpolation between order statistics, type 7 of Hyndman & Fan (1996):
 * position (n - 1) q, counted from 0. 0 <= q <= 1, n >= 1. Takes n doubles. */
MUST_CHECK enum status stats_quantile(const double *x, int n, double q, double *out, struct err *err);

/* The same of values that are already ascending: no check, no copy. n >= 1, 0 <= q <= 1. */
double stats_quantile_sorted(const double *x, int n, double q);

/* The 0.5-quantile: the middle value, or the mean of the two middle ones. n >= 1. Takes n doubles. */
MUST_CHECK enum status stats_median(const double *x, int n, double *out, struct err *err);

/* Median absolute deviation from the median, unscaled: times 1.4826 it estimates the standard deviation
 * of a normal sample. n >= 1. Takes n doubles. */
MUST_CHECK enum status stats_mad(const double *x, int n, double *out, struct err *err);

/* Operations: intervals */

/* Percentile bootstrap (Efron 1979): the (1 -+ confidence) / 2 quantiles, type 7, of the statistic over
 * resamples with replacement. Replicate r draws from (seed, RNG_BOOTSTRAP, r): the same data and settings
 * give the same bits. To resample runs or clusters of runs, give their numbers 0 … n - 1 as x and let the
 * statistic look them up. n >= 2. Takes n + replicates doubles. */
MUST_CHECK enum status stats_bootstrap(const double *x, int n, stats_statistic *statistic, void *context,
                                       const struct bootstrap *settings, struct interval *out,
                                       struct err *err);

/* Ready-made statistics; context is not looked at. The median sorts its resample. */
double stats_resampled_mean(double *x, int n, void *context);
double stats_resampled_median(double *x, int n, void *context);

/* Score interval of a share, successes of n (Wilson 1927). 0 <= successes <= n, n >= 1. */
MUST_CHECK enum status stats_wilson(int successes, int n, double confidence, struct interval *out,
                                    struct err *err);

/* Interval of the median by inverting the sign test: the order statistics x(k+1) and x(n-k), counted from 1,
 * with the largest k for which 2 P(Bin(n, 1/2) <= k) <= 1 - confidence. Needs no assumption about the
 * distribution but independence. *coverage, unless NULL, is what it covers of a continuous one, never less
 * than confidence. STATUS_INSUFFICIENT when even the whole range covers less: n >= 6 at 95 %. Takes n
 * doubles. */
MUST_CHECK enum status stats_median_interval(const double *x, int n, double confidence, struct interval *out,
                                             double *coverage, struct err *err);

/* Operations: tests */

/* The sign test's exact two-sided p value: min(1, 2 P(Bin(m, 1/2) <= min(positive, negative))), with
 * m = positive + negative; 1 when m is 0. Of discordant pairs it is McNemar's exact test. Counts >= 0. */
double stats_sign_p(int positive, int negative);

/* The sign test of differences against a median of 0. n >= 1. */
MUST_CHECK enum status stats_sign_test(const double *x, int n, struct sign_test *out, struct err *err);

/* Mann & Whitney (1947). Exact, from the Gaussian binomial coefficients, when no two values are equal and
 * neither side has more than MANN_WHITNEY_EXACT; else normal, with continuity and tie correction.
 * n_a, n_b >= 1. Takes n_a + n_b doubles. */
MUST_CHECK enum status stats_mann_whitney(const double *a, int n_a, const double *b, int n_b,
                                          struct mann_whitney *out, struct err *err);

/* Benjamini & Hochberg (1995): adjusted[i] < q for exactly the hypotheses that their procedure rejects at
 * false discovery rate q: min over ranks j >= rank(i) of p(j) n / j, at most 1. adjusted (n) may be p.
 * p in [0, 1], n >= 1. Takes n ints. */
MUST_CHECK enum status stats_benjamini_hochberg(const double *p, int n, double *adjusted, struct err *err);

/* Operations: the normal distribution, and Student's */

/* P(Z <= x) = erfc(-x / sqrt 2) / 2, accurate in both tails. */
double stats_normal_cdf(double x);

/* Its inverse, to a few units in the last place for p >= 1e-300; -inf at 0, inf at 1, NaN outside [0, 1]. */
double stats_normal_quantile(double p);

/* The p-quantile of Student's t with df >= 1 degrees of freedom, 0.5 <= p < 1, to ten digits: bisection of the finite
 * sums of Abramowitz & Stegun 26.7.3 and 26.7.4. NaN for other arguments. */
double stats_student_quantile(double p, int df);

#endif
