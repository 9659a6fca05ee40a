/* SPDX-License-Identifier: Apache-2.0 */
/* claims_statistics.h — what the points of a claim are brought to: one number each, NaN where they do not determine
 * it. Points of one group are neighbours; within a group they ascend by z, then x. */
#ifndef HARNESS_ANALYSIS_CLAIMS_STATISTICS_H
#define HARNESS_ANALYSIS_CLAIMS_STATISTICS_H

#include "harness/analysis/claims.h"

/* Change of y per doubling of x, one line per group with a common slope (fixed effects). */
double claim_slope_log(const struct claim_point *p, int n);
/* The same of x itself: change of y per unit of x. */
double claim_slope(const struct claim_point *p, int n);
/* The larger of the slopes of the groups with z = 0 and of those with z = 1. */
double claim_weaker_slope(const struct claim_point *p, int n);

/* IsoFLOP curves: a group is a budget, x parameters, y loss, z tokens, w FLOPs executed. Only groups whose parabola in
 * log x has its minimum inside the grid have an optimum (Hoffmann et al. 2022, approach 2). */
double claim_curvature(const struct claim_point *p, int n);        /* mean, nats per squared doubling */
double claim_size_exponent(const struct claim_point *p, int n);    /* a of N_opt ~ C^a */
double claim_cost_of_doubling(const struct claim_point *p, int n); /* 2^(1/a): FLOPs, per doubling of N_opt */
double claim_tokens_per_param(const struct claim_point *p, int n); /* geometric mean of D_opt / N_opt */
double claim_exponential_optimal(const struct claim_point *p, int n); /* AICc, exponential minus power, of C on N_opt */

/* AICc of log y on x minus that of log y on log x, summed over groups: below 0 the exponential explains y better. */
double claim_exponential(const struct claim_point *p, int n);

/* Mean of y over all points. */
double claim_mean(const struct claim_point *p, int n);
/* Mean over points with z = 1 of y minus the y of the group's points with z = 0 at the same x, between whose neighbours
 * it is interpolated in log x; what lies outside them is left out. */
double claim_below_curve(const struct claim_point *p, int n);
/* Mean over groups of mean y with z = 1 over mean y with z = 0, less 1. */
double claim_relative(const struct claim_point *p, int n);
/* Mean of (ln w - y) / (ln w - x): of what a parent with loss x learnt beyond guessing among w, the share left. */
double claim_kept(const struct claim_point *p, int n);
/* Median over groups, each an ability with y scores and z chance, of the doublings of x from 10 to 90 % of the way from
 * chance to 1. A rise between two neighbours more than a doubling apart determines nothing. */
double claim_rise(const struct claim_point *p, int n);
/* Largest over groups of y at x <= largest x / 4, minus y at the largest x, where the latter is at least one half. */
double claim_small_against_large(const struct claim_point *p, int n);
/* How many times as much is learnt per cost x by the most efficient model as by the one with the lowest loss y, from guessing
 * among w; the geometric mean over groups. */
double claim_efficiency_gap(const struct claim_point *p, int n);

#endif
