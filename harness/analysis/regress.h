/* SPDX-License-Identifier: Apache-2.0 */
/* regress.h — the regression gate: is the candidate worse than the baseline?
 *
 * A sample is one process (never one of many timings inside a process: those share a layout, a clock and
 * a neighbour, and would be counted as evidence they are not). a is the baseline, b the candidate; only
 * positive, finite samples make sense, since sides are compared by ratio.
 *
 * Paired: when both sides carry block numbers, each block occurs once on a side, and the sides have the same
 * blocks. Then the log-ratio is the median of log(b / a) within blocks, its interval the sign test's (exact
 * coverage, at least 95 %), its p value the sign test's. What drifts slowly cancels. n pairs give at best
 * p = 2^(1-n), so six are needed; among m metrics of which one changed, 2^(1-n) < 0.05 / m.
 * Unpaired otherwise: the log-ratio of the medians, a percentile bootstrap of it (each side resampled by
 * itself, BOOTSTRAP_INIT, Philox), and the two-sided Mann-Whitney p value. The same data give the same bits,
 * in whatever order the samples come.
 *
 * Verdict (DESIGN.md section 9): REGRESSION needs an adjusted p < 0.05 (Benjamini & Hochberg over the metrics
 * compared together) and an interval wholly beyond the threshold, ratio > 1 + t, on the bad side;
 * IMPROVEMENT the same on the good side, ratio < 1 / (1 + t): exchanging a and b exchanges the verdicts.
 * UNCHANGED says that a change beyond the threshold is ruled out: the interval lies within it. UNDECIDED is the rest:
 * no change was shown, and one beyond the threshold was not ruled out; more samples narrow the interval.
 *
 * Exact metrics (FLOPs, bytes, bits of the final loss) are gated without statistics: every sample of both
 * sides must have the bits of the first; any difference is a REGRESSION, named "changed". One sample a side
 * is enough. 0 and -0 differ.
 *
 * Stateless; the caller owns every array; nothing is kept. */
#ifndef HARNESS_ANALYSIS_REGRESS_H
#define HARNESS_ANALYSIS_REGRESS_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "harness/analysis/stats.h"

enum {
    REGRESS_MIN_SAMPLES = 5,    /* on either side, unpaired */
    REGRESS_MIN_PAIRS = 6,
    REGRESS_MAX_SAMPLES = 10000 /* on either side */
};

#define REGRESS_THRESHOLD 0.01
#define REGRESS_SIGNIFICANCE 0.05

/* Data */

enum regress_direction { REGRESS_SMALLER_IS_BETTER, REGRESS_LARGER_IS_BETTER };

enum regress_verdict {
    REGRESS_UNCHANGED,
    REGRESS_UNDECIDED,
    REGRESS_REGRESSION,
    REGRESS_IMPROVEMENT,
    REGRESS_INSUFFICIENT /* too few samples to say anything */
};

struct regress_metric {
    const char *name;   /* for messages */
    const double *a;    /* n_a samples of the baseline, all in one unit */
    int n_a;
    const double *b;    /* n_b samples of the candidate */
    int n_b;
    const int *block_a; /* n_a block numbers, or NULL */
    const int *block_b; /* n_b block numbers, or NULL */
    enum regress_direction direction;
    double threshold;   /* relative change that does not matter, >= 0 */
    bool exact;
};

/* Smaller is better, 1 %, not exact: fill in the rest. */
#define REGRESS_METRIC_INIT ((struct regress_metric){.name = "", .threshold = REGRESS_THRESHOLD})

/* What is not known is NaN: medians of no samples, interval and p of exact and INSUFFICIENT metrics, the
 * ratio where a median is not positive (possible only for exact metrics) or missing. */
struct regress_result {
    int n_a;
    int n_b;
    double median_a;
    double median_b;
    double ratio;                 /* b / a: exp(log_ratio) */
    double log_ratio;             /* of the medians; paired: median of the pairs' log-ratios */
    struct interval log_interval; /* of log_ratio, 95 % */
    double p_value;
    double p_adjusted;            /* over the metrics compared together */
    bool paired;
    bool exact;
    enum regress_verdict verdict;
};

/* Operations */

/* Compares n metrics together: out (n). Exact and INSUFFICIENT metrics do not count in the correction.
 * STATUS_INSUFFICIENT names the metric, side and index of a sample that is not finite or not positive;
 * STATUS_USAGE a threshold that is none. n >= 1. */
MUST_CHECK enum status regress_compare_all(const struct regress_metric *metrics, int n,
                                           struct regress_result *out, struct err *err);

/* Compares one metric, with nothing to correct for. */
MUST_CHECK enum status regress_compare(const struct regress_metric *metric, struct regress_result *out,
                                       struct err *err);

/* "unchanged", "regression" ("changed" of an exact metric), "improvement", "insufficient". */
const char *regress_verdict_name(const struct regress_result *result);

#endif
