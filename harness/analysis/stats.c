/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c — every public function checks its data first; what follows the check cannot meet a NaN, so
 * orders are total and no comparison needs a second thought. The tests of hypotheses are in
 * stats_hypothesis.c. */
#include "harness/analysis/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/rng.h"

/* ---- Checks and order ---- */

enum status stats_check(const char *what, const double *x, int n, int least, struct err *err)
{
    if (n < least)
        return err_set(err, STATUS_INSUFFICIENT, "%s: %d values given, at least %d needed", what, n, least);
    if (n > STATS_MAX_SAMPLES)
        return err_set(err, STATUS_MEMORY, "%s: %d values given, at most %d are taken", what, n,
                       STATS_MAX_SAMPLES);
    for (int i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return err_set(err, STATUS_INSUFFICIENT, "%s: value [%d] is %s; leave out what gave it", what,
                           i, isnan(x[i]) ? "not a number" : "infinite");
    return STATUS_OK;
}

static enum status check_confidence(const char *what, double confidence, struct err *err)
{
    if (!(confidence > 0.0 && confidence < 1.0))
        return err_set(err, STATUS_USAGE, "%s: confidence %g must lie between 0 and 1", what, confidence);
    return STATUS_OK;
}

/* Sums of finite numbers can still leave the range; such a result is never handed out. */
static enum status put_finite(const char *what, double value, double *out, struct err *err)
{
    if (!isfinite(value))
        return err_set(err, STATUS_INSUFFICIENT, "%s: the values are too large to be summed", what);
    *out = value;
    return STATUS_OK;
}

/* NULL, with err filled, when there is no memory. */
static double *new_doubles(const char *what, int n, struct err *err)
{
    double *block = malloc((size_t)n * sizeof *block);
    if (block == NULL)
        err_set(err, STATUS_MEMORY, "%s: no memory for %d numbers", what, n);
    return block;
}

/* An ascending copy of checked data, or NULL; the caller frees it. */
static double *new_sorted(const char *what, const double *x, int n, struct err *err)
{
    double *sorted = new_doubles(what, n, err);
    if (sorted != NULL) {
        memcpy(sorted, x, (size_t)n * sizeof *x);
        stats_sort(sorted, n);
    }
    return sorted;
}

/* Restores the heap (largest on top) below root. */
static void sift_values(double *x, int root, int n)
{
    double value = x[root];
    for (int child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && x[child + 1] > x[child])
            child++;
        if (!(x[child] > value))
            break;
        x[root] = x[child];
    }
    x[root] = value;
}

void stats_sort(double *x, int n)
{
    for (int root = n / 2 - 1; root >= 0; root--)
        sift_values(x, root, n);
    for (int last = n - 1; last > 0; last--) {
        double largest = x[0];
        x[0] = x[last];
        x[last] = largest;
        sift_values(x, 0, last);
    }
}

static bool comes_after(const double *key, int i, int j)
{
    return key[i] > key[j] || (key[i] == key[j] && i > j);
}

static void sift_order(int *order, const double *key, int root, int n)
{
    int index = order[root];
    for (int child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && comes_after(key, order[child + 1], order[child]))
            child++;
        if (!comes_after(key, order[child], index))
            break;
        order[root] = order[child];
    }
    order[root] = index;
}

void stats_order(int *order, const double *key, int n)
{
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int root = n / 2 - 1; root >= 0; root--)
        sift_order(order, key, root, n);
    for (int last = n - 1; last > 0; last--) {
        int index = order[0];
        order[0] = order[last];
        order[last] = index;
        sift_order(order, key, 0, last);
    }
}

/* ---- One sample ---- */

static double mean_of(const double *x, int n)
{
    double sum = 0.0;
    double rest = 0.0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    double mean = sum / n;
    for (int i = 0; i < n; i++)
        rest += x[i] - mean;
    return mean + rest / n;
}

enum status stats_mean(const double *x, int n, double *out, struct err *err)
{
    enum status status = stats_check("mean", x, n, 1, err);
    if (status != STATUS_OK)
        return status;
    return put_finite("mean", mean_of(x, n), out, err);
}

