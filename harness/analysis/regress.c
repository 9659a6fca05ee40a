/* SPDX-License-Identifier: Apache-2.0 */
/* regress.c — three steps for each metric: check it, measure it (exact, paired or unpaired), and, when the
 * p values of all are known and corrected, decide. Until then a verdict other than INSUFFICIENT or that of
 * an exact metric is open; `is_tested` tells which are. */
#include "harness/analysis/regress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/rng.h"

/* ---- Checks ---- */

static enum status check_side(const struct regress_metric *metric, const char *side, const double *x, int n,
                              struct err *err)
{
    enum status status = stats_check(side, x, n, 0, err);
    if (status == STATUS_OK && n > REGRESS_MAX_SAMPLES)
        status = err_set(err, STATUS_MEMORY, "%s: %d samples given, at most %d are taken", side, n,
                         REGRESS_MAX_SAMPLES);
    for (int i = 0; status == STATUS_OK && !metric->exact && i < n; i++)
        if (!(x[i] > 0.0))
            status = err_set(err, STATUS_INSUFFICIENT,
                             "%s: value [%d] is %g; a ratio needs positive samples", side, i, x[i]);
    return status;
}

static enum status check_metric(const struct regress_metric *metric, struct err *err)
{
    enum status status = STATUS_OK;
    if (!(metric->threshold >= 0.0 && isfinite(metric->threshold)))
        status = err_set(err, STATUS_USAGE, "threshold %g is not a relative change", metric->threshold);
    if (status == STATUS_OK)
        status = check_side(metric, "baseline", metric->a, metric->n_a, err);
    if (status == STATUS_OK)
        status = check_side(metric, "candidate", metric->b, metric->n_b, err);
    if (status != STATUS_OK && err != NULL)
        err_prefix(err, "metric '%s'", metric->name);
    return status;
}

/* ---- Measuring ---- */

static bool same_bits(const double *x, int n, double value)
{
    for (int i = 0; i < n; i++)
        if (memcmp(&x[i], &value, sizeof value) != 0)
            return false;
    return true;
}

static void measure_exact(const struct regress_metric *metric, struct regress_result *result)
{
    if (metric->n_a < 1 || metric->n_b < 1)
        return;
    double expected = metric->a[0];
    bool same = same_bits(metric->a, metric->n_a, expected) && same_bits(metric->b, metric->n_b, expected);
    result->verdict = same ? REGRESS_UNCHANGED : REGRESS_REGRESSION;
}

/* The first sample of this block, or -1. */
static int find_block(const int *blocks, int n, int block)
{
    for (int i = 0; i < n; i++)
        if (blocks[i] == block)
            return i;
    return -1;
}

/* Writes log(b / a) of every block; false when the sides do not pair off one to one. When every block
 * of a is its own first and b has it too, n different blocks leave no room for a second one in b. */
static bool pair_off(const struct regress_metric *metric, double *log_ratios)
{
    int n = metric->n_a;
    if (metric->block_a == NULL || metric->block_b == NULL || n != metric->n_b || n == 0)
        return false;
    for (int i = 0; i < n; i++) {
        int block = metric->block_a[i];
        int j = find_block(metric->block_b, n, block);
        if (j < 0 || find_block(metric->block_a, n, block) != i)
            return false;
        log_ratios[i] = log(metric->b[j]) - log(metric->a[i]);
    }
    return true;
}

static void put_log_ratio(struct regress_result *result, double log_ratio)
{
    result->log_ratio = log_ratio;
    result->ratio = exp(log_ratio);
}

static enum status measure_paired(double *log_ratios, int n, struct regress_result *result, struct err *err)
{
    struct sign_test test;
    double log_ratio;
    enum status status = stats_median(log_ratios, n, &log_ratio, err);
    if (status != STATUS_OK)
        return status;
    result->paired = true;
    put_log_ratio(result, log_ratio);
    if (n < REGRESS_MIN_PAIRS)
        return STATUS_OK;
    status = stats_sign_test(log_ratios, n, &test, err);
    if (status != STATUS_OK)
        return status;
    result->p_value = test.p;
    result->verdict = REGRESS_UNCHANGED;
    return stats_median_interval(log_ratios, n, BOOTSTRAP_INIT.confidence, &result->log_interval, NULL,
                                 err);
}

