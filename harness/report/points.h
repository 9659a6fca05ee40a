/* SPDX-License-Identifier: Apache-2.0 */
/* points.h — from a query's rows to the points of a chart: replicates gathered, series sorted.
 *
 * Rows with the same series, x and seed are one experiment under several settings: the best one counts.
 * Rows that differ in the seed only are replicates: the point is their mean, low and high their extremes.
 * Points are sorted by series, then x. Rows where one of the three is missing do not count. */
#ifndef HARNESS_REPORT_POINTS_H
#define HARNESS_REPORT_POINTS_H

#include <stdbool.h>

#include "engine/base/table.h"

struct point {
    double series, x;
    double y;          /* mean over seeds */
    double low, high;  /* extremes over seeds; both y with one seed */
    double stderror;   /* of the mean, from the rows' own standard errors; NaN when unknown */
    int seeds;
    int row;           /* of one of the rows that count, for the columns that all share */
};

struct points {
    struct point *items; /* owned */
    int n;
};

struct points_query {
    const char *series, *x, *y; /* columns; series may be NULL: one series, 0 */
    const char *stderror;       /* column, may be NULL */
    bool higher_is_better;
    bool (*keep)(const struct table *table, int row, const void *context); /* may be NULL */
    const void *context;
};

/* Life cycle. */
void points_collect(struct points *out, const struct table *table, const struct points_query *query);
void points_release(struct points *points);

/* Operations. The end (one past) of the series that begins at `start`. */
int points_series_end(const struct points *points, int start);
int points_series_count(const struct points *points);
/* Removes series with fewer than `least` points. */
void points_drop_short(struct points *points, int least);
/* Start of the series with the most points, the largest series among equals; -1 when there is none. */
int points_widest(const struct points *points);

/* A cell by column name; NaN or NULL when the column or the value is missing. */
double column_number(const struct table *table, int row, const char *name);
const char *column_text(const struct table *table, int row, const char *name);

#endif