enum status stats_sd(const double *x, int n, double *out, struct err *err)
{
    enum status status = stats_check("standard deviation", x, n, 2, err);
    if (status != STATUS_OK)
        return status;
    double mean = mean_of(x, n);
    double squares = 0.0;
    double rest = 0.0;
    for (int i = 0; i < n; i++) {
        double d = x[i] - mean;
        squares += d * d;
        rest += d;
    }
    /* Rounding may take a sum of squares that should be 0 below it. */
    double variance = fmax(squares - rest * rest / n, 0.0) / (n - 1);
    return put_finite("standard deviation", isfinite(squares) ? sqrt(variance) : squares, out, err);
}

double stats_quantile_sorted(const double *x, int n, double q)
{
    double position = (n - 1) * q;
    int below = (int)position;
    if (below >= n - 1)
        return x[n - 1];
    double share = position - below;
    double low = x[below];
    double high = x[below + 1];
    /* Replicates may be infinite: 0 times infinity and infinity less infinity are kept out. */
    if (share == 0.0 || low == high)
        return low;
    return fmin(fmax((1.0 - share) * low + share * high, low), high);
}

enum status stats_quantile(const double *x, int n, double q, double *out, struct err *err)
{
    if (!(q >= 0.0 && q <= 1.0))
        return err_set(err, STATUS_USAGE, "quantile: %g does not lie in 0 to 1", q);
    enum status status = stats_check("quantile", x, n, 1, err);
    if (status != STATUS_OK)
        return status;
    double *sorted = new_sorted("quantile", x, n, err);
    if (sorted == NULL)
        return STATUS_MEMORY;
    *out = stats_quantile_sorted(sorted, n, q);
    free(sorted);
    return STATUS_OK;
}

enum status stats_median(const double *x, int n, double *out, struct err *err)
{
    return stats_quantile(x, n, 0.5, out, err);
}

enum status stats_mad(const double *x, int n, double *out, struct err *err)
{
    enum status status = stats_check("median absolute deviation", x, n, 1, err);
    if (status != STATUS_OK)
        return status;
    double *sorted = new_sorted("median absolute deviation", x, n, err);
    if (sorted == NULL)
        return STATUS_MEMORY;
    double median = stats_quantile_sorted(sorted, n, 0.5);
    for (int i = 0; i < n; i++)
        sorted[i] = fabs(sorted[i] - median);
    stats_sort(sorted, n);
    status = put_finite("median absolute deviation", stats_quantile_sorted(sorted, n, 0.5), out, err);
    free(sorted);
    return status;
}

/* ---- Intervals ---- */

static enum status check_bootstrap(const struct bootstrap *settings, struct err *err)
{
    if (settings->replicates < STATS_MIN_REPLICATES || settings->replicates > STATS_MAX_REPLICATES)
        return err_set(err, STATUS_USAGE, "bootstrap: %d replicates asked for; take %d to %d",
                       settings->replicates, STATS_MIN_REPLICATES, STATS_MAX_REPLICATES);
    return check_confidence("bootstrap", settings->confidence, err);
}

enum status stats_bootstrap(const double *x, int n, stats_statistic *statistic, void *context,
                            const struct bootstrap *settings, struct interval *out, struct err *err)
{
    enum status status = check_bootstrap(settings, err);
    if (status == STATUS_OK)
        status = stats_check("bootstrap", x, n, 2, err);
    if (status != STATUS_OK)
        return status;
    int replicates = settings->replicates;
    double *resample = new_doubles("bootstrap", n + replicates, err);
    if (resample == NULL)
        return STATUS_MEMORY;
    double *results = resample + n;
    for (int r = 0; r < replicates; r++) {
        struct rng rng = rng_open(settings->seed, RNG_BOOTSTRAP, (uint64_t)r);
        for (int i = 0; i < n; i++)
            resample[i] = x[rng_below(&rng, (uint32_t)n)];
        results[r] = statistic(resample, n, context);
        if (isnan(results[r])) {
            status = err_set(err, STATUS_INSUFFICIENT,
                             "bootstrap: the result of replicate %d is not a number", r);
            goto done;
        }
    }
    stats_sort(results, replicates);
    double tail = (1.0 - settings->confidence) / 2.0;
    *out = (struct interval){
        .low = stats_quantile_sorted(results, replicates, tail),
        .high = stats_quantile_sorted(results, replicates, 1.0 - tail),
    };
done:
    free(resample);
    return status;
}

