/* SPDX-License-Identifier: Apache-2.0 */
/* charts.h — every chart as one recipe: a question, the SQL it rests on, how the answer is drawn, and the
 * sentence that says what is to be seen.
 *
 * This room never opens the store. A command asks it:
 *     store_query(store, chart->sql, parameters, n, &answer, err)
 *     chart_render(chart, &answer, &options, &output, err)
 * ?1 in every SQL text is the name of a spec; unbound (NULL) it means all. A chart with too little to show
 * says so (STATUS_INSUFFICIENT) and draws nothing. To add a chart: a row in the table in charts.c, a
 * recipe_… function, and a template in plots/. */
#ifndef HARNESS_REPORT_CHARTS_H
#define HARNESS_REPORT_CHARTS_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/str.h"
#include "engine/base/table.h"
#include "harness/report/drawing.h"

struct chart {
    const char *name;      /* file name, id, argument of `isoflop plot` */
    const char *title;
    const char *question;
    const char *x_axis, *y_axis;
    const char *template;  /* file in plots/, without its ending */
    const char *sql;
    /* Fills rows, definitions and caption from the answer; false, with the shortfall, when it cannot. */
    bool (*prepare)(const struct table *answer, struct drawing *out);
};

/* The table. NULL past the last, NULL for an unknown name. */
const struct chart *chart_at(int i);
const struct chart *chart_find(const char *name);
/* The nearest known name to a mistyped one, or NULL. */
const char *chart_nearest(const char *name);

struct chart_options {
    const char *folder;    /* exists; NAME.svg, NAME.gp, NAME.csv are written there. NULL: nothing is written */
    bool png, pdf;         /* these too */
    const char *gnuplot;   /* absolute path; NULL: searched for in PATH */
};

struct chart_output {
    struct str caption;    /* one sentence or two, plain text */
    struct str svg;        /* for inlining in a page: no style of its own, no declaration */
    struct str csv;        /* NAME.csv */
    struct table rows;     /* the same as a table */
    bool has_rows;
};

void chart_output_init(struct chart_output *output);
void chart_output_release(struct chart_output *output);

/* STATUS_INSUFFICIENT: err says what is missing, nothing is written. STATUS_NOT_FOUND: there is no gnuplot;
 * the .gp and .csv are written and output holds everything but the drawing. Output is the caller's, from
 * chart_output_init, and is untouched on other errors. */
MUST_CHECK enum status chart_render(const struct chart *chart, const struct table *answer,
                                    const struct chart_options *options, struct chart_output *output,
                                    struct err *err);

/* A table as CSV: RFC 4180, LF, header, numbers that round-trip, empty for missing. */
void chart_csv(const struct table *table, struct str *out);

#endif
