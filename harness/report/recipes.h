/* SPDX-License-Identifier: Apache-2.0 */
/* recipes.h — the drawing halves of the table in charts.c; private to this room.
 *
 * Each takes the answer of its chart's SQL. Columns it expects are those the SQL names. */
#ifndef HARNESS_REPORT_RECIPES_H
#define HARNESS_REPORT_RECIPES_H

#include <stdbool.h>

#include "engine/base/table.h"
#include "harness/report/drawing.h"
#include "harness/report/points.h"

bool recipe_loss_vs_params(const struct table *answer, struct drawing *out);
bool recipe_loss_vs_tokens(const struct table *answer, struct drawing *out);
bool recipe_loss_vs_compute(const struct table *answer, struct drawing *out);
bool recipe_isoflop(const struct table *answer, struct drawing *out);
bool recipe_learning_curves(const struct table *answer, struct drawing *out);
bool recipe_abilities(const struct table *answer, struct drawing *out);
bool recipe_latency(const struct table *answer, struct drawing *out);
bool recipe_experts(const struct table *answer, struct drawing *out);
bool recipe_moe_load(const struct table *answer, struct drawing *out);
bool recipe_downscaling(const struct table *answer, struct drawing *out);

/* The entropy floor all rows share, or NaN: no floor is drawn when worlds differ or the text is real. */
double recipe_floor(const struct table *answer);
/* Names the y axis after the answer's unit of loss, and returns it: "nats per token" or "bits per byte". */
const char *recipe_unit(const struct table *answer, struct drawing *out);
/* The ends of x, and of y with its bars, over all points: what the axes must hold. */
void recipe_extent(const struct points *points, double *x_low, double *x_high, double *low, double *high);
/* Widens a range until it holds the value. */
void recipe_include(double *low, double *high, double value);
/* "one seed: no interval" or "bars span 3 seeds". */
void recipe_say_seeds(struct str *out, const struct points *points);

enum { RECIPE_MOST_SERIES = 24 };
/* Definitions series_count, colour[] and series_title[] for n series; makes nothing of the texts' origin. */
void recipe_series(struct drawing *out, int n, const struct str *titles);

#endif