double stats_resampled_mean(double *x, int n, void *context)
{
    (void)context;
    return mean_of(x, n);
}

double stats_resampled_median(double *x, int n, void *context)
{
    (void)context;
    stats_sort(x, n);
    return stats_quantile_sorted(x, n, 0.5);
}

enum status stats_wilson(int successes, int n, double confidence, struct interval *out, struct err *err)
{
    enum status status = check_confidence("Wilson interval", confidence, err);
    if (status != STATUS_OK)
        return status;
    if (n < 1 || successes < 0 || successes > n)
        return err_set(err, STATUS_INSUFFICIENT, "Wilson interval: %d of %d is no share", successes, n);
    double z = -stats_normal_quantile((1.0 - confidence) / 2.0);
    double share = (double)successes / n;
    double widen = 1.0 + z * z / n;
    double centre = (share + z * z / (2.0 * n)) / widen;
    double half = z / widen * sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n));
    /* At the ends the interval reaches 0 or 1 in algebra; rounding must not say otherwise. */
    *out = (struct interval){
        .low = successes == 0 ? 0.0 : centre - half,
        .high = successes == n ? 1.0 : centre + half,
    };
    return STATUS_OK;
}

/* The largest k >= 0 with 2 P(Bin(n, 1/2) <= k) <= alpha, or -1 when even k = 0 is too likely. Below
 * k = n / 2 that is the sign test's p value of k against n - k. Bisection: it grows with k, to 1 at n / 2. */
static int sign_rank(int n, double alpha)
{
    int fits = -1;
    int fails = n / 2;
    while (fails - fits > 1) {
        int k = fits + (fails - fits) / 2;
        if (stats_sign_p(k, n - k) <= alpha)
            fits = k;
        else
            fails = k;
    }
    return fits;
}

enum status stats_median_interval(const double *x, int n, double confidence, struct interval *out,
                                  double *coverage, struct err *err)
{
    enum status status = check_confidence("median interval", confidence, err);
    if (status == STATUS_OK)
        status = stats_check("median interval", x, n, 1, err);
    if (status != STATUS_OK)
        return status;
    int k = sign_rank(n, 1.0 - confidence);
    if (k < 0)
        return err_set(err, STATUS_INSUFFICIENT,
                       "median interval: the range of %d values covers the median with only %.4g", n,
                       1.0 - ldexp(1.0, 1 - n));
    double *sorted = new_sorted("median interval", x, n, err);
    if (sorted == NULL)
        return STATUS_MEMORY;
    *out = (struct interval){.low = sorted[k], .high = sorted[n - 1 - k]};
    if (coverage != NULL)
        *coverage = 1.0 - stats_sign_p(k, n - k);
    free(sorted);
    return STATUS_OK;
}

/* ---- The normal distribution ---- */

double stats_normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2.0));
}

/* Newton's method on log cdf(x) = log p in the lower half. The logarithm of the cdf is concave, so from any
 * start left of the root the steps climb to it and never pass it; cdf(x) <= exp(-x^2 / 2) / 2 gives such a
 * start. In the upper half 1 - p is exact. */
double stats_normal_quantile(double p)
{
    if (!(p >= 0.0 && p <= 1.0))
        return (double)NAN;
    if (p == 0.0 || p == 1.0)
        return p == 0.0 ? -(double)INFINITY : (double)INFINITY;
    if (p > 0.5)
        return -stats_normal_quantile(1.0 - p);
    double x = -sqrt(-2.0 * log(2.0 * p));
    for (int i = 0; i < 50; i++) {
        double cdf = stats_normal_cdf(x);
        if (cdf == 0.0)
            break;
        double density = exp(-0.5 * x * x) / sqrt(6.283185307179586476925);
        double step = log(cdf / p) * cdf / density;
        x -= step;
        if (fabs(step) <= 1e-16 * fabs(x))
            break;
    }
    return x;
}
