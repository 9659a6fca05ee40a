/* SPDX-License-Identifier: Apache-2.0 */
/* recipes_loss.c — charts with the held-out loss on the y axis of dense models: against size, against
 * data, and against size at equal compute. Invariant: a series is drawn only with at least two points, so a
 * line always compares something. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "harness/report/isoflop.h"
#include "harness/report/recipes.h"
#include "harness/report/text.h"

double recipe_floor(const struct table *answer)
{
    double floor = NAN;
    for (int row = 0; row < answer->n_rows; row++) {
        const char *source = column_text(answer, row, "data_source");
        double value = column_number(answer, row, "entropy_floor");
        if (!source || strcmp(source, "world") != 0 || !isfinite(value))
            return NAN;
        if (isfinite(floor) && fabs(value - floor) > 0.02)
            return NAN;
        floor = isfinite(floor) ? floor : value;
    }
    return floor;
}

const char *recipe_unit(const struct table *answer, struct drawing *out)
{
    const char *unit = answer->n_rows > 0 ? column_text(answer, 0, "unit") : NULL;
    unit = unit ? unit : "nats per token";
    str_format(&out->y_axis, "held-out loss (%s)", unit);
    return unit;
}

void recipe_say_seeds(struct str *out, const struct points *points)
{
    int most = 0;
    for (int i = 0; i < points->n; i++)
        most = points->items[i].seeds > most ? points->items[i].seeds : most;
    if (most > 1)
        str_format(out, " Bars span the lowest and highest of %d seeds.", most);
    else
        str_append(out, " One seed: bars are one standard error of each model's held-out loss, no interval over "
                        "seeds.");
}

void recipe_series(struct drawing *out, int n, const struct str *titles)
{
    int colours[RECIPE_MOST_SERIES];
    ASSERT(n >= 1 && n <= RECIPE_MOST_SERIES);
    for (int i = 0; i < n; i++)
        colours[i] = drawing_ramp(i, n);
    drawing_number(out, "series_count", n);
    drawing_numbers(out, "colour", n, colours);
    drawing_texts(out, "series_title", n, titles);
}

void recipe_include(double *low, double *high, double value)
{
    *low = fmin(*low, value);
    *high = fmax(*high, value);
}

void recipe_extent(const struct points *points, double *x_low, double *x_high, double *low, double *high)
{
    *x_low = *low = INFINITY;
    *x_high = *high = -INFINITY;
    for (int i = 0; i < points->n; i++) {
        *x_low = fmin(*x_low, points->items[i].x);
        *x_high = fmax(*x_high, points->items[i].x);
        *low = fmin(*low, points->items[i].low);
        *high = fmax(*high, points->items[i].high);
    }
}

static bool x_is_positive(const struct table *table, int row, const void *column)
{
    return column_number(table, row, column) > 0;
}

/* With several seeds their range, with one its standard error; NaN when that is not known. */
static void bar_of(const struct point *p, double *low, double *high)
{
    *low = p->seeds > 1 ? p->low : p->y - p->stderror;
    *high = p->seeds > 1 ? p->high : p->y + p->stderror;
}

/* "At 3 M tokens, loss falls from 2.41 to 1.62 nats per token as the model grows from 4 k to 310 k parameters." */
static void say_line(struct str *out, const struct points *points, int start, const char *given,
                     const char *grows, const char *unit, const char *loss_unit)
{
    const struct point *first = &points->items[start];
    const struct point *last = &points->items[points_series_end(points, start) - 1];
    int decimals = text_decimals(first->y, last->y);
    str_append(out, "At ");
    text_count(out, first->series);
    str_format(out, " %s, held-out loss %s from ", given, last->y < first->y ? "falls" : "does not fall: it goes");
    text_number(out, first->y, decimals, false);
    str_append(out, " to ");
    text_number(out, last->y, decimals, false);
    str_format(out, " %s as %s from ", loss_unit, grows);
    text_count(out, first->x);
    str_append(out, " to ");
    text_count(out, last->x);
    str_format(out, " %s.", unit);
}