static double resampled_log_median(struct rng *rng, const double *x, int n, double *scratch)
{
    for (int i = 0; i < n; i++)
        scratch[i] = x[rng_below(rng, (uint32_t)n)];
    return log(stats_resampled_median(scratch, n, NULL));
}

/* Percentile bootstrap of log(median b) - log(median a), each side resampled by itself. The sides are sorted:
 * the numbers depend on the set of samples, not on their order. scratch holds max(n_a, n_b) + replicates. */
static struct interval bootstrap_log_ratio(const double *a, int n_a, const double *b, int n_b,
                                           double *scratch)
{
    struct bootstrap settings = BOOTSTRAP_INIT;
    int replicates = settings.replicates;
    double tail = (1.0 - settings.confidence) / 2.0;
    double *results = scratch + (n_a > n_b ? n_a : n_b);
    for (int r = 0; r < replicates; r++) {
        struct rng rng = rng_open(settings.seed, RNG_BOOTSTRAP, (uint64_t)r);
        double log_a = resampled_log_median(&rng, a, n_a, scratch);
        results[r] = resampled_log_median(&rng, b, n_b, scratch) - log_a;
    }
    stats_sort(results, replicates);
    return (struct interval){
        .low = stats_quantile_sorted(results, replicates, tail),
        .high = stats_quantile_sorted(results, replicates, 1.0 - tail),
    };
}

/* a and b are ascending; scratch as in bootstrap_log_ratio. */
static enum status measure_unpaired(const double *a, int n_a, const double *b, int n_b, double *scratch,
                                    struct regress_result *result, struct err *err)
{
    struct mann_whitney test;
    if (n_a < REGRESS_MIN_SAMPLES || n_b < REGRESS_MIN_SAMPLES)
        return STATUS_OK;
    enum status status = stats_mann_whitney(a, n_a, b, n_b, &test, err);
    if (status != STATUS_OK)
        return status;
    result->log_interval = bootstrap_log_ratio(a, n_a, b, n_b, scratch);
    result->p_value = test.p;
    result->verdict = REGRESS_UNCHANGED;
    return STATUS_OK;
}

/* The medians of both sides (of any metric) and, where there is a ratio of them, the ratio. */
static void measure_medians(double *a, int n_a, double *b, int n_b, struct regress_result *result)
{
    if (n_a > 0)
        result->median_a = stats_resampled_median(a, n_a, NULL);
    if (n_b > 0)
        result->median_b = stats_resampled_median(b, n_b, NULL);
    if (result->median_a > 0.0 && result->median_b > 0.0)
        put_log_ratio(result, log(result->median_b) - log(result->median_a));
}

static enum status measure(const struct regress_metric *metric, struct regress_result *result,
                           struct err *err)
{
    const double unknown = (double)NAN;
    enum status status = STATUS_OK;
    int n_a = metric->n_a;
    int n_b = metric->n_b;
    int larger = n_a > n_b ? n_a : n_b;
    size_t doubles = (size_t)n_a + (size_t)n_b + (size_t)larger + (size_t)BOOTSTRAP_INIT.replicates;
    double *a = malloc(doubles * sizeof *a);
    if (a == NULL)
        return err_set(err, STATUS_MEMORY, "metric '%s': no memory for %zu numbers", metric->name, doubles);
    double *b = a + n_a;
    double *scratch = b + n_b;
    if (n_a > 0)
        memcpy(a, metric->a, (size_t)n_a * sizeof *a);
    if (n_b > 0)
        memcpy(b, metric->b, (size_t)n_b * sizeof *b);

