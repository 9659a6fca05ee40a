/* SPDX-License-Identifier: Apache-2.0 */
/* isoflop.h — loss against size at equal compute, and the size that wins (Hoffmann et al. 2022, approach 2).
 *
 * A budget is either real — trials of several sizes that were given the same compute — or read off a grid
 * of sizes and data sizes: along one size, loss is interpolated linearly in log C between two measured
 * runs, never beyond them. Through the points next to the lowest one goes a parabola in ln N; its vertex
 * counts as an optimum only when it is a minimum and lies inside those points. */
#ifndef HARNESS_REPORT_ISOFLOP_H
#define HARNESS_REPORT_ISOFLOP_H

#include <stdbool.h>

#include "engine/base/table.h"

enum { ISOFLOP_MOST_BUDGETS = 6, ISOFLOP_MOST_SIZES = 64 };

struct isoflop_budget {
    double flops;
    int n;                              /* sizes, ascending */
    double params[ISOFLOP_MOST_SIZES];
    double loss[ISOFLOP_MOST_SIZES];
    int fit_first, fit_last;            /* the points the parabola goes through (or near) */
    double c0, c1, c2;                  /* loss = c0 + c1 u + c2 u^2 with u = ln(N / params[fit_first]) */
    bool interior;                      /* there is an optimum: */
    double best_params, best_loss;
};

struct isoflop {
    struct isoflop_budget budgets[ISOFLOP_MOST_BUDGETS]; /* ascending compute */
    int n;
    bool interpolated;
    int n_interior;
    double exponent;                    /* N_opt grows as C^exponent; NaN with fewer than 3 interior optima */
};

/* From rows with params, flops, loss and seed. Each budget kept has at least 3 sizes; n may come out 0. */
void isoflop_find(struct isoflop *out, const struct table *table, bool (*keep)(const struct table *, int, const void *));

/* The parabola's loss at a size. */
double isoflop_parabola(const struct isoflop_budget *budget, double params);

#endif
