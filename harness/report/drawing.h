/* SPDX-License-Identifier: Apache-2.0 */
/* drawing.h — what a recipe makes of a query's answer: rows to draw, the lines of gnuplot that name them,
 * and the sentence under the chart.
 *
 * The rows become NAME.csv, the definitions stand between style.gp and the template in NAME.gp. Recipes
 * write definitions only through the functions here, which quote every text and every number. */
#ifndef HARNESS_REPORT_DRAWING_H
#define HARNESS_REPORT_DRAWING_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "engine/base/table.h"

enum { DRAWING_RAMP = 9 }; /* colours from little to much, in style.gp */

struct drawing {
    struct table rows;      /* drawing_begin_rows */
    bool has_rows;
    struct str definitions;
    struct str caption;
    struct str shortfall;   /* why nothing can be drawn: "needs 2 sizes …" */
    struct str key_title;
    struct str y_axis;      /* "" leaves the chart's own */
    int width, height;      /* pixels of the SVG's own coordinates */
};

/* Life cycle. */
void drawing_init(struct drawing *drawing);
void drawing_release(struct drawing *drawing);

/* Operations: rows. */
void drawing_begin_rows(struct drawing *drawing, int n, const char *const *names);
/* Appends a row; values beyond n are NULL, NaN too. A text column is set afterwards by table_set_text. */
int drawing_add(struct drawing *drawing, int n, const double *values);

/* Operations: definitions. */
void drawing_number(struct drawing *drawing, const char *name, double value);
void drawing_text(struct drawing *drawing, const char *name, const char *text);
/* An array of texts or of numbers; n >= 1. */
void drawing_texts(struct drawing *drawing, const char *name, int n, const struct str *texts);
void drawing_numbers(struct drawing *drawing, const char *name, int n, const int *values);
/* "10 k" at 10000 …: 1-2-5 steps where the range is short, powers of ten where it is long. `floating` writes
 * 10^11 instead. Sets the range with a margin. axis is 'x' or 'y'. */
void drawing_log_axis(struct drawing *drawing, char axis, double low, double high, bool floating);
/* The same tics as two commands in the variables show_labels and hide_labels, for charts of several panels. */
void drawing_log_panels(struct drawing *drawing, double low, double high);
/* y from low to high with room for the floor below (NaN: no floor). */
void drawing_loss_axis(struct drawing *drawing, double low, double high, double floor);
/* Place i of n on the ramp, 1 … DRAWING_RAMP. */
int drawing_ramp(int i, int n);

#endif
