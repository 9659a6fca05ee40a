/* SPDX-License-Identifier: Apache-2.0 */
/* recipes_curves.c — charts of runs on their way: loss against compute with its front, and learning curves.
 * Invariant: the front holds finished runs only; a learning rate that has not come down yet makes every
 * point on the way look worse than a run that ended there. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/report/recipes.h"
#include "harness/report/text.h"

/* Rows of learning curves, in the order they came; points along one trial share curve_id. */
struct curves {
    int n;
    int colours[512];
    double sizes[512];
};
enum { MOST_CURVES = 512 };

/* Calls for every new trial id among rows of the given kind (NULL: all); fills sizes by first appearance. */
static void number_curves(const struct table *answer, const char *kind, int *curve_of_row, struct curves *out)
{
    const char *previous = NULL;
    out->n = 0;
    for (int row = 0; row < answer->n_rows; row++) {
        const char *is = column_text(answer, row, "kind"), *trial = column_text(answer, row, "trial_id");
        curve_of_row[row] = 0;
        if (!trial || (kind && (!is || strcmp(is, kind) != 0)))
            continue;
        if (!previous || strcmp(trial, previous) != 0) {
            if (out->n == MOST_CURVES)
                return;
            out->sizes[out->n++] = column_number(answer, row, "params");
            previous = trial;
        }
        curve_of_row[row] = out->n;
    }
}

/* Place of a size in the ascending list of distinct sizes, and how many there are. */
static int rank_of(double size, const double *sizes, int n, int *distinct)
{
    int below = 0, different = 0;
    for (int i = 0; i < n; i++) {
        bool first = true;
        for (int k = 0; k < i && first; k++)
            first = sizes[k] != sizes[i];
        different += first;
        below += first && sizes[i] < size;
    }
    *distinct = different;
    return below;
}

static void colour_curves(struct curves *curves, const double *sizes, int n_sizes)
{
    for (int i = 0; i < curves->n; i++) {
        int distinct, rank = rank_of(curves->sizes[i], sizes, n_sizes, &distinct);
        curves->colours[i] = drawing_ramp(rank, distinct);
    }
}

static bool is_run(const struct table *table, int row, const void *context)
{
    const char *kind = column_text(table, row, "kind");
    (void)context;
    return kind && strcmp(kind, "run") == 0 && column_number(table, row, "flops") > 0;
}

static int by_x(const void *left, const void *right)
{
    const struct point *a = left, *b = right;
    return a->x != b->x ? (a->x > b->x) - (a->x < b->x) : (a->y > b->y) - (a->y < b->y);
}

/* The front: runs in order of compute, each with a loss below all before, as a staircase: between two runs the
 * cheaper one is still the best there is. Returns how many runs. */
static int add_front(const struct points *points, struct drawing *out, struct point *ends)
{
    struct point *sorted = calloc((size_t)points->n, sizeof *sorted);
    double best = INFINITY;
    int n = 0;
    NEED_MEMORY(sorted);
    memcpy(sorted, points->items, (size_t)points->n * sizeof *sorted);
    qsort(sorted, (size_t)points->n, sizeof *sorted, by_x);
    for (int i = 0; i < points->n; i++)
        if (sorted[i].y < best) {
            best = sorted[i].y;
            ends[n++ > 0] = sorted[i];
            int row = drawing_add(out, 7, (double[]){NAN, NAN, NAN, NAN, sorted[i].series, sorted[i].x, sorted[i].y});
            table_set_text(&out->rows, row, 0, "front");
        }
    free(sorted);
    return n;
}

static void add_curves(const struct table *answer, const struct points *runs, struct drawing *out)
{
    int *curve_of_row = calloc((size_t)answer->n_rows + 1, sizeof *curve_of_row);
    double *sizes = calloc((size_t)runs->n + 1, sizeof *sizes);
    struct curves *curves = calloc(1, sizeof *curves);
    NEED_MEMORY(curve_of_row && curves && sizes);
    for (int i = 0; i < runs->n; i++)
        sizes[i] = runs->items[i].series;
    number_curves(answer, "curve", curve_of_row, curves);
    colour_curves(curves, sizes, runs->n);
    for (int row = 0; row < answer->n_rows; row++) {
        if (!curve_of_row[row] || !(column_number(answer, row, "flops") > 0))
            continue;
        int added = drawing_add(out, 7, (double[]){NAN, NAN, curve_of_row[row], NAN,
                                                   column_number(answer, row, "params"),
                                                   column_number(answer, row, "flops"),
                                                   column_number(answer, row, "loss")});
        table_set_text(&out->rows, added, 0, "curve");
        table_set_text(&out->rows, added, 3, column_text(answer, row, "trial_id"));
    }
    drawing_number(out, "curve_count", curves->n);
    drawing_numbers(out, "curve_colour", curves->n ? curves->n : 1, curves->colours);
    free(curve_of_row);
    free(sizes);
    free(curves);
}

static void say_front(struct str *out, int n, const struct point ends[2])
{
    if (n < 2) {
        str_append(out, "The run with the least compute is also the best: more compute did not help here.");
        return;
    }
    str_append(out, "The front of best runs leads from loss ");
    int decimals = text_decimals(ends[0].y, ends[1].y);
    text_number(out, ends[0].y, decimals, false);
    str_append(out, " at ");
    text_power(out, ends[0].x);
    str_append(out, " FLOPs (");
    text_count(out, ends[0].series);
    str_append(out, " parameters) to ");
    text_number(out, ends[1].y, decimals, false);
    str_append(out, " at ");
    text_power(out, ends[1].x);
    str_append(out, " FLOPs (");
    text_count(out, ends[1].series);
    str_append(out, " parameters, N). It is a staircase: each step is the best finished run for that compute or less. "
                    "Thin lines are learning curves; their learning rate has not come down before the end.");
}