struct lines {
    const char *series, *x;      /* columns */
    const char *key_title, *series_unit, *grows, *unit, *shortfall;
};

static bool draw_lines(const struct table *answer, const struct lines *lines, struct drawing *out)
{
    const char *const names[] = {"series", lines->series, lines->x, "loss", "low", "high", "seeds"};
    const struct points_query query = {.series = lines->series, .x = lines->x, .y = "loss", .stderror = "stderr",
                                       .keep = x_is_positive, .context = lines->x};
    struct points points;
    struct str titles[RECIPE_MOST_SERIES];
    double x_low, x_high, low, high;
    int n = 0;
    points_collect(&points, answer, &query);
    points_drop_short(&points, 2);
    int widest = points_widest(&points);
    if (widest < 0 || points_series_count(&points) > RECIPE_MOST_SERIES) {
        str_append(&out->shortfall, widest < 0 ? lines->shortfall : "has more than 24 lines: name one spec");
        points_release(&points);
        return false;
    }
    drawing_begin_rows(out, 7, names);
    for (int i = 0, end; i < points.n; i = end) {
        end = points_series_end(&points, i);
        str_init(&titles[n]);
        text_count(&titles[n], points.items[i].series);
        n++;
        for (int k = i; k < end; k++) {
            const struct point *p = &points.items[k];
            double bar_low, bar_high;
            bar_of(p, &bar_low, &bar_high);
            drawing_add(out, 7, (double[]){n, p->series, p->x, p->y, bar_low, bar_high, p->seeds});
        }
    }
    recipe_extent(&points, &x_low, &x_high, &low, &high);
    drawing_text(out, "x_column", lines->x);
    recipe_series(out, n, titles);
    drawing_log_axis(out, 'x', x_low, x_high, false);
    drawing_loss_axis(out, low, high, recipe_floor(answer));
    str_append(&out->key_title, lines->key_title);
    say_line(&out->caption, &points, widest, lines->series_unit, lines->grows, lines->unit, recipe_unit(answer, out));
    recipe_say_seeds(&out->caption, &points);
    for (int i = 0; i < n; i++)
        str_release(&titles[i]);
    points_release(&points);
    return true;
}

bool recipe_loss_vs_params(const struct table *answer, struct drawing *out)
{
    static const struct lines lines = {
        .series = "tokens", .x = "params", .key_title = "training tokens", .series_unit = "training tokens",
        .grows = "the model grows", .unit = "parameters without embeddings (N)",
        .shortfall = "needs 2 sizes trained on the same number of tokens"};
    return draw_lines(answer, &lines, out);
}

bool recipe_loss_vs_tokens(const struct table *answer, struct drawing *out)
{
    static const struct lines lines = {
        .series = "params", .x = "tokens", .key_title = "N (parameters)",
        .series_unit = "parameters without embeddings (N)", .grows = "training goes", .unit = "tokens",
        .shortfall = "needs 2 data sizes for the same model size"};
    return draw_lines(answer, &lines, out);
}

static void add_budget(const struct isoflop_budget *b, int series, struct drawing *out)
{
    enum { CURVE_STEPS = 40 };
    int row;
    for (int i = 0; i < b->n; i++) {
        row = drawing_add(out, 5, (double[]){NAN, series, b->flops, b->params[i], b->loss[i]});
        table_set_text(&out->rows, row, 0, "point");
    }
    double from = b->params[b->fit_first], to = b->params[b->fit_last];
    for (int i = 0; i <= CURVE_STEPS && to > from && b->n >= ISOFLOP_FIT_SIZES; i++) {
        double params = from * pow(to / from, (double)i / CURVE_STEPS);
        row = drawing_add(out, 5, (double[]){NAN, series, b->flops, params, isoflop_parabola(b, params)});
        table_set_text(&out->rows, row, 0, "fit");
    }
    if (b->support == ISOFLOP_OPTIMUM) {
        row = drawing_add(out, 5, (double[]){NAN, series, b->flops, b->best_params, b->best_loss});
        table_set_text(&out->rows, row, 0, "optimum");
    }
}

