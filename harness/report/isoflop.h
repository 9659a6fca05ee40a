/* SPDX-License-Identifier: Apache-2.0 */
/* isoflop.h — loss against size at equal compute, and the size that wins (Hoffmann et al. 2022, approach 2).
 *
 * A budget is either real — trials of several sizes that were given the same compute — or read off a grid
 * of sizes and data sizes: along one size, loss is interpolated linearly in log C between two measured
 * runs, never beyond them. Through the points next to the lowest one goes a parabola in ln N. Its vertex counts as an
 * optimum only when at least ISOFLOP_FIT_SIZES sizes support it (three points give three coefficients whatever they
 * are), larger and smaller sizes than the best were tried, and the vertex is a minimum inside the points. */
#ifndef HARNESS_REPORT_ISOFLOP_H
#define HARNESS_REPORT_ISOFLOP_H

#include <stdbool.h>

#include "engine/base/table.h"

enum { ISOFLOP_MOST_BUDGETS = 6, ISOFLOP_MOST_SIZES = 64, ISOFLOP_FIT_SIZES = 4 };

/* Why a budget has an optimum, or has none. */
enum isoflop_support {
    ISOFLOP_OPTIMUM,
    ISOFLOP_FEW_SIZES, /* fewer than ISOFLOP_FIT_SIZES sizes */
    ISOFLOP_SMALLEST,  /* the smallest size tried is the best: the optimum may lie below */
    ISOFLOP_LARGEST,   /* the largest is */
    ISOFLOP_NO_MINIMUM /* the parabola opens downwards, or its vertex lies outside the points */
};

struct isoflop_budget {
    double flops;
    int n;                              /* sizes, ascending */
    double params[ISOFLOP_MOST_SIZES];
    double loss[ISOFLOP_MOST_SIZES];
    int fit_first, fit_last;            /* the points the parabola goes through (or near) */
    double c0, c1, c2;                  /* loss = c0 + c1 u + c2 u^2 with u = ln(N / params[fit_first]) */
    enum isoflop_support support;
    double best_params, best_loss;      /* of the vertex, when support is ISOFLOP_OPTIMUM */
};

struct isoflop {
    struct isoflop_budget budgets[ISOFLOP_MOST_BUDGETS]; /* ascending compute */
    int n;
    bool interpolated;
    int n_optima;                       /* budgets with an optimum */
    double exponent;                    /* N_opt grows as C^exponent; NaN with fewer than 3 optima */
    double most_flops;                  /* of any run: beyond the last budget nothing could be compared */
};

/* From rows with params, flops, loss and seed. Each budget kept has at least 3 sizes; n may come out 0. */
void isoflop_find(struct isoflop *out, const struct table *table, bool (*keep)(const struct table *, int, const void *));

/* A few words for a legend: "smallest wins"; "" for an optimum. */
const char *isoflop_reason(enum isoflop_support support);

/* The parabola's loss at a size. */
double isoflop_parabola(const struct isoflop_budget *budget, double params);

#endif