bool recipe_loss_vs_compute(const struct table *answer, struct drawing *out)
{
    static const char *const names[] = {"kind", "series", "curve", "trial_id", "params", "flops", "loss"};
    static const struct points_query query = {.series = "params", .x = "flops", .y = "loss", .keep = is_run};
    struct points points;
    struct str titles[RECIPE_MOST_SERIES];
    struct point ends[2] = {{.seeds = 0}, {.seeds = 0}};
    double x_low, x_high, low, high;
    int n = 0;
    points_collect(&points, answer, &query);
    bool enough = points.n >= 2 && points_series_count(&points) <= RECIPE_MOST_SERIES;
    if (!enough) {
        str_append(&out->shortfall, points.n < 2 ? "needs 2 finished runs" : "has more than 24 sizes: name one spec");
        points_release(&points);
        return false;
    }
    drawing_begin_rows(out, 7, names);
    for (int i = 0, end; i < points.n; i = end) {
        end = points_series_end(&points, i);
        str_init(&titles[n]);
        text_count(&titles[n++], points.items[i].series);
        for (int k = i; k < end; k++) {
            const struct point *p = &points.items[k];
            int row = drawing_add(out, 7, (double[]){NAN, n, NAN, NAN, p->series, p->x, p->y});
            table_set_text(&out->rows, row, 0, "run");
            table_set_text(&out->rows, row, 3, column_text(answer, p->row, "trial_id"));
        }
    }
    recipe_extent(&points, &x_low, &x_high, &low, &high);
    int n_front = add_front(&points, out, ends);
    add_curves(answer, &points, out);
    recipe_series(out, n, titles);
    drawing_log_axis(out, 'x', x_low / 3, x_high, true);
    /* Curves begin far above where anything is decided: the axis follows the finished runs. */
    drawing_loss_axis(out, low, high + (high - low) * 0.35, recipe_floor(answer));
    str_append(&out->key_title, "N (parameters)");
    (void)recipe_unit(answer, out);
    say_front(&out->caption, n_front, ends);
    for (int i = 0; i < n; i++)
        str_release(&titles[i]);
    points_release(&points);
    return true;
}

/* A title for the first curve of each size, none for the others: the key names sizes, not runs. */
static void title_curves(const struct curves *curves, struct str *titles)
{
    for (int i = 0; i < curves->n; i++) {
        bool first = true;
        for (int k = 0; k < i && first; k++)
            first = curves->sizes[k] != curves->sizes[i];
        str_init(&titles[i]);
        if (first)
            text_count(&titles[i], curves->sizes[i]);
    }
}

static void draw_curves(const struct table *answer, const int *curve_of_row, struct curves *curves,
                        struct str *titles, struct drawing *out)
{
    static const char *const names[] = {"curve", "trial_id", "params", "tokens", "loss"};
    double x_low = INFINITY, x_high = 0, low = INFINITY, high = 0, floor = recipe_floor(answer);
    drawing_begin_rows(out, 5, names);
    for (int row = 0; row < answer->n_rows; row++) {
        double tokens = column_number(answer, row, "tokens"), loss = column_number(answer, row, "loss");
        if (!curve_of_row[row] || !(tokens > 0) || !isfinite(loss))
            continue;
        double size = curves->sizes[curve_of_row[row] - 1];
        int added = drawing_add(out, 5, (double[]){curve_of_row[row], NAN, size, tokens, loss});
        table_set_text(&out->rows, added, 1, column_text(answer, row, "trial_id"));
        x_low = fmin(x_low, tokens);
        x_high = fmax(x_high, tokens);
        low = fmin(low, loss);
        high = fmax(high, loss);
    }
    title_curves(curves, titles);
    colour_curves(curves, curves->sizes, curves->n);
    drawing_number(out, "curve_count", curves->n);
    drawing_numbers(out, "curve_colour", curves->n, curves->colours);
    drawing_texts(out, "curve_title", curves->n, titles);
    drawing_log_axis(out, 'x', x_low, x_high, false);
    drawing_loss_axis(out, low, high, floor);
    str_append(&out->key_title, "N (parameters)");
    str_format(&out->caption, "%d runs, each to its end; the lowest held-out loss is ", curves->n);
    text_number(&out->caption, low, 2, false);
    str_format(&out->caption, " %s.", recipe_unit(answer, out));
    if (isfinite(floor)) {
        str_append(&out->caption, " The floor is ");
        text_number(&out->caption, floor, 2, false);
        str_append(&out->caption, ".");
    }
}

bool recipe_learning_curves(const struct table *answer, struct drawing *out)
{
    int *curve_of_row = calloc((size_t)answer->n_rows + 1, sizeof *curve_of_row);
    struct curves *curves = calloc(1, sizeof *curves);
    struct str *titles = calloc(MOST_CURVES, sizeof *titles);
    int drawable = 0;
    NEED_MEMORY(curve_of_row && curves && titles);
    number_curves(answer, NULL, curve_of_row, curves);
    for (int row = 0; row < answer->n_rows; row++)
        drawable += curve_of_row[row] && column_number(answer, row, "tokens") > 0 &&
                    isfinite(column_number(answer, row, "loss"));
    bool enough = drawable >= 2 && drawable > curves->n;
    if (enough)
        draw_curves(answer, curve_of_row, curves, titles, out);
    else
        str_append(&out->shortfall, "needs a run with 2 held-out losses on the way");
    for (int i = 0; i < curves->n && enough; i++)
        str_release(&titles[i]);
    free(curve_of_row);
    free(curves);
    free(titles);
    return enough;
}