/* "At 7.5e10 FLOPs the best size is 14 k parameters, at 1.5e11 31 k, at 3e11 49 k." */
static void say_optima(struct str *out, const struct isoflop *iso)
{
    int said = 0;
    for (int i = 0; i < iso->n; i++) {
        const struct isoflop_budget *b = &iso->budgets[i];
        if (b->support != ISOFLOP_OPTIMUM)
            continue;
        str_append(out, said ? ", at " : "At ");
        text_power(out, b->flops);
        str_append(out, said ? " " : " FLOPs the best size is ");
        text_count(out, b->best_params);
        str_append(out, said++ ? "" : " parameters (N)");
    }
    str_append(out, said ? "." : "At no budget is an optimum supported: widen the sizes.");
}

static void say_isoflop(struct str *out, const struct isoflop *iso)
{
    say_optima(out, iso);
    if (isfinite(iso->exponent))
        str_format(out, " The best size grows as C^%.2f over %d budgets, a slope without an interval.", iso->exponent,
                   iso->n_optima);
    else
        str_append(out, " An exponent needs 3 budgets with an optimum.");
    str_format(out, " An optimum counts where at least %d sizes were tried and both larger and smaller ones lose%s.",
               ISOFLOP_FIT_SIZES, iso->n_optima < iso->n ? "; the key says why a budget has none" : "");
    if (iso->interpolated)
        str_append(out, " Points are read off between measured data sizes of each model.");
    double last = iso->budgets[iso->n - 1].flops;
    if (iso->most_flops > 1.1 * last) {
        str_append(out, " Beyond ");
        text_power(out, last);
        str_append(out, " FLOPs, up to the largest run's ");
        text_power(out, iso->most_flops);
        str_append(out, ", too few sizes share a budget.");
    }
}

bool recipe_isoflop(const struct table *answer, struct drawing *out)
{
    static const char *const names[] = {"kind", "series", "flops", "params", "loss"};
    struct isoflop *iso = calloc(1, sizeof *iso);
    struct str titles[ISOFLOP_MOST_BUDGETS];
    double x_low = INFINITY, x_high = 0, low = INFINITY, high = 0;
    NEED_MEMORY(iso);
    isoflop_find(iso, answer, NULL);
    int n = iso->n;
    if (n == 0) {
        str_append(&out->shortfall, "needs 3 sizes at equal compute, or 3 sizes with 2 data sizes each");
        free(iso);
        return false;
    }
    drawing_begin_rows(out, 5, names);
    for (int i = 0; i < n; i++) {
        const struct isoflop_budget *b = &iso->budgets[i];
        str_init(&titles[i]);
        text_power(&titles[i], b->flops);
        if (b->support != ISOFLOP_OPTIMUM)
            str_format(&titles[i], ": %s", isoflop_reason(b->support));
        add_budget(b, i + 1, out);
        for (int k = 0; k < b->n; k++) {
            x_low = fmin(x_low, b->params[k]);
            x_high = fmax(x_high, b->params[k]);
            low = fmin(low, b->loss[k]);
            high = fmax(high, b->loss[k]);
        }
    }
    recipe_series(out, n, titles);
    drawing_number(out, "optimum_count", iso->n_optima);
    drawing_log_axis(out, 'x', x_low, x_high, false);
    drawing_loss_axis(out, low, high, recipe_floor(answer));
    (void)recipe_unit(answer, out);
    str_append(&out->key_title, "training FLOPs");
    say_isoflop(&out->caption, iso);
    for (int i = 0; i < n; i++)
        str_release(&titles[i]);
    free(iso);
    return true;
}