    *result = (struct regress_result){
        .n_a = n_a,
        .n_b = n_b,
        .median_a = unknown,
        .median_b = unknown,
        .ratio = unknown,
        .log_ratio = unknown,
        .log_interval = {unknown, unknown},
        .p_value = unknown,
        .p_adjusted = unknown,
        .exact = metric->exact,
        .verdict = REGRESS_INSUFFICIENT,
    };
    measure_medians(a, n_a, b, n_b, result);
    if (metric->exact)
        measure_exact(metric, result);
    else if (pair_off(metric, scratch))
        status = measure_paired(scratch, n_a, result, err);
    else
        status = measure_unpaired(a, n_a, b, n_b, scratch, result, err);
    free(a);
    return status;
}

/* ---- Deciding ---- */

static bool is_tested(const struct regress_result *result)
{
    return !result->exact && result->verdict != REGRESS_INSUFFICIENT;
}

static enum regress_verdict decide(const struct regress_metric *metric, const struct regress_result *result)
{
    double bound = log1p(metric->threshold);
    bool above = result->log_interval.low > bound;
    bool below = result->log_interval.high < -bound;
    bool smaller_is_better = metric->direction == REGRESS_SMALLER_IS_BETTER;
    bool within = result->log_interval.low >= -bound && result->log_interval.high <= bound;
    if (!(result->p_adjusted < REGRESS_SIGNIFICANCE) || !(above || below))
        return within ? REGRESS_UNCHANGED : REGRESS_UNDECIDED;
    return above == smaller_is_better ? REGRESS_REGRESSION : REGRESS_IMPROVEMENT;
}

/* Corrects the p values of the tested results. p has room for n. */
static enum status adjust(struct regress_result *results, int n, double *p, struct err *err)
{
    int tested = 0;
    for (int i = 0; i < n; i++)
        if (is_tested(&results[i]))
            p[tested++] = results[i].p_value;
    if (tested == 0)
        return STATUS_OK;
    enum status status = stats_benjamini_hochberg(p, tested, p, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < n; i++)
        if (is_tested(&results[i]))
            results[i].p_adjusted = *p++;
    return STATUS_OK;
}

enum status regress_compare_all(const struct regress_metric *metrics, int n, struct regress_result *out,
                                struct err *err)
{
    enum status status = STATUS_OK;
    struct regress_result *results = NULL;
    double *p = NULL;
    if (n < 1)
        return err_set(err, STATUS_INSUFFICIENT, "regression gate: no metric to compare");
    for (int i = 0; i < n && status == STATUS_OK; i++)
        status = check_metric(&metrics[i], err);
    if (status != STATUS_OK)
        goto done;
    results = calloc((size_t)n, sizeof *results);
    p = calloc((size_t)n, sizeof *p);
    if (results == NULL || p == NULL) {
        status = err_set(err, STATUS_MEMORY, "regression gate: no memory for %d metrics", n);
        goto done;
    }
    for (int i = 0; i < n && status == STATUS_OK; i++)
        status = measure(&metrics[i], &results[i], err);
    if (status == STATUS_OK)
        status = adjust(results, n, p, err);
    if (status != STATUS_OK)
        goto done;
    for (int i = 0; i < n; i++)
        if (is_tested(&results[i]))
            results[i].verdict = decide(&metrics[i], &results[i]);
    memcpy(out, results, (size_t)n * sizeof *out);
done:
    free(results);
    free(p);
    return status;
}

enum status regress_compare(const struct regress_metric *metric, struct regress_result *out,
                            struct err *err)
{
    return regress_compare_all(metric, 1, out, err);
}

const char *regress_verdict_name(const struct regress_result *result)
{
    switch (result->verdict) {
    case REGRESS_UNCHANGED:
        return "unchanged";
    case REGRESS_UNDECIDED:
        return "undecided";
    case REGRESS_REGRESSION:
        return result->exact ? "changed" : "regression";
    case REGRESS_IMPROVEMENT:
        return "improvement";
    case REGRESS_INSUFFICIENT:
        return "insufficient";
    }
    return "unknown";
}
