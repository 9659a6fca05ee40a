/* SPDX-License-Identifier: Apache-2.0 */
/* laws_estimate.h — one law's letters from weighted points: what laws_fit.c calls once for the fit and once for each
 * resample. A struct law_work owns its memory and is used by one thread. Points have passed laws_fit.c's checks. */
#ifndef HARNESS_ANALYSIS_LAWS_ESTIMATE_H
#define HARNESS_ANALYSIS_LAWS_ESTIMATE_H

#include "harness/analysis/laws.h"

enum { LAW_UNKNOWNS = 8, LAW_MOST_BUCKETS = 256 };

struct law_work {
    const struct law *law;
    const struct law_points *points;
    enum law_method method;
    /* sums of powers */
    struct powersum sum;
    struct powersum_solution best;
    /* other least squares: the minimum found, from which resamples begin */
    double unknown[LAW_UNKNOWNS];
    double mean_N, mean_D; /* of the logarithms; log10 for the routed law */
    /* approaches 1 and 2, kaplan: points by (N, C) or by C; where budgets begin in that order */
    int *order;
    int bucket[LAW_MOST_BUCKETS + 1], n_buckets;
    double *scratch;
};

MUST_CHECK enum status law_work_init(struct law_work *work, const struct law *law, const struct law_points *points,
                                     const struct law_settings *settings, struct err *err);
void law_work_release(struct law_work *work);

/* letters in the order of law->letters (approach1, approach2: a b k_N k_D). `search`: from everywhere, and remembered;
 * otherwise from what was found then. False when the points of positive weight determine no law. weight (n). */
bool law_estimate(struct law_work *work, const double *weight, bool search, double *letters, double *objective);

/* What approach 2 makes of one budget: 0 good, else why it is left out. *C is its geometric mean. */
const char *law_bucket_fault(struct law_work *work, const double *weight, int bucket, double *C);

/* laws_curves.c */
bool law_estimate_approach1(struct law_work *work, const double *weight, double *letters, double *objective);
bool law_estimate_approach2(struct law_work *work, const double *weight, double *letters, double *objective);
bool law_estimate_kaplan(const struct law_work *work, const double *weight, double *letters, double *objective);
/* Relative errors of the three laws on the points each goes through: their root mean square, and the mean size where each law's
 * largest `share` of points is foretold from the rest; NaN where the rest determines no law. */
void law_kaplan_errors(const struct law_work *work, const double *letters, double share, double *rms, double *heldout, int *n_heldout);

#endif
