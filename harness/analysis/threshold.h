/* SPDX-License-Identifier: Apache-2.0 */
/* threshold.h — the smallest size, cost or delay at which an ability reaches a level, and whether it came smoothly.
 *
 * The curve through the scores is non-decreasing (curve_isotonic) and straight in (log x, y) between neighbours, or a
 * logistic from chance to 1. Nothing is extrapolated: what is not reached is censored, "more than the largest tried".
 *
 * The interval:
 *   two seeds or more  bootstrap over seeds, whole seeds at a time, percentile, on log x; widened about the estimate by
 *                      sqrt(k / (k - 1)) t(k - 1) / z for the few clusters there are (Hesterberg 2015, section 5.3)
 *   one seed           the crossings of the upper and of the lower ends of the Wilson intervals of the scores: what the
 *                      sample of items leaves open, and nothing about other seeds */
#ifndef HARNESS_ANALYSIS_THRESHOLD_H
#define HARNESS_ANALYSIS_THRESHOLD_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "harness/analysis/curves.h"

/* One score. */
struct threshold_point {
    double x;       /* > 0 */
    double y;       /* share of items right, 0 to 1 */
    double items;   /* they rest on, >= 1 */
    double seed;
    double logprob; /* nats per answer token on the same items; NaN: not measured */
};

enum threshold_state {
    THRESHOLD_REACHED,
    THRESHOLD_NOT_REACHED, /* the value is the largest x tried: more is needed */
    THRESHOLD_BELOW,       /* the value is the smallest x tried: less may do */
    THRESHOLD_CHANCE       /* guessing reaches the level: it says nothing; the value is NaN */
};

enum threshold_shape { SHAPE_UNKNOWN, SHAPE_SMOOTH, SHAPE_SHARP };

struct threshold_settings {
    double at;     /* the level, above chance and at most 1 */
    double chance; /* what guessing reaches */
    bool logistic; /* read the crossing off a logistic in place of the interpolation */
    int replicates;
};

struct threshold {
    enum threshold_state state;
    double value;
    double low, high;  /* 95 %; low 0: even the smallest may reach it; high INFINITY: even the largest may not */
    int n_points, n_seeds, n_sizes;
};

struct threshold_forms {
    struct curve curves[CURVE_FORMS]; /* aicc NaN: not fitted, or too few points to weigh it */
    enum threshold_shape shape;
    double rise; /* factor in x from 10 to 90 % of the way from chance to 1, of the logistic; NaN without it */
};

/* Forms are weighed by AICc: power law and p^L are smooth, logistic and broken power law sharp where the rise takes at
 * most a factor of THRESHOLD_SHARP. The shape is unknown where no form of the other kind is worse by more than
 * THRESHOLD_EVIDENCE, or where there are too few points for either kind. */
#define THRESHOLD_SHARP 10.0
#define THRESHOLD_EVIDENCE 2.0

/* STATUS_INSUFFICIENT for fewer than two different x or a point that is not finite; STATUS_USAGE for a level outside
 * (0, 1]. Points in any order; the same points give the same bits. */
MUST_CHECK enum status threshold_find(const struct threshold_point *points, int n,
                                      const struct threshold_settings *settings, struct threshold *out,
                                      struct err *err);

/* Fits every form and weighs them. The same errors. */
MUST_CHECK enum status threshold_weigh(const struct threshold_point *points, int n, double chance,
                                       struct threshold_forms *out, struct err *err);

/* reached not_reached below chance; unknown smooth sharp. */
const char *threshold_state_name(enum threshold_state state);
const char *threshold_shape_name(enum threshold_shape shape);

#endif
